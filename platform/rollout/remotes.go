package rollout

import (
	"strings"
	"sync"

	"banyan/platform/identity"
	"banyan/platform/seam"
)

// Remote is a module in other processes, at one or more addresses.
type Remote struct {
	Module *seam.Remote       // its operations
	Peer   Peer               // the hand-over of its writes
	Upkeep *seam.Remote       // what operators do about its events and jobs
	Keys   identity.KeySource // that the processes there sign with; nil: those are trusted in any case
}

func (r *Remote) close() {
	r.Module.Close()
	r.Peer.Close()
	if r.Upkeep != nil {
		r.Upkeep.Close()
	}
}

// remoteSet are the remotes of one module that are open. They follow the plan in
// force: those that it names are open and their keys are trusted; while a change
// is being made, so are those that it leads to, because the process there may
// have work to do before the change is through. All others are closed, which
// leaves the calls under way alone, and their keys count no longer. A local plan
// names none, whatever addresses it keeps for the next change.
type remoteSet struct {
	dial  func(urls []string) (*Remote, error)
	trust func(identity.KeySource) // nil: nobody's keys

	mu    sync.Mutex
	open  map[string]*Remote // by their URLs
	inUse string             // those of the plan in force; "" = it is local
}

func newRemoteSet(dial func([]string) (*Remote, error), trust func(identity.KeySource)) *remoteSet {
	return &remoteSet{dial: dial, trust: trust, open: make(map[string]*Remote)}
}

func urlsKey(urls []string) string { return strings.Join(urls, ", ") }

// at returns the remote at these addresses, and dials them where it is not open.
// Whoever calls it calls use or closeUnused afterwards.
func (s *remoteSet) at(urls []string) (*Remote, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.open[urlsKey(urls)]; ok {
		return known, nil
	}
	remote, err := s.dial(urls)
	if err != nil {
		return nil, err
	}
	s.open[urlsKey(urls)] = remote
	s.trustOpen()
	return remote, nil
}

// use notes that this place is in force now, and closes all others.
func (s *remoteSet) use(p Place) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inUse = ""
	if p.Mode != seam.ModeLocal {
		s.inUse = urlsKey(p.URLs)
	}
	s.closeOthers()
}

// closeUnused closes what was opened for a change that did not come about.
func (s *remoteSet) closeUnused() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closeOthers()
}

func (s *remoteSet) closeOthers() {
	closed := false
	for key, remote := range s.open {
		if key != s.inUse {
			remote.close()
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
	for key, remote := range s.open {
		switch {
		case remote.Keys == nil:
		case key == s.inUse:
			keys = append(keys, remote.Keys)
		default:
			keys = append(identity.ManyKeys{remote.Keys}, keys...)
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
	for key, remote := range s.open {
		remote.close()
		delete(s.open, key)
	}
}
