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
	// poll is the interval in which Watch reads the row.
	poll = 250 * time.Millisecond
	// pollWait bounds one read.
	pollWait = 5 * time.Second
)

// Watch reads the row periodically until ctx ends, and logs changes: run it once
// per Ownership. While the database cannot be read the belief stays as it is;
// writes fail by themselves then, and the fence decides when they succeed again.
func (o *Ownership) Watch(ctx context.Context) error {
	var logging sync.WaitGroup
	logging.Go(func() { o.logOwners(ctx) })
	failing := false
	periodic.Run(ctx, poll, func(ctx context.Context) {
		bounded, cancel := context.WithTimeout(ctx, pollWait)
		_, err := o.Current(bounded)
		cancel()
		if err != nil && !failing && ctx.Err() == nil {
			o.self.Log.WarnContext(ctx, "the owner of a module's writes cannot be read: the last known owner is kept", "module", o.module, "error", err)
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
// context of run ends when the ownership epoch does, and run is started again only
// after it has returned.
//
//	follower ──▶ running ──(lost)──▶ ending ──▶ follower
//	               └─(run returned nil)──▶ done, until the next ownership epoch
//
// For a moment after a take, until the old owner has seen it, run may still run
// there too: its writes are refused by the fence, and its other effects must be
// idempotent. Replicas of one name are one owner, and run runs in each.
//
// WhileOwner returns an error that run returns in its own epoch; one that it
// returns after the epoch ended is logged, unless it only reports that end.
func (o *Ownership) WhileOwner(ctx context.Context, name string, run func(ctx context.Context) error) error {
	done := int64(0) // the last epoch in which run returned nil
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
			o.self.Log.WarnContext(ctx, "a task of the owner failed after the ownership had moved", "module", o.module, "task", name, "epoch", now.Epoch, "error", err)
		}
		if ctx.Err() != nil {
			return nil
		}
		if !over {
			done = now.Epoch
		}
	}
}

// during runs run once, in one ownership epoch.
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
