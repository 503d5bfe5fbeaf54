package client

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sony/gobreaker/v2"

	"banyan/platform/fault"
)

func TestTheBreakerOpensAndProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, processes := newClient(t, 2, Balance{})
		for _, p := range processes {
			p.answer = answers(500)
		}
		for range 60 {
			if _, err := callRead(context.Background(), r); err == nil {
				t.Fatal("no error")
			}
		}
		before := sum(processes)
		start := time.Now()
		_, err := callRead(context.Background(), r)
		if f := fault.From(err); f == nil || f.Code != fault.Unavailable || f.RetryAfter == 0 || sum(processes) != before || time.Since(start) != 0 {
			t.Fatalf("with every breaker open: %v after %s, %d more requests", err, time.Since(start), sum(processes)-before)
		}
		for _, e := range r.Endpoints() {
			if e.State != "open" || e.Failures < 5 || e.LastError == "" {
				t.Errorf("status %+v", e)
			}
		}
		time.Sleep(2*time.Second + time.Millisecond) // the clock of synctest
		for _, p := range processes {
			p.answer = nil
		}
		for range 20 {
			if _, err := callRead(context.Background(), r); err != nil {
				t.Fatalf("recovered, and still %v", err)
			}
		}
		for _, e := range r.Endpoints() {
			if e.State != gobreaker.StateClosed.String() {
				t.Errorf("recovered, and still %s", e.State)
			}
		}
	})
}

func TestRefusalsDoNotOpenTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, processes := newClient(t, 2, Balance{})
		for _, code := range []int{400, 401, 403, 404, 409, 413, 429} {
			processes[0].answer, processes[1].answer = answers(code), answers(code)
			for range 30 {
				_, _ = callRead(context.Background(), r)
			}
		}
		hurry, cancel := context.WithCancel(context.Background())
		cancel()
		for range 30 {
			processes[0].answer, processes[1].answer = neverAnswers, neverAnswers
			_, _ = callRead(hurry, r)
		}
		for _, e := range r.Endpoints() {
			if e.State != "closed" {
				t.Errorf("state %s", e.State)
			}
		}
	})
}

func TestTimeOutsOpenTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, processes := newClient(t, 1, Balance{})
		processes[0].answer = neverAnswers
		var callers sync.WaitGroup
		for range 10 {
			callers.Go(func() {
				if _, err := callRead(context.Background(), r); !fault.Is(err, fault.DeadlineExceeded) { // nobody set a deadline: the time-out is the remote's
					t.Errorf("got %v", err)
				}
			})
		}
		callers.Wait()
		if s := r.Endpoints()[0].State; s != "open" {
			t.Errorf("frozen, and the breaker is %s", s)
		}
	})
}

func TestAStrangersAnswerIsNotTheModules(t *testing.T) {
	for _, code := range []int{200, 301, 401, 404, 409} {
		r, processes := newClient(t, 1, Balance{Attempts: 1})
		processes[0].answer = func(*http.Request) (*http.Response, error) {
			resp := response(code, `{"from": 1}`)
			delete(resp.Header, HeaderContract)
			return resp, nil
		}
		if _, err := callRead(context.Background(), r); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%d: %v", code, err)
		}
	}
}
