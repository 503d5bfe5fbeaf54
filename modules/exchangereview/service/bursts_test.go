package service_test

import (
	"bytes"
	"testing"
	"time"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/export"
	"banyan/modules/exchangereview/service"
	"banyan/platform/fault"
)

// flood gives kraken four quiet weeks and then n bad reviews in a day.
func (w *fixture) flood(t *testing.T, n int) (held []exchangereview.Review) {
	t.Helper()
	for i := range 14 {
		w.publish(t, numbered(t, i), "kraken", 5-i%2)
		w.clock.Pass(48 * time.Hour)
	}
	for i := range n {
		if r := w.publish(t, numbered(t, 100+i), "kraken", 1); r.State == exchangereview.Held {
			held = append(held, r)
		}
	}
	return held
}

func TestAFloodIsNoticedAndHeld(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		held := w.flood(t, 40)
		week := w.clock.Now().Add(7 * 24 * time.Hour).UnixMilli()
		if len(held) < 15 || held[0].HeldUntilMS != week {
			t.Fatalf("%d of 40 are held, until %d", len(held), held[0].HeldUntilMS)
		}
		rating := w.rating(t, "kraken")
		if rating.Held != len(held) || rating.Reviews != 54-len(held) {
			t.Errorf("rating %+v", rating)
		}
		list := must(w.Bursts(anybody, exchangereview.BurstsQuery{Slug: "kraken"}))(t).Bursts
		if len(list) != 1 || !list[0].Holds || list[0].Held != len(held) || list[0].Reviews != 40 || list[0].Usual > 2 || list[0].Mix < 40 {
			t.Errorf("bursts %+v", list)
		}
		if all := must(w.Bursts(anybody, exchangereview.BurstsQuery{}))(t).Bursts; len(all) != 1 || all[0] != list[0] {
			t.Errorf("all bursts %+v", all)
		}
		if other := must(w.Bursts(anybody, exchangereview.BurstsQuery{Slug: "okx"}))(t).Bursts; len(other) != 0 {
			t.Errorf("of another exchange: %+v", other)
		}
		refused(w.Bursts(anybody, exchangereview.BurstsQuery{Slug: "nowhere"}))(t, fault.NotFound, "no exchange")
		// An edit does not end it, and keeps its time.
		w.clock.Pass(time.Hour)
		last := numbered(t, 100+39)
		if r := w.publish(t, last, "kraken", 1); r.State != exchangereview.Held || r.HeldUntilMS != week {
			t.Errorf("the edit is %s until %d, want held until %d", r.State, r.HeldUntilMS, week)
		}
		if r := w.publish(t, last, "okx", 1); r.State != exchangereview.Counted {
			t.Errorf("a review of another exchange is %s", r.State)
		}
		epoch := must(w.CloseEpoch(operator, exchangereview.EpochRequest{}))(t)
		report, err := export.Verify(t.Context(), bytes.NewReader(w.export(t, epoch.Number)))
		if err != nil || !report.Valid {
			t.Errorf("the export: %+v %v", report, err)
		}
		w.rating(t, "kraken")
	})
}

func TestHeldReviewsCountAfterSevenDays(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		held := w.flood(t, 30)
		release := func() {
			t.Helper()
			if err := w.jobs().ReleaseHeld(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		w.clock.Pass(7*24*time.Hour - time.Minute)
		if release(); w.rating(t, "kraken").Held != len(held) {
			t.Error("they are released too early")
		}
		w.clock.Pass(time.Minute)
		release()
		if got := w.rating(t, "kraken"); got.Held != 0 || got.Reviews != 44 {
			t.Errorf("after seven days: %+v", got)
		}
		log := must(w.ModerationLog(anybody, exchangereview.LogQuery{}))(t).Decisions
		if len(log) != 1 || log[0].Action != exchangereview.ActionRelease || log[0].Moderator != "program" || log[0].Slug != "kraken" {
			t.Errorf("the log: %+v", log)
		}
	})
}

func TestAModeratorDecidesAboutABurst(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		held := w.flood(t, 30)
		decide := func(action string) exchangereview.Decision {
			return exchangereview.Decision{Slug: "kraken", Action: action, Reason: "news of the day"}
		}
		refused(w.Moderate(anybody, decide(exchangereview.ActionRelease)))(t, fault.Unauthenticated, "")
		refused(w.Moderate(operator, exchangereview.Decision{Action: exchangereview.ActionRelease, Reason: "x"}))(t, fault.Invalid, "slug: is missing")
		refused(w.Moderate(operator, exchangereview.Decision{Slug: "okx", Action: exchangereview.ActionConfirm, Reason: "x"}))(t, fault.Conflict, "holds no review")
		must(w.Moderate(operator, decide(exchangereview.ActionConfirm)))(t)
		w.clock.Pass(8 * 24 * time.Hour)
		if err := w.jobs().ReleaseHeld(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := w.rating(t, "kraken"); got.Held != len(held) {
			t.Errorf("confirmed ones are not held any more: %+v", got)
		}
		refused(w.Moderate(operator, decide(exchangereview.ActionRelease)))(t, fault.Conflict, "holds no review")
		// One by one a person may still decide.
		must(w.Moderate(operator, exchangereview.Decision{Slug: "kraken", Wallet: held[0].Wallet, Action: exchangereview.ActionKeep, Reason: "a customer"}))(t)
		if got := w.rating(t, "kraken"); got.Held != len(held)-1 {
			t.Errorf("after one was kept: %+v", got)
		}
	})
}

func TestABurstThatIsReleasedCounts(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		w.flood(t, 30)
		decided := must(w.Moderate(operator, exchangereview.Decision{Slug: "kraken", Action: exchangereview.ActionRelease, Reason: "news"}))(t)
		if got := w.rating(t, "kraken"); got.Held != 0 || got.Reviews != 44 || decided.Number == 0 {
			t.Errorf("after the decision %d: %+v", decided.Number, got)
		}
	})
}

// What an earlier release did not count, the start of this one counts.
func TestTheDaysOfEarlierReleasesAreCounted(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		held := w.flood(t, 30)
		if err := service.AsBefore(t.Context(), w.db); err != nil {
			t.Fatal(err)
		}
		if _, err := service.Backfill(t.Context(), w.options); err != nil {
			t.Fatal(err)
		}
		if got := w.rating(t, "kraken"); got.Held != len(held) {
			t.Errorf("held %d, want %d", got.Held, len(held))
		}
	})
}
