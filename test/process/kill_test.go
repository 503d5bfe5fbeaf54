package process_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"banyan/modules/exchangereview"
)

// TestEveryAcknowledgedReviewSurvivesKill: 64 writers, kill -9 in the middle,
// restart. What was acknowledged is there exactly once; what was not is there
// once or not at all; and the ratings agree with the reviews.
func TestEveryAcknowledgedReviewSurvivesKill(t *testing.T) {
	eachPlace(t, func(t *testing.T, p place) {
		const writers, enough, slug = 64, 400, "kraken"
		server := p.start(t, nil, "--listen", "127.0.0.1:0")
		acknowledged := writeUntilKilled(t, server, writers, enough, slug)
		again := p.start(t, nil, "--listen", "127.0.0.1:0")
		found := make(map[exchangereview.Hash]int)
		var page exchangereview.ReviewPage
		for query := "?limit=200"; ; query = "?limit=200&cursor=" + page.Next {
			page = exchangereview.ReviewPage{}
			again.must("GET", "/api/v1/exchange-review/exchanges/"+slug+"/reviews"+query, "", nil, &page)
			for _, r := range page.Reviews {
				found[r.Hash]++
			}
			if page.Next == "" {
				break
			}
		}
		for hash, n := range found {
			if n != 1 {
				t.Errorf("review %s is there %d times", hash, n)
			}
		}
		for _, hash := range acknowledged {
			if found[hash] != 1 {
				t.Errorf("review %s was acknowledged and is there %d times", hash, found[hash])
			}
		}
		var exchange exchangereview.Exchange
		again.must("GET", "/api/v1/exchange-review/exchanges/"+slug, "", nil, &exchange)
		if exchange.Rating.Reviews != len(found) {
			t.Errorf("the rating counts %d reviews, there are %d", exchange.Rating.Reviews, len(found))
		}
		t.Logf("%d acknowledged, %d found", len(acknowledged), len(found))
		if err := again.stop(); err != nil {
			t.Error(err)
		}
	})
}

// writeUntilKilled lets writers publish, kills the server after enough
// acknowledgements and returns what was acknowledged.
func writeUntilKilled(t *testing.T, server *process, writers, enough int, slug string) []exchangereview.Hash {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	var mu sync.Mutex
	var acknowledged []exchangereview.Hash
	reached := make(chan struct{})
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				signed, err := newAuthor(n*writers+w).review(ctx, server.url, slug, 1+n%5)
				if err != nil {
					return // the server is gone
				}
				stored, err := publish(ctx, server.url, slug, signed)
				if err != nil {
					return
				}
				mu.Lock()
				acknowledged = append(acknowledged, stored.Hash)
				if len(acknowledged) == enough {
					close(reached)
				}
				mu.Unlock()
			}
		})
	}
	select {
	case <-reached:
	case <-ctx.Done():
		t.Fatal(fmt.Errorf("only %d reviews were acknowledged: %w\n%s", len(acknowledged), ctx.Err(), server.logged()))
	}
	server.kill()
	group.Wait()
	return acknowledged
}
