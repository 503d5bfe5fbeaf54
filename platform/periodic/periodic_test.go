package periodic_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"banyan/platform/periodic"
)

const every = time.Second

// calls runs fn after it has noted when, seconds after the start; the loop ends
// at end.
func calls(t *testing.T, end time.Duration, fn func(call int), options ...periodic.Option) (at []float64) {
	t.Helper()
	start := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), end)
	defer cancel()
	periodic.Run(ctx, every, func(inside context.Context) {
		if inside != ctx {
			t.Error("the call has another context than the loop")
		}
		at = append(at, time.Since(start).Seconds())
		fn(len(at))
	}, options...)
	if ctx.Err() == nil {
		t.Error("the loop ended before its context")
	}
	return at
}

func nothing(int) {}

func want(t *testing.T, got []float64, want ...float64) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("called at %v s, want %v s", got, want)
	}
}

func TestRunCallsOncePerInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		want(t, calls(t, 3500*time.Millisecond, nothing), 1, 2, 3)
		want(t, calls(t, 2500*time.Millisecond, nothing, periodic.AtOnce()), 0, 1, 2)
		want(t, calls(t, every/2, nothing))
	})
}

// The interval is from beginning to beginning, as with a ticker: work does not
// delay what follows, and what was missed is not made up for.
func TestACallThatTakesLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		short := func(int) { time.Sleep(every / 4) }
		want(t, calls(t, 3500*time.Millisecond, short), 1, 2, 3)
		long := func(call int) {
			if call == 1 {
				time.Sleep(3500 * time.Millisecond)
			}
		}
		want(t, calls(t, 6500*time.Millisecond, long), 1, 4.5, 5, 6)
	})
}

func TestAWakeDoesNotWaitForTheInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wake := make(chan struct{}, 1)
		go func() {
			time.Sleep(every / 2)
			wake <- struct{}{}
		}()
		want(t, calls(t, 2500*time.Millisecond, nothing, periodic.OnWake(wake)), 0.5, 1, 2)
	})
}

func TestAClosedWakeIsNoWake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wake := make(chan struct{})
		close(wake)
		want(t, calls(t, 2500*time.Millisecond, nothing, periodic.AtOnce(), periodic.OnWake(wake)), 0, 1, 2)
	})
}

func TestRunEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		called := 0
		for range 100 { // which of several ready channels is taken is random
			ctx, cancel := context.WithCancel(t.Context())
			wake := make(chan struct{}, 1)
			end := func(context.Context) {
				called++
				wake <- struct{}{}
				cancel()
				time.Sleep(10 * every) // a tick is ready, too
			}
			periodic.Run(ctx, every, end, periodic.AtOnce(), periodic.OnWake(wake))
			periodic.Run(ctx, every, end, periodic.AtOnce(), periodic.OnWake(wake))
		}
		if called != 100 {
			t.Errorf("100 loops that end in their first call made %d calls", called)
		}
	})
}

func TestSleepLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		if err := periodic.Sleep(t.Context(), every); err != nil || time.Since(start) != every {
			t.Errorf("slept for %s, %v", time.Since(start), err)
		}
		for _, d := range []time.Duration{0, -every} {
			if err := periodic.Sleep(t.Context(), d); err != nil || time.Since(start) != every {
				t.Errorf("a sleep of %s took %s, %v", d, time.Since(start)-every, err)
			}
		}
	})
}

func TestSleepEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), every)
		defer cancel()
		if err := periodic.Sleep(ctx, 10*every); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != every {
			t.Errorf("a sleep whose context ended lasted %s, %v", time.Since(start), err)
		}
		for _, d := range []time.Duration{0, -1, every} {
			if err := periodic.Sleep(ctx, d); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != every {
				t.Errorf("a sleep of %s after the context's end: %v after %s", d, err, time.Since(start)-every)
			}
		}
	})
}

func TestAWakeEndsASleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		wake := make(chan struct{})
		go func() {
			time.Sleep(every)
			close(wake)
		}()
		if err := periodic.SleepUntil(t.Context(), 10*every, wake); err != nil || time.Since(start) != every {
			t.Errorf("woken after %s, %v", time.Since(start), err)
		}
	})
}
