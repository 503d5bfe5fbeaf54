package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"banyan/modules/exchangereview"
	"banyan/platform/testneeds"
)

// TestLowering moves exchange-review out of the running program step by step
// and back, twice, while people read and write: no call fails, every review is
// there exactly once, and each state is where the operator put it.
func TestLowering(t *testing.T) {
	eachPlace(t, func(t *testing.T, p place) {
		const slug = "kraken"
		listen := testneeds.Address(t)
		env := []string{"BANYAN_IDENTITY_TRUNK_URL=http://" + listen, "BANYAN_PUBLIC_URL=http://" + listen}
		at := testneeds.Address(t)
		env = append(env, "BANYAN_MODULES_EXCHANGE_REVIEW_URL=http://"+at)
		trunk := p.start(t, env, "--listen", listen)
		p.start(t, env, "--module", exchangereview.Name, "--listen", at)
		token := p.token(t)

		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var people sync.WaitGroup
		var mu sync.Mutex
		written := make(map[exchangereview.Hash]bool)
		var longest time.Duration
		for w := range 8 {
			people.Go(func() { // writers
				for n := 0; ctx.Err() == nil; n++ {
					begun := time.Now()
					signed, err := newAuthor(1000+n*8+w).review(t.Context(), trunk.url, slug, 1+n%5)
					if err == nil {
						var stored exchangereview.Review
						stored, err = publish(t.Context(), trunk.url, slug, signed)
						mu.Lock()
						written[stored.Hash] = true
						longest = max(longest, time.Since(begun))
						mu.Unlock()
					}
					if err != nil {
						t.Errorf("a review was not taken: %v", err)
						return
					}
				}
			})
			people.Go(func() { // readers
				for ctx.Err() == nil {
					status, text, err := call(t.Context(), "GET", trunk.url+"/api/v1/exchange-review/exchanges/"+slug, "", nil, nil)
					if err != nil || status != http.StatusOK {
						t.Errorf("a reader got %d %s %v", status, text, err)
						return
					}
				}
			})
		}
		for range 2 {
			for _, step := range []string{`"mode":"shadow","percent":50`, `"mode":"canary","percent":50`, `"mode":"remote"`, `"mode":"canary","percent":20`, `"mode":"local"`} {
				begun := time.Now()
				trunk.must("PUT", "/api/v1/operator/modules/"+exchangereview.Name, token,
					strings.NewReader(`{`+step+`,"urls":["http://`+at+`"],"why":"the test says so"}`), nil)
				t.Logf("%s took %s", step, time.Since(begun))
				time.Sleep(300 * time.Millisecond) // some traffic in each state; nothing is asserted of the time
			}
		}
		stop()
		people.Wait()
		t.Logf("%d reviews, the slowest took %s", len(written), longest)
		checkReviews(t, trunk, slug, written)
		checkState(t, trunk, token, at)
		var audit struct{ Entries []struct{ Automatic bool } }
		trunk.must("GET", "/api/v1/operator/modules/"+exchangereview.Name+"/audit", token, nil, &audit)
		byHand := 0
		for _, e := range audit.Entries {
			if !e.Automatic { // on a slow machine the guard may have stepped back
				byHand++
			}
		}
		if byHand != 10 {
			t.Errorf("the audit has %d changes by the operator, want 10", byHand)
		}
	})
}

// checkState looks at what the operator sees after the last step back home.
func checkState(t *testing.T, trunk *process, token, at string) {
	t.Helper()
	var state struct {
		Plan  struct{ Mode string }
		Route struct {
			Mode      string
			Endpoints []struct {
				URL   string
				Calls uint64
			}
			Ownership struct {
				Owner string
				Epoch int64
			}
		}
	}
	trunk.must("GET", "/api/v1/operator/modules/"+exchangereview.Name, token, nil, &state)
	r := state.Route
	if state.Plan.Mode != "local" || r.Mode != "local" || r.Ownership.Owner != "trunk" || r.Ownership.Epoch != 5 { // taken four times since the first
		t.Errorf("after all the steps: %+v", state)
	}
	if len(r.Endpoints) != 1 || r.Endpoints[0].URL != "http://"+at || r.Endpoints[0].Calls == 0 {
		t.Errorf("endpoints: %+v", r.Endpoints)
	}
}

// checkReviews finds every written review exactly once, and nothing else.
func checkReviews(t *testing.T, server *process, slug string, written map[exchangereview.Hash]bool) {
	t.Helper()
	found := make(map[exchangereview.Hash]bool)
	for cursor, more := "", true; more; more = cursor != "" {
		var page exchangereview.ReviewPage
		server.must("GET", fmt.Sprintf("/api/v1/exchange-review/exchanges/%s/reviews?limit=200&cursor=%s", slug, cursor), "", nil, &page)
		for _, r := range page.Reviews {
			if found[r.Hash] || !written[r.Hash] {
				t.Errorf("review %s is there twice, or was never acknowledged", r.Hash)
			}
			found[r.Hash] = true
		}
		cursor = page.Next
	}
	if len(found) != len(written) {
		t.Errorf("%d reviews were acknowledged, %d are there", len(written), len(found))
	}
}
