package httpserver_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/platform/fault"
	"banyan/platform/httpserver"
	"banyan/platform/requestctx"
)

// callers makes a server know its callers by headers.
func callers(o *httpserver.Options) {
	type key struct{}
	o.Authenticate = func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), key{}, r.Header.Get("Wallet"))))
		})
	}
	o.Wallet = func(ctx context.Context) string { return ctx.Value(key{}).(string) }
	o.Privileged = func(ctx context.Context) bool { return ctx.Value(key{}) == "operator" }
}

// sized answers with as many bytes as the query asks for.
func sized(w http.ResponseWriter, r *http.Request) {
	n, _ := strconv.Atoi(r.URL.Query().Get("bytes"))
	fmt.Fprint(w, strings.Repeat("x", n))
}

func TestALongAnswerCountsAsSeveralRequests(t *testing.T) {
	clock := &stopped{}
	s := start(t, func(o *httpserver.Options) {
		o.Now = clock.now
		o.Limits.TrustedProxies = []string{"1"}
		o.Limits.Rate, o.Limits.Burst = 1, 10
		o.Limits.WalletRate, o.Limits.WalletBurst = 1, 10
		o.Limits.BytesPerRequest = 1 << 10
		callers(o)
	}, func(r chi.Router) { r.Get("/api/sized", sized) })
	ask := func(ip, wallet string, bytes int) answer {
		t.Helper()
		return do(t, request(t, "GET", s.url+"/api/sized?bytes="+strconv.Itoa(bytes), "", "X-Forwarded-For", ip, "Wallet", wallet))
	}
	wait := func(ip, wallet string, want string) {
		t.Helper()
		a := ask(ip, wallet, 1)
		a.problem(t, 429, fault.RateLimited)
		if got := a.header.Get("Retry-After"); got != want {
			t.Errorf("Retry-After %q, want %s", got, want)
		}
	}
	ok := func(ip, wallet string, bytes int) {
		t.Helper()
		if a := ask(ip, wallet, bytes); a.status != 200 || len(a.body) != bytes {
			t.Errorf("status %d with %d bytes, want %d", a.status, len(a.body), bytes)
		}
	}
	ok("203.0.113.1", "", 1000)      // 1 of 10
	ok("203.0.113.1", "", 9*1024)    // 1 and 9: the bucket owes one
	wait("203.0.113.1", "", "2")     // until there is one again
	clock.advance(2 * time.Second)   //
	ok("203.0.113.1", "", 1000*1024) // a debt of a burst at most
	wait("203.0.113.1", "", "11")    //
	clock.advance(11 * time.Second)
	ok("203.0.113.1", "", 1)

	ok("203.0.113.2", "0xa", 100*1024) // the wallet pays
	wait("203.0.113.3", "0xa", "11")
	ok("203.0.113.2", "", 1)
	for range 3 { // an operator pays for requests alone
		ok("203.0.113.4", "operator", 100*1024)
	}
}

func TestAnExpensiveOperationHasAPriceAndAPlace(t *testing.T) {
	clock := &stopped{}
	entered, leave := make(chan struct{}), make(chan struct{})
	s := start(t, func(o *httpserver.Options) {
		o.Now = clock.now
		o.Limits.TrustedProxies = []string{"1"}
		o.Limits.Rate, o.Limits.Burst = 1, 20
		o.Limits.WalletRate, o.Limits.WalletBurst = 1, 20
		o.Limits.ExpensiveCost, o.Limits.ExpensivePerClient, o.Limits.ExpensivePerWallet = 5, 1, 2
		callers(o)
	}, func(r chi.Router) {
		r.Post("/api/work", func(w http.ResponseWriter, r *http.Request) {
			done, err := requestctx.EnterExpensive(r.Context())
			if err != nil {
				fault.WriteProblem(w, err, w.Header().Get("X-Request-Id"))
				return
			}
			defer done()
			if r.URL.Query().Has("wait") {
				entered <- struct{}{}
				<-leave
			}
		})
	})
	ask := func(ip, wallet, path string) answer {
		t.Helper()
		a, err := try(request(t, "POST", s.url+path, "", "X-Forwarded-For", ip, "Wallet", wallet))
		if err != nil {
			t.Error(err)
		}
		return a
	}
	refused := func(ip, wallet, path string) {
		t.Helper()
		a := ask(ip, wallet, path)
		a.problem(t, 429, fault.RateLimited)
		if a.header.Get("Retry-After") == "" {
			t.Error("nobody says when to come back")
		}
	}
	ok := func(ip, wallet, path string) {
		t.Helper()
		if a := ask(ip, wallet, path); a.status != 200 {
			t.Errorf("%s of %q: %d %s", ip, wallet, a.status, a.body)
		}
	}
	results := make(chan struct{})
	hold := func(ip, wallet string) {
		go func() { ok(ip, wallet, "/api/work?wait"); results <- struct{}{} }()
		<-entered
	}
	hold("203.0.113.1", "")
	refused("203.0.113.1", "", "/api/work")
	ok("203.0.113.2", "", "/api/work") // another client
	hold("203.0.113.1", "0xa")         // a wallet has places of its own
	hold("203.0.113.9", "0xa")
	refused("203.0.113.3", "0xa", "/api/work")
	hold("203.0.113.1", "operator")
	ok("203.0.113.1", "operator", "/api/work")
	for range 4 {
		leave <- struct{}{}
		<-results
	}
	ok("203.0.113.1", "", "/api/work") // the place is free again

	for range 4 { // 20 tokens, 5 each
		ok("203.0.113.5", "", "/api/work")
	}
	refused("203.0.113.5", "", "/api/work")
	clock.advance(6 * time.Second) // a refusal costs its own request
	ok("203.0.113.5", "", "/api/work")
	for range 10 {
		ok("203.0.113.6", "operator", "/api/work")
	}
}

func TestBanyansOwnProcessesPayForRequestsAlone(t *testing.T) {
	clock := &stopped{}
	s := start(t, func(o *httpserver.Options) {
		o.Now, o.Internal = clock.now, true
		o.Limits.Rate, o.Limits.Burst = 1, 10
		o.Limits.BytesPerRequest, o.Limits.ExpensiveCost = 1<<10, 10
	}, func(r chi.Router) {
		r.Get("/api/sized", func(w http.ResponseWriter, r *http.Request) {
			leave, err := requestctx.EnterExpensive(r.Context())
			if err != nil {
				t.Error(err)
				return
			}
			defer leave()
			sized(w, r)
		})
	})
	for range 10 {
		if a := do(t, request(t, "GET", s.url+"/api/sized?bytes=100000", "")); a.status != 200 {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	do(t, request(t, "GET", s.url+"/api/sized?bytes=1", "")).problem(t, 429, fault.RateLimited)
}
