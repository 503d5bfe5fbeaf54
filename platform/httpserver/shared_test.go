package httpserver_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"banyan/platform/httpserver"
)

// kept keeps balances that do not fill up again.
type kept struct {
	balances map[string]float64
	failing  atomic.Bool
}

func (k *kept) Spend(_ context.Context, spent []httpserver.Spent) ([]float64, error) {
	if k.failing.Load() {
		return nil, errors.New("nobody answers")
	}
	balances := make([]float64, len(spent))
	for i, one := range spent {
		if _, known := k.balances[one.Bucket]; !known {
			k.balances[one.Bucket] = float64(one.Burst)
		}
		k.balances[one.Bucket] = max(k.balances[one.Bucket]-float64(one.Tokens), -float64(one.Burst))
		balances[i] = k.balances[one.Bucket]
	}
	return balances, nil
}

// replica is a server of a site, of which each client may ask four times.
func replica(t *testing.T, shared httpserver.SharedLimits, log *lines) (s *httpserver.Server, ask func(ip string) (status int)) {
	t.Helper()
	o := httpserver.Options{Listen: "127.0.0.1:0", PublicURL: "http://banyan.test", Limits: limits(), Shared: shared, Logger: slog.New(slog.NewTextHandler(log, nil))}
	o.Limits.Rate, o.Limits.Burst = 1e-6, 4
	s, err := httpserver.New(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Router().Get("/api/x", func(http.ResponseWriter, *http.Request) {})
	return s, func(ip string) int {
		t.Helper()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://banyan.test/api/x", nil)
		r.RemoteAddr = ip + ":1234"
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		return w.Code
	}
}

func TestReplicasLimitAClientTogether(t *testing.T) {
	shared := &kept{balances: map[string]float64{}}
	one, askOne := replica(t, shared, &lines{})
	two, askTwo := replica(t, shared, &lines{})
	share := func() {
		t.Helper()
		for _, s := range []*httpserver.Server{one, two} {
			if err := s.ShareOnce(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	expect := func(ask func(string) int, ip string, want int) {
		t.Helper()
		if got := ask(ip); got != want {
			t.Errorf("a request of %s is answered with %d, want %d", ip, got, want)
		}
	}
	expect(askOne, "203.0.113.1", 200)
	expect(askOne, "203.0.113.1", 200)
	expect(askOne, "203.0.113.1", 200)
	share()
	expect(askTwo, "203.0.113.1", 200) // the second replica has not seen this client before
	share()
	expect(askTwo, "203.0.113.1", 429)
	expect(askTwo, "203.0.113.2", 200)
	expect(askOne, "203.0.113.1", 200) // of its own four; told at the next exchange
	share()
	expect(askOne, "203.0.113.1", 429)
	if got := shared.balances["client:203.0.113.1/32"]; got != -1 {
		t.Errorf("the client has a balance of %v, want -1: five requests of four", got)
	}
}

func TestWithoutThePlaceOfSharedLimitsEachProcessLimitsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := &kept{balances: map[string]float64{}}
		shared.failing.Store(true)
		log := &lines{}
		s, ask := replica(t, shared, log)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- s.ShareLimits(ctx) }()
		for range 4 {
			if got := ask("203.0.113.1"); got != 200 {
				t.Errorf("answered with %d while nobody shares", got)
			}
			time.Sleep(time.Second)
		}
		if got := ask("203.0.113.1"); got != 429 {
			t.Errorf("the limit of the process alone does not hold: %d", got)
		}
		const warning = "rate limits are those of this process alone"
		if n := strings.Count(log.String(), warning); n != 1 {
			t.Errorf("the log says %d times that limits are not shared, want once:\n%s", n, log)
		}
		shared.failing.Store(false)
		ask("203.0.113.2")
		time.Sleep(time.Second)
		if n := strings.Count(log.String(), "shared by the replicas again"); n != 1 {
			t.Errorf("the log says %d times that limits are shared again, want once:\n%s", n, log)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
