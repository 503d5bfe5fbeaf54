package client

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
		r, processes := newClient(t, 2, Balance{})
		processes[0].answer = neverAnswers
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		start := time.Now()
		for range 10 { // the draw decides who is asked first
			if got, err := callRead(ctx, r); err != nil || got.From != 1 {
				t.Fatalf("%+v, %v", got, err)
			}
		}
		if processes[0].calls.Load() == 0 || time.Since(start) > time.Minute {
			t.Errorf("one of two hangs, was asked %d times, and ten calls took %s", processes[0].calls.Load(), time.Since(start))
		}
	})
}

// TestReadsThatHangOpenTheBreaker: their callers would hang up some day, which
// says nothing about the process.
func TestReadsThatHangOpenTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, processes := newClient(t, 1, Balance{Random: rand.Float64})
		processes[0].answer = neverAnswers
		var callers sync.WaitGroup
		for range 10 {
			callers.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				if _, err := callRead(ctx, r); !fault.Is(err, fault.Unavailable) {
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
		r, processes := newClient(t, 1, Balance{})
		processes[0].answer = neverAnswers
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		start := time.Now()
		if _, err := callWrite(ctx, r, idempotent); !fault.Is(err, fault.DeadlineExceeded) || time.Since(start) != time.Hour {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
	})
}
