package service_test

import (
	"strings"
	"testing"
	"time"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/rings"
)

// TestWalletsThatWriteAsOneAreShownToModerators: with what they share in words, once; the
// ratings stay as they are, and what was decided is not asked again.
func TestWalletsThatWriteAsOneAreShownToModerators(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		search := func() {
			t.Helper()
			if err := w.jobs().FindRings(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		slugs := []string{"kraken", "okx", "uniswap"}
		for n := range 60 { // people: one exchange each, whenever they like
			w.clock.Pass(5 * time.Hour)
			w.publish(t, numbered(t, 100+n), slugs[n%3], 1+n%5)
		}
		for _, slug := range slugs { // and three wallets of one hand
			w.clock.Pass(20 * 24 * time.Hour)
			for n := range 3 {
				w.publish(t, numbered(t, 1+n), slug, 5)
			}
		}
		before := w.rating(t, "kraken")
		search()
		found := map[string]string{}
		for _, f := range w.queue(t) {
			if f.By != nil || f.Kind != rings.KindLockstep {
				t.Errorf("flag %+v", f)
			}
			found[f.Review.Wallet.String()] = f.Evidence
		}
		if len(found) != 3 {
			t.Fatalf("found %v", found)
		}
		evidence := found[numbered(t, 1).wallet.String()]
		for _, part := range append(slugs, "3 wallets gave the same stars to the same exchanges", "5 stars, from ", numbered(t, 2).wallet.String()) {
			if !strings.Contains(evidence, part) {
				t.Errorf("%q is not in %q", part, evidence)
			}
		}
		if after := w.rating(t, "kraken"); after != before {
			t.Errorf("a search has changed the rating from %+v to %+v", before, after)
		}
		w.decide(t, numbered(t, 1), w.queue(t)[0].Review.Exchange, exchangereview.ActionKeep)
		left := len(w.queue(t))
		search() // it was done today
		w.clock.Pass(25 * time.Hour)
		search()
		if n := len(w.queue(t)); n != left {
			t.Errorf("%d flags are open after another search, not %d", n, left)
		}
	})
}

// TestVotersWhoVoteForEachOtherAreShownToModerators.
func TestVotersWhoVoteForEachOtherAreShownToModerators(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		club := make([]*writer, 6)
		for i := range club {
			club[i] = numbered(t, 1+i)
			w.publish(t, club[i], []string{"kraken", "okx", "uniswap"}[i%3], 1+i%5)
		}
		for _, by := range club {
			for i, to := range club {
				if by != to {
					vote := exchangereview.Vote{Slug: []string{"kraken", "okx", "uniswap"}[i%3], Wallet: to.wallet, Helpful: true}
					must(w.VoteOnReview(by.member(), vote))(t)
				}
			}
		}
		if err := w.jobs().FindRings(t.Context()); err != nil {
			t.Fatal(err)
		}
		q := w.queue(t)
		if len(q) != 6 || q[0].Kind != rings.KindReciprocal || !strings.Contains(q[0].Evidence, "5 of the 5 wallets that found its reviews helpful get its votes back") {
			t.Errorf("the queue is %+v", q)
		}
	})
}
