package seam

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"banyan/platform/fault"
)

// TestAReadDoesNotWaitForAProcessThatHangs: its caller would have an hour.
func TestAReadDoesNotWaitForAProcessThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, processes := reach(t, 2, BalanceOptions{})
		processes[0].answer = gone
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		begun := time.Now()
		for range 10 { // the draw decides who is asked first
			if got, err := callRemote[ask, said](ctx, r, opConsult.d, ask{}); err != nil || got.From != 1 {
				t.Fatalf("%+v, %v", got, err)
			}
		}
		if processes[0].calls.Load() == 0 || time.Since(begun) > time.Minute {
			t.Errorf("one of two hangs, was asked %d times, and ten calls took %s", processes[0].calls.Load(), time.Since(begun))
		}
	})
}

// TestReadsThatHangOpenTheBreaker: their callers would hang up some day, which
// says nothing about the process.
func TestReadsThatHangOpenTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, processes := reach(t, 1, BalanceOptions{Random: rand.Float64})
		processes[0].answer = gone
		var callers sync.WaitGroup
		for range 10 {
			callers.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				if _, err := callRemote[ask, said](ctx, r, opConsult.d, ask{}); !fault.Is(err, fault.Unavailable) {
					t.Errorf("it hangs: %v", err)
				}
			})
		}
		callers.Wait()
		if s := r.Endpoints()[0].State; s != "open" {
			t.Errorf("it hangs, and the breaker is %s", s)
		}
	})
}

// TestAWriteTakesTheTimeItsCallerLetsIt: a tree of millions is not built in ten
// seconds.
func TestAWriteTakesTheTimeItsCallerLetsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, processes := reach(t, 1, BalanceOptions{})
		processes[0].answer = gone
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		begun := time.Now()
		if _, err := tellIt(ctx, r, opSwear); !fault.Is(err, fault.DeadlineExceeded) || time.Since(begun) != time.Hour {
			t.Errorf("after %s: %v", time.Since(begun), err)
		}
	})
}
