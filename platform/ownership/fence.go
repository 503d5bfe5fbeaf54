package ownership

import (
	"context"
	"fmt"
	"strconv"

	"banyan/platform/database"
	"banyan/platform/fault"
)

// Header is the header of a write between processes that holds the ownership
// epoch of the sender's route.
const Header = "Banyan-Epoch"

var _ database.Fence = (*Ownership)(nil)

// Known implements database.Fence: it refuses from memory what Check would refuse.
// It may lag behind the row by the interval of Watch, 250 ms.
func (o *Ownership) Known() error {
	if now := o.Believed(); o.owns(now) || now.Epoch == 0 { // an owner may have been named just now
		return nil
	}
	return o.refuse()
}

// Check implements database.Fence: it reads the claim inside a write transaction, under the
// lock that a take needs, and refuses unless this process is the owner. A newer
// ownership epoch of the same owner passes: another replica has taken.
func (o *Ownership) Check(ctx context.Context, q database.Queryer) error {
	c, err := readLocked(ctx, q)
	if err != nil {
		return fmt.Errorf("read the owner of %s: %w", o.module, err)
	}
	if believed := o.Epoch(); c.Epoch < believed {
		if c.Owner == Moving || c.Elsewhere() { // on its way into the database that the data has left
			return &database.Held{Over: closed(), Cause: o.lost(c)}
		}
		return fault.Newf(fault.Conflict,
			"the database of %s is at ownership epoch %d and has been at %d: it was restored to an older state while this program runs; restart the program",
			o.module, c.Epoch, believed)
	}
	o.learn(c)
	if o.owns(c) {
		return nil
	}
	if err := o.refuse(); err != nil {
		return err
	}
	return &database.Held{Over: closed(), Cause: o.lost(c)} // owned again since the row was read
}

// StillIn refuses unless the write transaction q is of this ownership epoch: for a
// write that depends on what the process read or computed before, in that epoch.
// Since then others may have owned and written, even if this process is the owner
// again. It fails as the fence does.
func (o *Ownership) StillIn(ctx context.Context, q database.Queryer, epoch int64) error {
	c, err := readClaim(ctx, q) // under the fence's lock already
	if err != nil {
		return fmt.Errorf("read the owner of %s: %w", o.module, err)
	}
	if c.Epoch != epoch {
		return c.refusal(fmt.Sprintf("the write was prepared in ownership epoch %d of %s, which has ended: since epoch %d %s; prepare it again",
			epoch, o.module, c.Epoch, c.holder()))
	}
	return nil
}

// RequireEpoch checks the header of a write that came from another process; an
// empty one, of people and API clients, passes. An older ownership epoch is refused
// with a fault.Conflict for which IsLost is true: the sender's route is outdated,
// even if it leads to the right process. Whether this process is the owner is
// decided by the fence.
func (o *Ownership) RequireEpoch(ctx context.Context, header string) error {
	if header == "" {
		return nil
	}
	sent, err := strconv.ParseInt(header, 10, 64)
	if err != nil || sent < 1 {
		return fault.New(fault.Invalid, "the header "+Header+" must be an ownership epoch: a whole number from 1")
	}
	if sent > o.Epoch() { // the sender has seen a take, and we have not
		if _, err := o.Current(ctx); err != nil {
			return err
		}
	}
	now := o.Believed()
	switch {
	case sent < now.Epoch:
		return now.refusal(fmt.Sprintf("the write was sent for ownership epoch %d of %s, which has ended: since epoch %d %s; send it again",
			sent, o.module, now.Epoch, now.holder()))
	case sent > now.Epoch:
		return fault.Newf(fault.Conflict,
			"the write was sent for ownership epoch %d of %s, and the database of this process is at %d: both processes must use the same database",
			sent, o.module, now.Epoch)
	}
	return nil
}
