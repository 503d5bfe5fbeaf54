// Package load makes a bounded load on a server and keeps a log of what the server
// acknowledged, so that somebody else can say afterwards whether it is all there.
// It knows no module: what is asked of one is a Visit, which package workload has.
//
//	visits → Run → log (JSON lines) → Read → Record → the checks of an audit
//
// A write is logged before it is sent and again when it is answered. A load that is
// killed therefore leaves a log in which every write that may have had an effect is.
package load

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"banyan/platform/fault"
	"banyan/platform/periodic"
)

// The limits of a load: it shows how a server does, and is no way to stop one.
const (
	MaxCallers  = 256
	MaxRate     = 5000 // requests per second
	MaxDuration = time.Hour
	MaxRetry    = 10 * time.Minute
)

const (
	requestTimeout = 30 * time.Second
	retryPause     = 250 * time.Millisecond
)

// Settings bound a load.
type Settings struct {
	Callers  int
	Rate     float64 // requests per second, of all callers
	Duration time.Duration
	Retry    time.Duration // how long a write that was not answered is sent again, with its key; 0 = never
}

// Check refuses settings out of range.
func (s Settings) Check() error {
	for _, limit := range []struct {
		wrong bool
		text  string
	}{
		{s.Callers < 1 || s.Callers > MaxCallers, fmt.Sprintf("--callers is 1 to %d, not %d", MaxCallers, s.Callers)},
		{!(s.Rate > 0 && s.Rate <= MaxRate), fmt.Sprintf("--rate is over 0 and at most %d requests per second, not %v", MaxRate, s.Rate)},
		{s.Duration <= 0 || s.Duration > MaxDuration, fmt.Sprintf("--duration is over 0 and at most %s, not %s", MaxDuration, s.Duration)},
		{s.Retry < 0 || s.Retry > MaxRetry, fmt.Sprintf("--retry is at most %s, not %s", MaxRetry, s.Retry)},
	} {
		if limit.wrong {
			return fault.Usage(errors.New(limit.text))
		}
	}
	return nil
}

// Visit is what a caller does at one time: a request, or some that belong together.
type Visit struct {
	Name  string
	Share int // of all visits, beside the other shares
	// Do makes the visit. It ends early when a request fails, which its Caller counts;
	// an error is something else, and ends the load.
	Do func(context.Context, *Caller) error
}

// Caller is one of those who make visits. Only one visit at a time uses it.
type Caller struct {
	// Own is what visits keep for the next ones of this caller, by their name.
	Own  map[string]any
	load *running
}

// running is a load under way.
type running struct {
	s       Settings
	log     *Log
	limiter *rate.Limiter
	figures *figures
}

// Run makes the visits until the time is over or the context ends. Requests under way
// are finished then, so that no answer is missing from the log.
func Run(ctx context.Context, s Settings, visits []Visit, log *Log) (Report, error) {
	if err := s.Check(); err != nil {
		return Report{}, err
	}
	total := 0
	for _, v := range visits {
		total += v.Share
	}
	if total == 0 {
		return Report{}, fault.New(fault.Invalid, "there is nothing to ask this server for: no module has visits")
	}
	r := &running{s: s, log: log, limiter: rate.NewLimiter(rate.Limit(s.Rate), max(1, int(s.Rate/10))), figures: newFigures(time.Now())}
	ctx, stop := context.WithTimeout(ctx, s.Duration)
	defer stop()
	callers, ctx := errgroup.WithContext(ctx)
	for range s.Callers {
		callers.Go(func() error {
			c := &Caller{Own: make(map[string]any), load: r}
			for ctx.Err() == nil {
				v := choose(visits, Any(total))
				if err := v.Do(ctx, c); err != nil {
					return fmt.Errorf("%s: %w", v.Name, err)
				}
			}
			return nil
		})
	}
	err := callers.Wait()
	return r.figures.report(time.Now()), errors.Join(err, log.end())
}

// Any returns a number below n: what to look at next.
func Any(n int) int { return mathrand.IntN(n) } //nolint:gosec // nothing depends on it that somebody could guess

func choose(visits []Visit, n int) Visit {
	for _, v := range visits {
		if n -= v.Share; n < 0 {
			return v
		}
	}
	return visits[len(visits)-1] // not reached: n is below the sum of the shares
}

// Read makes a request that changes nothing, and reports whether it was answered.
func (c *Caller) Read(ctx context.Context, operation string, call func(context.Context) error) (ok bool) {
	if !c.turn(ctx) {
		return false
	}
	begun := time.Now()
	err := finish(ctx, call)
	c.load.figures.count(operation, fault.CodeOf(err), begun, time.Now(), false)
	return err == nil
}

// Write makes a request that changes something, and reports whether it was
// acknowledged. call gets a context with the write's idempotency key, and returns the
// id of what was written, "" if e names it already.
func (c *Caller) Write(ctx context.Context, e Entry, call func(ctx context.Context, key string) (id string, err error)) (ok bool, err error) {
	if !c.turn(ctx) {
		return false, nil
	}
	begun := time.Now()
	e.Key, e.TimeMS, e.Status = rand.Text(), begun.UnixMilli(), Sent
	if err := c.load.log.add(e); err != nil {
		return false, err
	}
	var failed error
	for e.Tries = 1; ; e.Tries++ {
		failed = finish(ctx, func(ctx context.Context) error {
			id, err := call(ctx, e.Key)
			if id != "" {
				e.ID = id
			}
			return err
		})
		if failed == nil || !again(failed) || time.Since(begun) >= c.load.s.Retry || periodic.Sleep(ctx, retryPause) != nil {
			break
		}
	}
	now := time.Now()
	e.Status, e.TookMS = Acknowledged, now.Sub(begun).Milliseconds()
	if failed != nil {
		e.Status, e.Why = string(fault.CodeOf(failed)), fault.From(failed).Message
	}
	c.load.figures.count(e.Operation, fault.CodeOf(failed), begun, now, true)
	return failed == nil, c.load.log.add(e)
}

// again reports whether a write may succeed when it is sent once more.
func again(err error) bool {
	switch fault.CodeOf(err) {
	case fault.Unavailable, fault.Busy, fault.DeadlineExceeded, fault.RateLimited, fault.OtherData:
		return true
	}
	return false
}

// turn waits until the rate allows a request; false is the end of the load.
func (c *Caller) turn(ctx context.Context) bool {
	if c.load.limiter.Wait(ctx) == nil {
		return true
	}
	<-ctx.Done() // the limiter knows before that its time would be over
	return false
}

// finish makes one request. It is not ended with the load: what was sent may have had
// its effect.
func finish(ctx context.Context, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
	defer cancel()
	return call(ctx)
}
