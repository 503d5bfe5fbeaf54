package host

import (
	"context"
	"sync"
	"time"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/ownership"
	"banyan/platform/periodic"
	"banyan/platform/rollout"
	"banyan/platform/seam"
	"banyan/platform/transfer"
)

const (
	// dataTimeout is how long one call about the data of a module may take; each sets less
	// where it can.
	dataTimeout = 10 * time.Minute
	// sendWait bounds asking the other process; it is not sending meanwhile.
	sendWait = 10 * time.Second
	// comingLook is how often it is asked where the data is.
	comingLook = 500 * time.Millisecond
	// settleAgain is when what has failed is tried again.
	settleAgain = 2 * time.Second
)

// homecoming is the way back of a module's data from another host: the process there
// sends it, and this one asks how far that is.
type homecoming struct {
	slot    *slot
	address string

	mu  sync.Mutex
	now transfer.Status
}

func (h *homecoming) status() transfer.Status {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *homecoming) note(change func(*transfer.Status)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change(&h.now)
}

func (h *homecoming) stop() error {
	client, err := h.slot.dialData(h.address)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), sendWait)
	defer cancel()
	_, err = client.Stop(ctx)
	return err
}

// follow asks until the move has ended, or ctx has.
func (h *homecoming) follow(ctx context.Context) {
	for ctx.Err() == nil && !h.status().Ended() {
		state, err := h.ask(ctx)
		switch {
		case err != nil:
			h.note(func(s *transfer.Status) {
				s.Problem = "the process that has the data does not answer; it goes on by itself: " + fault.From(err).Message
			})
		case state.Move != nil:
			h.noteMove(ctx, *state.Move)
		case h.slot.owner.IsOwner(): // it was started again after that
			h.note(func(s *transfer.Status) { s.Step, s.Problem = transfer.StepDone, "" })
		default:
			h.note(func(s *transfer.Status) {
				s.Step, s.Problem = transfer.StepFailed, "the process that has the data does not know of this move: begin it again"
			})
		}
		_ = periodic.Sleep(ctx, comingLook)
	}
}

// noteMove notes what the other process says; the move has ended when that is written down
// here as well.
func (h *homecoming) noteMove(ctx context.Context, now transfer.Status) {
	if now.Step == transfer.StepDone {
		if found, err := transfer.FindElsewhere(ctx, h.slot.db); err != nil || found.Arrived {
			now.Step, now.EndedMS = transfer.StepHolding, 0
		}
	}
	h.note(func(s *transfer.Status) { *s = now })
}

func (h *homecoming) ask(ctx context.Context) (rollout.SendState, error) {
	client, err := h.slot.dialData(h.address)
	if err != nil {
		return rollout.SendState{}, err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, sendWait)
	defer cancel()
	return client.State(ctx)
}

// bringHome asks the process that has the data to send it here. It needs the lock.
func (d *dataMove) bringHome(ctx context.Context, address, by string) error {
	client, err := d.slot.dialData(address)
	if err != nil {
		return err
	}
	defer client.Close()
	state, err := client.Send(ctx, by)
	if fault.Is(err, fault.Conflict) { // perhaps it sends already, and its answer was lost
		if now, asked := client.State(ctx); asked == nil && now.Move != nil && !now.Move.Ended() {
			state, err = now, nil
		}
	}
	if err != nil {
		return err
	}
	d.coming = &homecoming{slot: d.slot, address: address}
	if state.Move != nil {
		d.coming.now = *state.Move
	}
	d.begun <- struct{}{}
	return nil
}

// resumeComing looks for a way back that had begun when the program ended.
func (d *dataMove) resumeComing(ctx context.Context) error {
	if !d.slot.process.isTrunk() {
		return nil
	}
	found, err := transfer.FindElsewhere(ctx, d.slot.db)
	if err != nil || !found.Coming {
		return err
	}
	d.coming = &homecoming{slot: d.slot, address: found.Remote, now: transfer.Status{To: d.slot.process.address(), Step: transfer.StepCopying}}
	d.begun <- struct{}{}
	return nil
}

// settle leads the calls to data that has arrived, when it has, or because the program
// ended before.
func (d *dataMove) settle(ctx context.Context) error {
	for {
		found, err := transfer.FindElsewhere(ctx, d.slot.db)
		if err == nil && found.Arrived {
			if err = d.routes.Lead(ctx, d.slot.name(), rollout.Place{Mode: seam.ModeLocal}, found.By, "its data was moved back"); err == nil {
				err = transfer.Settle(ctx, d.slot.db)
			}
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			d.slot.process.log.WarnContext(ctx, "that a module's data has come back cannot be written down; it is tried again", "module", d.slot.name(), "error", err)
			_ = periodic.SleepUntil(ctx, settleAgain, d.arrivals) // the next look ends with ctx
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-d.arrivals:
		}
	}
}

// arrived leads the module's calls to this process, which has the data now; settle writes
// it down.
func (d *dataMove) arrived(ctx context.Context, _ transfer.Arrival) error {
	if err := d.routes.Route(ctx, d.slot.name(), rollout.Place{Mode: seam.ModeLocal}); err != nil {
		return err
	}
	select {
	case d.arrivals <- struct{}{}:
	default: // it looks in any case
	}
	return nil
}

// Away is the address of the process that has the data; "" = it is here.
func (d *dataMove) Away() string {
	if !d.slot.owner.Believed().Elsewhere() {
		return ""
	}
	found, err := transfer.FindElsewhere(context.Background(), d.slot.db)
	if err != nil { // the row says that it is not here
		return "another process"
	}
	return found.Remote
}

// Send has a module's process send its data to the trunk.
func (d *dataMove) Send(ctx context.Context, by string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.requireEnded(); err != nil {
		return err
	}
	p := d.slot.process
	o := d.options(database.Options{}, p.settings.Identity.TrunkURL)
	o.Remote, o.By, o.FromName = p.settings.Identity.TrunkURL, by, p.address()
	return d.begin(ctx, o)
}

// dialData returns the process at this address, to send data there.
func (s *slot) dialData(address string) (rollout.DataClient, error) {
	o, err := s.remoteOptions([]string{address}, s.peerAt([]string{address}))
	if err != nil {
		return rollout.DataClient{}, err
	}
	o.Timeout = dataTimeout
	return s.dataContract.Client(o, s.process.name())
}

// openData makes what data moves with, where this process has the module's database.
func (s *slot) openData(ctx context.Context) error {
	p := s.process
	s.dataContract = rollout.NewDataContract(s.name())
	s.data = newDataMove(s)
	o := transfer.ReceiverOptions{DB: s.db, Owner: s.owner, Name: p.address(), Log: p.log, Now: p.clock}
	s.dataEnd = rollout.DataEnd{Peer: rollout.Trunk, Out: s.data}
	if p.isTrunk() {
		o.Arrived = s.data.arrived
		s.dataEnd = rollout.DataEnd{Peer: s.name()}
	}
	s.dataEnd.In = transfer.NewReceiver(o)
	if err := s.data.resume(ctx); err != nil {
		return err
	}
	p.addTask("the move of the data of "+s.name(), s.data.Run)
	if p.isTrunk() {
		p.addTask("the arrival of the data of "+s.name(), s.data.settle)
	}
	return nil
}

// openOwner opens the ownership of the module's writes. A module that runs alone over a
// file of its own waits until data comes, and the trunk until data comes back.
func (s *slot) openOwner(ctx context.Context) (err error) {
	p := s.process
	found, err := transfer.FindElsewhere(ctx, s.db)
	if err != nil {
		return err
	}
	waits := found.Remote != "" || !p.isTrunk() && s.db.Dialect() == database.SQLite
	self := ownership.Process{Name: p.name(), URL: p.address(), Log: p.log, Waits: waits}
	if place := s.configured.Place(); p.isTrunk() && place.Mode == seam.ModeRemote && len(place.URLs) > 0 {
		self.First = ownership.Claim{Owner: s.name(), URL: place.URLs[0]}
	}
	s.owner, err = ownership.Open(ctx, s.db, self)
	return err
}

// closeData ends what openData has opened.
func (s *slot) closeData() {
	if s.dataEnd.In != nil {
		s.dataEnd.In.Close()
	}
}
