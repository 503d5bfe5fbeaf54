package rollout

import (
	"context"
	"fmt"
	"sync"
	"time"

	"banyan/platform/fault"
	"banyan/platform/seam"
)

const (
	// dataWait is how long a process is asked which data it has, where nothing
	// rests on its answer: every call is checked as well (seam.RemoteOptions.Data).
	dataWait = 2 * time.Second
	// dataLooks is how many looks of Reconcile come between two questions to a
	// remote that has the same data: it may be started again over other data.
	dataLooks = 5
)

// dataCheck remembers which remotes have to be asked which data they have.
type dataCheck struct {
	mu        sync.Mutex
	isServing bool    // this process serves, so that others can check who asks
	present   *Remote // that the route leads to; nil = local
	checked   bool    // present has said that it has the same data
	looks     int     // since then
	writes    *Remote // where writes went, or were to go, until the plan is another; nil = here
}

// setServing notes that this process can ask others.
func (d *dataCheck) setServing() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.isServing = true
}

// setRoute notes where the route leads from now on.
func (d *dataCheck) setRoute(mode seam.Mode, remote *Remote) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if mode == seam.ModeLocal {
		remote = nil
	}
	if remote != d.present {
		d.present, d.checked = remote, false
	}
	d.writes = nil
	if mode == seam.ModeRemote {
		d.writes = remote
	}
}

// setRefused notes that the plan leads writes where the route does not.
func (d *dataCheck) setRefused(mode seam.Mode, remote *Remote) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if mode == seam.ModeRemote {
		d.writes = remote
	}
}

// setVerified notes that this remote has the same data.
func (d *dataCheck) setVerified(remote *Remote) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if remote == d.present {
		d.checked, d.looks = true, 0
	}
}

// toCheck returns the remote that is in use, and reports whether it must be asked
// at this look.
func (d *dataCheck) toCheck() (*Remote, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.looks++
	return d.present, d.isServing && d.present != nil && (!d.checked || d.looks >= dataLooks)
}

func (d *dataCheck) canAsk() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.isServing
}

// writesAt returns where writes went; nil = here.
func (d *dataCheck) writesAt() *Remote {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.writes
}

// checkStep asks before an operator's step whether the remote has the data of
// this program. Fails with fault.OtherData when one of its endpoints has other
// data, and with fault.Unsupported when one is of another release. One that does
// not answer passes, except where writes are handed to it (handOver): a shadow
// of a module that is not there yet harms nobody, and each of its answers is
// checked.
//
// On the way back from remote the processes that have had the writes are asked:
// what was written over other data would be missing here. One that does not
// answer does not keep the module from moving back.
//
// For the guard nothing is asked: its rollback leads away from a remote that
// fails.
func (m *Mover) checkStep(ctx context.Context, p Plan, remote *Remote) (found Verified, err error) {
	if p.ChangedBy == Guard {
		return found, nil
	}
	id, err := m.owner.CurrentDataID(ctx)
	if err != nil {
		return found, err
	}
	if from := m.data.writesAt(); from != nil && p.Mode != seam.ModeRemote {
		if _, err := from.Peer.Verify(ctx, id, m.shortWait()); fault.Is(err, fault.OtherData) {
			f := *fault.From(err)
			f.Message = fmt.Sprintf("the writes of %s cannot be taken back: %s. To take them back without what may have been written there, stop that process first", m.name(), f.Message)
			return found, &f
		}
	}
	if p.Mode == seam.ModeLocal {
		return found, nil
	}
	wait := m.shortWait()
	if p.Mode == seam.ModeRemote {
		wait = m.timeout
	}
	found, err = remote.Peer.Verify(ctx, id, wait)
	switch {
	case err != nil:
		return found, err
	case found.Older != nil:
		return found, found.Older
	}
	return found, nil
}

// shortWait is dataWait, or less where calls wait less.
func (m *Mover) shortWait() time.Duration { return min(m.timeout, dataWait) }

// checkFollowed asks before a plan is followed that was made before, or by
// another replica. Fails with fault.OtherData when an endpoint has other data;
// one that does not answer, or is of another release, passes: the plan was
// checked when it was made, and a release is put in place one process after the
// other.
func (m *Mover) checkFollowed(ctx context.Context, p Plan, remote *Remote) error {
	if p.Mode == seam.ModeLocal || !m.data.canAsk() {
		return nil
	}
	id, err := m.owner.CurrentDataID(ctx)
	if err != nil {
		return err
	}
	if _, err := remote.Peer.Verify(ctx, id, m.shortWait()); fault.Is(err, fault.OtherData) {
		m.data.setRefused(p.Mode, remote)
		return err
	}
	return nil
}

// recheckData asks the remote in use, at every look until it has said that it has
// the same data, and then now and again: it may not have been there when the plan
// was followed, and may be another by now. When it has other data the controller
// shows that with the module's state.
func (m *Mover) recheckData(ctx context.Context, c *Controller) {
	remote, isDue := m.data.toCheck()
	if !isDue {
		return
	}
	found, err := remote.Peer.Verify(ctx, m.owner.DataID(), m.shortWait())
	switch {
	case ctx.Err() != nil:
	case fault.Is(err, fault.OtherData):
		if err := c.Recheck(ctx, m.name()); err != nil && ctx.Err() == nil {
			m.log.WarnContext(ctx, "the plan of a module cannot be read", "module", m.name(), "error", err)
		}
	case found.Same > 0 && found.Silent == nil && found.Older == nil:
		m.data.setVerified(remote)
	}
}
