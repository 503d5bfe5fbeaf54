package ownership

import (
	"context"
	"fmt"

	"banyan/platform/database"
	"banyan/platform/fault"
)

// Moving is the owner of data that is about to be another database's: its last rows
// are being copied, and nobody writes. Its name is no process's. Whoever it belonged to
// takes it back, also after a crash, until it is Moved:
//
//	7 trunk ─Fence─▶ 8 moving ─(platform/transfer)─▶ 9 moved      10 trunk, in the other database
//	                     └─────Take──────▶ 9 trunk
const Moving = "moving"

// Fence ends this process's ownership for a moment, and waits for the running write
// transactions. From then on its writes are held (database.Held) until it owns again:
// after Take, or after Found, once the handle leads to the other database.
//
// Fails with fault.Conflict when this process is not the owner, and as the database does;
// then the writes may be held or not, and Take decides.
func (o *Ownership) Fence(ctx context.Context) (Claim, error) {
	now, err := o.Current(ctx)
	if err != nil {
		return now, err
	}
	if !o.owns(now) {
		return now, o.lost(now)
	}
	o.holding.Store(true)
	fenced, err := o.rows.swap(ctx, now.Epoch, Claim{Epoch: now.Epoch + 1, Owner: Moving})
	if err != nil {
		return now, fmt.Errorf("hold the writes of %s: %w", o.module, err)
	}
	o.learn(fenced)
	if fenced.Epoch != now.Epoch+1 || fenced.Owner != Moving {
		o.Release(fenced)
		return fenced, fault.Newf(fault.Conflict, "the writes of %s are at ownership epoch %d, not %d: somebody else has taken them; nothing was moved", o.module, fenced.Epoch, now.Epoch)
	}
	return fenced, nil
}

// Release ends the holding of writes with the claim that is in force now, of the
// database that the handle leads to.
func (o *Ownership) Release(now Claim) {
	o.holding.Store(false)
	o.learn(now)
	o.mu.Lock() // also when the claim was known
	defer o.mu.Unlock()
	close(o.changed)
	o.changed = make(chan struct{})
}

// Adopt takes up what the database has become under this process: other data comes into it,
// or has come, and its ownership epochs are not those that were here.
func (o *Ownership) Adopt(ctx context.Context) error {
	id, err := o.rows.data(ctx)
	if err != nil {
		return fmt.Errorf("read the data id of %s: %w", o.module, err)
	}
	now, err := o.rows.read(ctx)
	if err != nil {
		return fmt.Errorf("read the owner of %s: %w", o.module, err)
	}
	o.data.Store(&id)
	o.mu.Lock()
	o.belief.Store(&now)
	o.mu.Unlock()
	o.Release(now)
	return nil
}

// refuse returns why a write is refused by what this process believes; nil when it is
// the owner by now.
func (o *Ownership) refuse() error {
	changed := o.Changed()
	c := o.Believed()
	switch {
	case o.owns(c):
		return nil
	case o.holding.Load():
		return &database.Held{Over: changed, Cause: o.lost(c)}
	}
	return o.lost(c)
}

// Left implements database.DB's Left.
func (o *Ownership) Left() error {
	if c := o.Believed(); c.Elsewhere() && !o.holding.Load() {
		return o.lost(c)
	}
	return nil
}

// closed is the channel of what is over.
func closed() <-chan struct{} {
	over := make(chan struct{})
	close(over)
	return over
}
