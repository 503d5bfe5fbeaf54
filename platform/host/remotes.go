package host

import (
	"strings"
	"sync"

	"banyan/platform/identity"
	"banyan/platform/rollout"
	"banyan/platform/seam"
)

// remotes are the two contracts that a module's process serves.
type remotes struct{ module, handover *seam.Remote }

func (f remotes) close() {
	f.module.Close()
	f.handover.Close()
}

// opened are remotes with the keys that the process there signs with.
type opened struct {
	remotes
	keys identity.KeySource // nil: the trunk's, which are trusted in any case
}

// remoteSet are the remotes of one module that are open. They follow the plan in
// force: those that it names are open and their keys are trusted; while a change
// is being made, so are those that it leads to, because the process there may
// have work to do before the change is through. All others are closed, which
// leaves the calls under way alone, and their keys count no longer. A local plan
// names none, whatever addresses it keeps for the next change.
type remoteSet struct {
	trust func(identity.KeySource) // nil: nobody's keys

	mu    sync.Mutex
	open  map[string]opened // by their URLs
	inUse string            // those of the plan in force; "" = it is local
}

func newRemoteSet(trust func(identity.KeySource)) *remoteSet {
	return &remoteSet{trust: trust, open: make(map[string]opened)}
}

func urlsKey(urls []string) string { return strings.Join(urls, ", ") }

// reach returns the remotes at these addresses, and opens them where they are
// not open. Whoever calls it calls use or keepInUse afterwards.
func (s *remoteSet) reach(urls []string, open func([]string) (opened, error)) (remotes, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.open[urlsKey(urls)]; ok {
		return known.remotes, nil
	}
	far, err := open(urls)
	if err != nil {
		return remotes{}, err
	}
	s.open[urlsKey(urls)] = far
	s.trustOpen()
	return far.remotes, nil
}

// use notes that this place is in force now.
func (s *remoteSet) use(p rollout.Place) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inUse = ""
	if p.Mode != seam.ModeLocal {
		s.inUse = urlsKey(p.URLs)
	}
	s.closeOthers()
}

// keepInUse closes what a change has reached that did not come about.
func (s *remoteSet) keepInUse() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closeOthers()
}

func (s *remoteSet) closeOthers() {
	closed := false
	for key, far := range s.open {
		if key != s.inUse {
			far.close()
			delete(s.open, key)
			closed = true
		}
	}
	if closed {
		s.trustOpen()
	}
}

// trustOpen trusts the keys of what is open; those of a change before the ones
// that it leads away from, which may be gone.
func (s *remoteSet) trustOpen() {
	var keys identity.ManyKeys
	for key, far := range s.open {
		switch {
		case far.keys == nil:
		case key == s.inUse:
			keys = append(keys, far.keys)
		default:
			keys = append(identity.ManyKeys{far.keys}, keys...)
		}
	}
	if len(keys) == 0 {
		s.trust(nil)
		return
	}
	s.trust(keys)
}

// close closes everything at the end of the program.
func (s *remoteSet) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, far := range s.open {
		far.close()
		delete(s.open, key)
	}
}
