package host

import (
	"context"
	"fmt"
	"sync"
	"time"

	"banyan/platform/fault"
	"banyan/platform/rollout"
	"banyan/platform/seam"
)

const (
	// dataWait is how long a process is asked which data it has, where nothing
	// rests on its answer: every call is checked as well (seam.RemoteOptions.Data).
	dataWait = 2 * time.Second
	// dataLooks is how many looks of settle come between two questions to a remote
	// that has the same data: it may be started again over other data.
	dataLooks = 5
)

// dataCheck remembers what has to be asked which data it has.
type dataCheck struct {
	mu      sync.Mutex
	isOpen  bool     // this process serves, so that others can check who asks
	present remotes  // that the route leads to; none = local
	checked bool     // present has said that it has the same data
	looks   int      // since then
	writes  *remotes // where writes went, or were to go, until the plan is another; nil = here
}

// serving says that this process can ask others.
func (d *dataCheck) serving() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.isOpen = true
}

// led says where the route leads from now on.
func (d *dataCheck) led(mode seam.Mode, far remotes) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if mode == seam.ModeLocal {
		far = remotes{}
	}
	if far != d.present {
		d.present, d.checked = far, false
	}
	d.writes = nil
	if mode == seam.ModeRemote {
		d.writes = &far
	}
}

// refused says that the plan leads writes where the route does not.
func (d *dataCheck) refused(mode seam.Mode, far remotes) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if mode == seam.ModeRemote {
		d.writes = &far
	}
}

// verified says that this remote has the same data.
func (d *dataCheck) verified(far remotes) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if far == d.present {
		d.checked, d.looks = true, 0
	}
}

// toCheck is the remote that is in use, and reports whether it is to be asked at
// this look.
func (d *dataCheck) toCheck() (remotes, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.looks++
	return d.present, d.isOpen && d.present.handover != nil && (!d.checked || d.looks >= dataLooks)
}

func (d *dataCheck) canAsk() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.isOpen
}

func (d *dataCheck) writesAt() (remotes, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.writes == nil {
		return remotes{}, false
	}
	return *d.writes, true
}

// checkStep asks before an operator's step whether the remote has the data of
// this program. Fails with fault.OtherData when one of its endpoints has other
// data, and with fault.Unsupported when one is of another release. One that does
// not answer is let pass, except where writes are handed to it (handOver): a
// shadow of a module that is not there yet harms nobody, and each of its answers
// is checked.
//
// On the way back from remote the processes that have had the writes are asked:
// what was written over other data would be missing here. One that does not
// answer does not keep the module from coming home.
//
// The guard is not asked for anything: it steps back from what is bad.
func (s *slot) checkStep(ctx context.Context, p rollout.Plan, far remotes) (found rollout.Verified, err error) {
	if p.ChangedBy == rollout.Guard {
		return found, nil
	}
	id, err := s.owner.CurrentDataID(ctx)
	if err != nil {
		return found, err
	}
	if from, away := s.data.writesAt(); away && p.Mode != seam.ModeRemote {
		if _, err := s.handover.Verify(ctx, from.handover, id, s.shortWait()); fault.Is(err, fault.OtherData) {
			f := *fault.From(err)
			f.Message = fmt.Sprintf("the writes of %s do not come home: %s. To come home without what may have been written there, stop that process first", s.name(), f.Message)
			return found, &f
		}
	}
	if p.Mode == seam.ModeLocal {
		return found, nil
	}
	wait := s.shortWait()
	if p.Mode == seam.ModeRemote {
		wait = s.configured.Timeout
	}
	found, err = s.handover.Verify(ctx, far.handover, id, wait)
	switch {
	case err != nil:
		return found, err
	case found.Older != nil:
		return found, found.Older
	}
	return found, nil
}

// shortWait is dataWait, or less where calls wait less.
func (s *slot) shortWait() time.Duration { return min(s.configured.Timeout, dataWait) }

// checkFollowed asks before a plan is followed that was made before, or by
// another replica. Fails with fault.OtherData when an endpoint has other data;
// one that does not answer, or is of another release, is let pass: the plan was
// checked when it was made, and a release is put in place one process after the
// other.
func (s *slot) checkFollowed(ctx context.Context, p rollout.Plan, far remotes) error {
	if p.Mode == seam.ModeLocal || !s.data.canAsk() {
		return nil
	}
	id, err := s.owner.CurrentDataID(ctx)
	if err != nil {
		return err
	}
	if _, err := s.handover.Verify(ctx, far.handover, id, s.shortWait()); fault.Is(err, fault.OtherData) {
		s.data.refused(p.Mode, far)
		return err
	}
	return nil
}

// recheckData asks the remote in use, at every look until it has said that it has
// the same data, and then now and again: it may not have been there when the plan
// was followed, and may be another by now. When it has other data the control
// says so with the module's state.
func (s *slot) recheckData(ctx context.Context) {
	far, isDue := s.data.toCheck()
	if !isDue {
		return
	}
	found, err := s.handover.Verify(ctx, far.handover, s.owner.DataID(), s.shortWait())
	switch {
	case ctx.Err() != nil:
	case fault.Is(err, fault.OtherData):
		if err := s.process.control.Recheck(ctx, s.name()); err != nil && ctx.Err() == nil {
			s.process.log.WarnContext(ctx, "the plan of a module cannot be read", "module", s.name(), "error", err)
		}
	case found.Same > 0 && found.Silent == nil && found.Older == nil:
		s.data.verified(far)
	}
}
