package timeout

import (
	"context"
	"errors"
	"math"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// makeTimeout is one of makeLazy, makeEager and context.WithTimeout, which they
// must be like.
type makeTimeout func(context.Context, time.Duration) (context.Context, context.CancelFunc)

func makeLazy(parent context.Context, length time.Duration) (context.Context, context.CancelFunc) {
	d := newLazy(parent, length, false)
	return d, d.End
}

func makeEager(parent context.Context, length time.Duration) (context.Context, context.CancelFunc) {
	d := newEager(parent, length, false)
	return d, d.End
}

// ended is what somebody learns of a context that may be over.
type ended struct {
	closed     bool
	err, cause error
	deadline   time.Duration // from the test's beginning
}

func look(ctx context.Context, began time.Time) (seen ended) {
	select {
	case <-ctx.Done():
		seen.closed = true
	default:
	}
	at, _ := ctx.Deadline()
	seen.err, seen.cause, seen.deadline = ctx.Err(), context.Cause(ctx), at.Sub(began)
	return seen
}

func TestADeadlineEndsAsContextsDo(t *testing.T) {
	reason := errors.New("the caller hung up")
	for name, end := range map[string]func(cancel, hangUp func()){
		"not at all":             func(_, _ func()) {},
		"by its time":            func(_, _ func()) { time.Sleep(2 * time.Second) },
		"by cancel":              func(cancel, _ func()) { cancel() },
		"by cancel twice":        func(cancel, _ func()) { cancel(); cancel() },
		"by cancel, then time":   func(cancel, _ func()) { cancel(); time.Sleep(2 * time.Second) },
		"by its parent":          func(_, hangUp func()) { hangUp() },
		"by its parent and time": func(_, hangUp func()) { hangUp(); time.Sleep(2 * time.Second) },
		"by parent and cancel":   func(cancel, hangUp func()) { hangUp(); cancel() },
	} {
		for _, asked := range []bool{true, false} {
			for _, limit := range []time.Duration{time.Second, time.Hour} {
				t.Run(name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						run := func(make makeTimeout) [4]ended {
							began := time.Now()
							above, hangUp := context.WithCancelCause(context.Background())
							parent, done := context.WithTimeout(above, 10*time.Second)
							defer done()
							ctx, cancel := make(parent, limit)
							child := ctx
							if asked {
								var stop context.CancelFunc
								child, stop = context.WithCancel(ctx)
								defer stop()
							}
							end(cancel, func() { hangUp(reason) })
							synctest.Wait()
							seen := [4]ended{look(child, began), look(ctx, began)}
							cancel()
							seen[2], seen[3] = look(ctx, began), look(child, began)
							hangUp(nil)
							return seen
						}
						want := run(context.WithTimeout)
						for twin, make := range map[string]makeTimeout{"lazy": makeLazy, "eager": makeEager} {
							if got := run(make); got != want {
								t.Errorf("%s, asked before %t, limit %s:\n got %+v\nwant %+v", twin, asked, limit, got, want)
							}
						}
					})
				})
			}
		}
	}
}

func TestADeadlineThatNobodyAsksAboutMakesNothing(t *testing.T) {
	type key struct{}
	parent, stop := context.WithCancel(context.WithValue(context.Background(), key{}, "kept"))
	defer stop()
	ctx := newLazy(parent, time.Hour, false)
	if ctx.Value(key{}) != "kept" {
		t.Error("the parent's values are hidden")
	}
	if at, ok := ctx.Deadline(); !ok || time.Until(at) < 59*time.Minute {
		t.Errorf("the deadline is %s, %t", at, ok)
	}
	ctx.End()
	if ctx.asked.Load() != endedUnasked {
		t.Error("a timer was made")
	}
	<-ctx.Done() // whoever comes late gets the end, too
}

func TestTheLongestDeadlineIsNotOver(t *testing.T) {
	ctx := New(t.Context(), math.MaxInt64, false)
	defer ctx.End()
	if at, _ := ctx.Deadline(); ctx.Err() != nil || time.Until(at) < Longest-time.Hour {
		t.Errorf("it ended with %v, at %s", ctx.Err(), at)
	}
}

// A child is ended by its place in the parent: a goroutine that waits
// for it would be one for each query of a database.
func TestChildrenOfADeadlineNeedNoGoroutine(t *testing.T) {
	ctx, cancel := makeLazy(context.Background(), time.Hour)
	defer cancel()
	var child context.Context
	var stop context.CancelFunc
	var unregister func() bool
	var alive strings.Builder
	// What is begun in here has the label, which distinguishes it from what other tests
	// have left to end.
	pprof.Do(t.Context(), pprof.Labels("test", t.Name()), func(context.Context) {
		child, stop = context.WithCancel(ctx)
		unregister = context.AfterFunc(ctx, func() {})
		if err := pprof.Lookup("goroutine").WriteTo(&alive, 1); err != nil {
			t.Fatal(err)
		}
	})
	defer stop()
	if n := strings.Count(alive.String(), t.Name()+`"`); n != 1 { // the test itself
		t.Errorf("two children began goroutines:\n%s", alive.String())
	}
	if !unregister() {
		t.Error("the function was not taken back")
	}
	called := make(chan struct{})
	context.AfterFunc(child, func() { close(called) })
	cancel()
	<-called
	if context.WithoutCancel(ctx).Err() != nil {
		t.Error("a context without cancel was cancelled")
	}
}

func TestADeadlineIsAskedAndEndedByManyAtOnce(t *testing.T) {
	for range 200 {
		ctx, cancel := makeLazy(context.Background(), time.Hour)
		var all sync.WaitGroup
		begin := make(chan struct{})
		channels := make([]<-chan struct{}, 8)
		for i := range channels {
			all.Go(func() {
				<-begin
				if i%2 == 0 {
					cancel()
				}
				channels[i] = ctx.Done()
				<-channels[i]
				if err := ctx.Err(); !errors.Is(err, context.Canceled) {
					t.Errorf("ended with %v", err)
				}
			})
		}
		close(begin)
		all.Wait()
		for _, c := range channels {
			if c != channels[0] {
				t.Fatal("the context has two channels")
			}
		}
	}
}
