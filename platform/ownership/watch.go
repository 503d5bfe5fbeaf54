package ownership

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"banyan/platform/periodic"
)

const (
	// poll is how often Watch looks at the row.
	poll = 250 * time.Millisecond
	// pollWait bounds one look.
	pollWait = 5 * time.Second
)

// Watch follows the row until ctx ends, and logs what changes: run it once per
// Ownership. Without the database the belief stays as it is; writes fail by
// themselves then, and the fence decides when they no longer do.
func (o *Ownership) Watch(ctx context.Context) error {
	var logging sync.WaitGroup
	logging.Go(func() { o.logOwners(ctx) })
	failing := false
	periodic.Run(ctx, poll, func(ctx context.Context) {
		bounded, cancel := context.WithTimeout(ctx, pollWait)
		_, err := o.Current(bounded)
		cancel()
		if err != nil && !failing && ctx.Err() == nil {
			o.self.Log.WarnContext(ctx, "cannot see who owns a module's writes: going on as before", "module", o.module, "error", err)
		}
		failing = err != nil
	})
	logging.Wait()
	return nil
}

// logOwners logs each new owner until ctx ends.
func (o *Ownership) logOwners(ctx context.Context) {
	logged := Claim{}
	for {
		changed := o.Changed()
		if now := o.Believed(); now.Epoch != logged.Epoch {
			o.self.Log.InfoContext(ctx, "the owner of a module's writes",
				"module", o.module, "epoch", now.Epoch, "owner", now.Owner, "url", now.URL, "self", o.owns(now))
			logged = now
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}

// errLost is why the context of a run ends before its parent's.
var errLost = errors.New("the ownership of the module's writes has changed")

// WhileOwner runs run whenever this process is the owner, until ctx ends. The
// context of run ends when the epoch does, and the next begins only after run
// has returned: nothing of it is left when WhileOwner starts it again.
//
//	follower ──▶ running ──(lost)──▶ ending ──▶ follower
//	               └─(run returned nil)──▶ done, until the next epoch
//
// For a moment after a take, until the old owner has seen it, run may still go
// on there too: what it writes is refused by the fence, and what it does
// elsewhere must bear to be done twice. Replicas of one name are one owner, and
// run in each.
//
// An error of run in its own epoch ends WhileOwner and is returned; one that
// run returns after the epoch ended is logged, unless it only says so.
func (o *Ownership) WhileOwner(ctx context.Context, name string, run func(ctx context.Context) error) error {
	done := int64(0) // the last epoch in which run came to its end
	for {
		changed := o.Changed()
		now := o.Believed()
		if !o.owns(now) || now.Epoch == done {
			select {
			case <-ctx.Done():
				return nil
			case <-changed:
			}
			continue
		}
		err := o.during(ctx, now.Epoch, run)
		over := ctx.Err() != nil || o.Epoch() != now.Epoch
		switch {
		case err != nil && !over:
			return fmt.Errorf("%s of %s: %w", name, o.module, err)
		case err != nil && !IsLost(err) && !errors.Is(err, context.Canceled):
			o.self.Log.WarnContext(ctx, "work of an owner did not end well", "module", o.module, "task", name, "epoch", now.Epoch, "error", err)
		}
		if ctx.Err() != nil {
			return nil
		}
		if !over {
			done = now.Epoch
		}
	}
}

// during is one run, in one epoch.
func (o *Ownership) during(ctx context.Context, epoch int64, run func(ctx context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		for {
			changed := o.Changed()
			if o.Epoch() != epoch {
				cancel(errLost)
				return
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}()
	defer func() { // also when run panics
		cancel(nil)
		<-watching
	}()
	return run(ctx)
}
