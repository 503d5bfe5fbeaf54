package ownership

import (
	"context"
	"fmt"
	"strconv"

	"banyan/platform/database"
	"banyan/platform/fault"
)

// Header carries, on a write between processes, the epoch that the sender's
// route is of.
const Header = "Banyan-Epoch"

var _ database.Fence = (*Ownership)(nil)

// Known refuses from memory what the fence would refuse. It may be behind: by
// what Watch has not seen yet, at most 250 ms.
func (o *Ownership) Known() error {
	if c := o.Believed(); !o.owns(c) {
		return o.lost(c)
	}
	return nil
}

// Check is the fence: it reads the claim inside a write transaction, under the
// lock that a take needs, and refuses unless this process is the owner. A newer
// epoch of the same owner passes: another replica has taken.
func (o *Ownership) Check(ctx context.Context, q database.Queryer) error {
	c, err := readLocked(ctx, q)
	if err != nil {
		return fmt.Errorf("read the owner of %s: %w", o.module, err)
	}
	if believed := o.Epoch(); c.Epoch < believed {
		return fault.Newf(fault.Conflict,
			"the database of %s is at epoch %d and has been at %d: it was put back to an older state under a running program; restart the program",
			o.module, c.Epoch, believed)
	}
	o.learn(c)
	if !o.owns(c) {
		return o.lost(c)
	}
	return nil
}

// StillIn refuses unless the write transaction q is of this epoch: for a write
// that rests on what the process read or computed before, in that epoch. Since
// then others may have owned and written, even if this process is the owner
// again. A refusal is as the fence's.
func (o *Ownership) StillIn(ctx context.Context, q database.Queryer, epoch int64) error {
	c, err := readClaim(ctx, q) // under the fence's lock already
	if err != nil {
		return fmt.Errorf("read the owner of %s: %w", o.module, err)
	}
	if c.Epoch != epoch {
		return c.refusal(fmt.Sprintf("the write was prepared in epoch %d of %s, which is over: since epoch %d %s; begin again",
			epoch, o.module, c.Epoch, c.holder()))
	}
	return nil
}

// RequireEpoch checks the header of a write that came from another process; the
// empty one, of people and API clients, passes. An older epoch is refused with
// a fault.Conflict for which IsLost is true: the sender's route is behind, even
// if it leads to the right process. Whether this process is the owner is for
// the fence to say.
func (o *Ownership) RequireEpoch(ctx context.Context, header string) error {
	if header == "" {
		return nil
	}
	sent, err := strconv.ParseInt(header, 10, 64)
	if err != nil || sent < 1 {
		return fault.New(fault.Invalid, "the header "+Header+" is a number from 1 on")
	}
	if sent > o.Epoch() { // the sender has heard of a take, and we have not
		if _, err := o.Current(ctx); err != nil {
			return err
		}
	}
	now := o.Believed()
	switch {
	case sent < now.Epoch:
		return now.refusal(fmt.Sprintf("the write was sent for epoch %d of %s, which is over: since epoch %d %s; send it again as of now",
			sent, o.module, now.Epoch, now.holder()))
	case sent > now.Epoch:
		return fault.Newf(fault.Conflict,
			"the write was sent for epoch %d of %s, and the database of this process is at %d: both processes must have the same database",
			sent, o.module, now.Epoch)
	}
	return nil
}
