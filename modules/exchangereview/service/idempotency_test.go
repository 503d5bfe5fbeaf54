package service_test

import (
	"testing"
	"time"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/service"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/seam"
	"banyan/platform/testenv/databasetest"
	"banyan/platform/testenv/seamtest"
)

func TestARepeatedReviewIsPublishedOnce(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		a := numbered(t, 1)
		ctx := seam.WithIdempotencyKey(anybody, "review-1")
		signed := w.prepare(t, a, "kraken", 4)
		first := must(w.PublishReview(ctx, signed))(t)
		rows := w.rows(t)
		if again := must(w.PublishReview(ctx, signed))(t); again != first {
			t.Errorf("again: %+v, want %+v", again, first)
		}
		w.clock.Pass(time.Hour) // too old to be published by now, and it was in time
		if again := must(w.PublishReview(ctx, signed))(t); again != first {
			t.Errorf("an hour later: %+v, want %+v", again, first)
		}
		if got := w.rows(t); got != rows {
			t.Errorf("one review left %v rows, repeated %v", rows, got)
		}
		edited := w.prepare(t, a, "kraken", 5)
		refused(w.PublishReview(ctx, edited))(t, fault.Conflict, "Idempotency-Key")
		// A refused request may be sent again with its key.
		other := seam.WithIdempotencyKey(anybody, "review-2")
		early := edited
		early.CreatedMS += 3_600_000
		refused(w.PublishReview(other, early))(t, fault.Invalid, "future")
		if got := must(w.PublishReview(other, edited))(t); got.Version != 2 {
			t.Errorf("the edited review is version %d", got.Version)
		}
		refused(w.PublishReview(anybody, edited))(t, fault.Conflict, "stored already")
	})
}

// The answer is lost after the review was stored: the seam sends it again, and
// the caller gets the answer and not a conflict.
func TestALostAnswerIsNotASecondReview(t *testing.T) {
	databasetest.Each(t, exchangereview.Name, func(t *testing.T, db *database.DB) {
		w := open(t, db, seamtest.OverHTTP)
		must(service.LoadStarter(t.Context(), w.options))(t)
		signed := w.prepare(t, numbered(t, 1), "kraken", 4)
		w.way.Requests.Store(0)
		w.way.Lose(1)
		got := must(w.PublishReview(anybody, signed))(t)
		if rows := w.rows(t); got.Version != 1 || rows != [3]int{1, 1, 1} || w.way.Requests.Load() != 2 {
			t.Errorf("got version %d, %v rows after %d requests", got.Version, rows, w.way.Requests.Load())
		}
		signed = w.prepare(t, numbered(t, 2), "kraken", 4)
		w.way.Lose(2) // more than the one retry
		refused(w.PublishReview(anybody, signed))(t, fault.Unavailable, "cannot be reached")
	})
}

// People who are not signed in share no keys: each key is its signer's.
func TestTwoSignersMayUseOneKey(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		ctx := seam.WithIdempotencyKey(anybody, "review-1")
		for n := range 2 {
			signed := w.prepare(t, numbered(t, n), "kraken", 4)
			if got := must(w.PublishReview(ctx, signed))(t); got.Wallet != signed.Wallet {
				t.Errorf("the review of %s was answered with that of %s", signed.Wallet, got.Wallet)
			}
		}
	})
}
