package client

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func TestEjectionLeavesHalf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, processes := newClient(t, 4, Balance{Attempts: 1, BreakAfter: 1 << 30, BreakShare: 2})
		ejected := func() (n int) {
			for _, e := range r.Endpoints() {
				if e.State == stateEjected {
					n++
				}
			}
			return n
		}
		for _, p := range processes {
			p.answer = func(*http.Request) (*http.Response, error) {
				time.Sleep(10 * time.Millisecond) // the clock of synctest
				return reply200(p.number), nil
			}
		}
		processes[2].answer = answers(500)
		for i := 0; i < 100 && ejected() == 0; i++ {
			_, _ = callRead(context.Background(), r)
		}
		if ejected() != 1 || r.Endpoints()[2].State != stateEjected {
			t.Fatalf("one fails, %d ejected: %+v", ejected(), r.Endpoints())
		}
		before := processes[2].calls.Load()
		for range 50 {
			if _, err := callRead(context.Background(), r); err != nil {
				t.Fatal(err)
			}
		}
		if processes[2].calls.Load() != before {
			t.Error("an ejected endpoint was asked")
		}
		time.Sleep(time.Second) // the clock of synctest
		for _, p := range processes {
			p.answer = answers(500)
		}
		for range 200 {
			_, _ = callRead(context.Background(), r)
			if ejected() > 2 {
				t.Fatal("more than half are ejected")
			}
		}
		if ejected() != 2 {
			t.Errorf("all fail, %d ejected", ejected())
		}
	})
}

func TestCallsGoToTheLessLoaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, processes := newClient(t, 2, Balance{})
		processes[0].answer = func(*http.Request) (*http.Response, error) {
			time.Sleep(100 * time.Millisecond) // the clock of synctest
			return reply200(0), nil
		}
		processes[1].answer = func(*http.Request) (*http.Response, error) {
			time.Sleep(10 * time.Millisecond) // the clock of synctest
			return reply200(1), nil
		}
		for range 200 {
			_, _ = callRead(context.Background(), r)
		}
		if slow, fast := processes[0].calls.Load(), processes[1].calls.Load(); fast < 8*slow || slow == 0 {
			t.Errorf("the slow one had %d calls, the fast one %d", slow, fast)
		}
		before := processes[0].calls.Load()
		time.Sleep(time.Minute) // the clock of synctest; what was slow is forgotten
		processes[0].answer = nil
		for range 50 {
			_, _ = callRead(context.Background(), r)
		}
		if processes[0].calls.Load() == before {
			t.Error("the endpoint that was slow is never tried again")
		}
	})
}
