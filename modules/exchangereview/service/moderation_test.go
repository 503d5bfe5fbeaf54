package service_test

import (
	"context"
	"testing"
	"time"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/screening"
	"banyan/modules/exchangereview/service"
	"banyan/platform/fault"
	"banyan/platform/identity"
)

// Reports, decisions, suspensions and pre-moderation, the same way in process and
// over HTTP, on SQLite and PostgreSQL.

func (a *writer) member() context.Context {
	return identity.With(context.Background(), identity.Caller{Wallet: a.wallet, Role: identity.Member})
}

var moderator = as(identity.Moderator)

// decide is a moderator's decision about a review.
func (w *fixture) decide(t *testing.T, a *writer, slug, action string) exchangereview.Decided {
	t.Helper()
	return must(w.Moderate(moderator, exchangereview.Decision{Slug: slug, Wallet: a.wallet, Action: action, Reason: "because of " + action}))(t)
}

func (w *fixture) queue(t *testing.T) []exchangereview.Flag {
	t.Helper()
	return must(w.ModerationQueue(moderator, exchangereview.QueueQuery{}))(t).Flags
}

func TestReportsLeadToDecisionsThatEverybodyCanRead(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		a, b, c := numbered(t, 1), numbered(t, 2), numbered(t, 3)
		first := w.publish(t, a, "kraken", 1)
		w.clock.Pass(time.Second)
		spam := w.publish(t, a, "kraken", 2)
		w.publish(t, b, "kraken", 4)
		report := exchangereview.Report{Slug: "kraken", Wallet: a.wallet, Reason: exchangereview.ReasonSpam, Text: "an advertisement"}
		one := must(w.ReportReview(b.member(), report))(t)
		if again := must(w.ReportReview(b.member(), report))(t); again != one {
			t.Errorf("the same report is in the queue twice: %v, %v", one, again)
		}
		must(w.ReportReview(c.member(), exchangereview.Report{Slug: "kraken", Wallet: a.wallet, Reason: exchangereview.ReasonAbuse}))(t)
		refused(w.ReportReview(anybody, report))(t, fault.Unauthenticated, "")
		refused(w.ReportReview(b.member(), exchangereview.Report{Slug: "okx", Wallet: a.wallet, Reason: "spam"}))(t, fault.NotFound, "no review")
		refused(w.ReportReview(b.member(), exchangereview.Report{Slug: "kraken", Wallet: a.wallet, Reason: "ugly"}))(t, fault.Invalid, "spam, fake")
		refused(w.ModerationQueue(b.member(), exchangereview.QueueQuery{}))(t, fault.Forbidden, "")
		if q := w.queue(t); len(q) != 2 || q[0].Kind != "spam" || *q[0].By != b.wallet || q[0].Evidence != "an advertisement" || q[0].Review.Hash != spam.Hash {
			t.Errorf("the queue is %+v", q)
		}
		refused(w.Moderate(b.member(), exchangereview.Decision{}))(t, fault.Forbidden, "")
		refused(w.Moderate(moderator, exchangereview.Decision{Slug: "kraken", Wallet: a.wallet, Action: exchangereview.ActionRemove}))(t, fault.Invalid, "reason: is missing")
		refused(w.AppealRemoval(a.member(), exchangereview.Appeal{Slug: "kraken", Wallet: a.wallet, Text: "why?"}))(t, fault.Conflict, "nothing was decided")

		w.decide(t, a, "kraken", exchangereview.ActionRemove)
		if got := w.rating(t, "kraken"); got.Reviews != 1 || got.PlainMean != 4 || len(w.queue(t)) != 0 {
			t.Errorf("rating %+v, queue %+v", got, w.queue(t))
		}
		for _, v := range must(w.History(anybody, exchangereview.HistoryQuery{Slug: "kraken", Wallet: a.wallet}))(t).Versions {
			if v.State != exchangereview.Removed || v.Text != "" || v.TextHash == nil || v.Digest() != v.Hash {
				t.Errorf("a removed version is %+v", v)
			}
		}
		refused(w.Moderate(moderator, exchangereview.Decision{Slug: "kraken", Wallet: a.wallet, Action: exchangereview.ActionKeep, Reason: "x"}))(t, fault.Conflict, "removed")

		must(w.AppealRemoval(a.member(), exchangereview.Appeal{Slug: "kraken", Wallet: a.wallet, Text: "it is true"}))(t)
		refused(w.AppealRemoval(b.member(), exchangereview.Appeal{Slug: "kraken", Wallet: a.wallet, Text: "it is true"}))(t, fault.Forbidden, "only the writer")
		if q := w.queue(t); len(q) != 1 || q[0].Kind != exchangereview.FlagAppeal || q[0].Review.Text != spam.Text {
			t.Errorf("the queue is %+v", q)
		}
		w.decide(t, a, "kraken", exchangereview.ActionRestore)
		h := must(w.History(anybody, exchangereview.HistoryQuery{Slug: "kraken", Wallet: a.wallet}))(t).Versions
		if got := w.rating(t, "kraken"); got.Reviews != 2 || h[0].Text != spam.Text || h[1].Text != first.Text || h[1].Hash != first.Hash {
			t.Errorf("after the appeal: %+v, %+v", got, h)
		}
		log := must(w.ModerationLog(anybody, exchangereview.LogQuery{Limit: 1}))(t)
		if len(log.Decisions) != 1 || log.Next == "" || log.Decisions[0].Action != exchangereview.ActionRestore || log.Decisions[0].Hash != spam.Hash || log.Decisions[0].Reason == "" {
			t.Errorf("the log is %+v", log)
		}
	})
}

func TestHeldReviewsAreShownAndDoNotCount(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		a, b := numbered(t, 1), numbered(t, 2)
		w.publish(t, a, "kraken", 5)
		w.publish(t, b, "kraken", 2)
		w.decide(t, a, "kraken", exchangereview.ActionHold)
		if got := w.rating(t, "kraken"); got.Reviews != 1 || got.Held != 1 || got.PlainMean != 2 {
			t.Errorf("rating %+v", got)
		}
		if page := must(w.Reviews(anybody, exchangereview.ReviewsQuery{Slug: "kraken", Stars: 5}))(t).Reviews; len(page) != 1 || page[0].State != exchangereview.Held || page[0].Text == "" {
			t.Errorf("listed: %+v", page)
		}
		w.decide(t, a, "kraken", exchangereview.ActionKeep)
		if got := w.rating(t, "kraken"); got.Reviews != 2 || got.Held != 0 {
			t.Errorf("rating %+v", got)
		}
		w.decide(t, a, "kraken", exchangereview.ActionHold)
		w.withdraw(t, a, "kraken")
		if got := w.rating(t, "kraken"); got.Reviews != 1 || got.Held != 0 {
			t.Errorf("rating %+v", got)
		}
	})
}

func TestCodesAndLuresAreFlaggedAndStillCount(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		a := numbered(t, 1)
		d := a.draft("kraken", 5)
		d.Text = "Use my code ABC123, or write to t.me/honest_help"
		prepared := must(w.PrepareReview(anybody, d))(t)
		if r := must(w.PublishReview(anybody, a.sign(t, prepared.Review)))(t); r.State != exchangereview.Counted {
			t.Errorf("a machine has decided: %s", r.State)
		}
		q := w.queue(t)
		if len(q) != 2 || q[0].Kind != screening.Referral || q[1].Kind != screening.Contact || q[0].By != nil || q[1].Evidence != "t.me/honest_help" {
			t.Errorf("the queue is %+v", q)
		}
	})
}

func TestSuspensionsExpire(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		a, b := numbered(t, 1), numbered(t, 2)
		until := w.clock.Now().Add(24 * time.Hour)
		must(w.Moderate(moderator, exchangereview.Decision{Wallet: a.wallet, Action: exchangereview.ActionSuspend, Reason: "floods", UntilMS: until.UnixMilli()}))(t)
		refused(w.PublishReview(anybody, w.prepare(t, a, "kraken", 5)))(t, fault.Forbidden, "suspended this wallet until "+until.UTC().Format(time.RFC3339))
		w.publish(t, b, "kraken", 5)
		w.clock.Pass(24 * time.Hour)
		w.publish(t, a, "kraken", 5)
		must(w.Moderate(moderator, exchangereview.Decision{Wallet: b.wallet, Action: exchangereview.ActionSuspend, Reason: "floods"}))(t)
		refused(w.PublishReview(anybody, w.prepare(t, b, "okx", 5)))(t, fault.Forbidden, "until a moderator ends it")
		must(w.Moderate(moderator, exchangereview.Decision{Wallet: b.wallet, Action: exchangereview.ActionClear, Reason: "appeal"}))(t)
		w.publish(t, b, "okx", 5)
		refused(w.Moderate(moderator, exchangereview.Decision{Slug: "kraken", Wallet: b.wallet, Action: exchangereview.ActionSuspend, Reason: "x"}))(t, fault.Invalid, "about a wallet")
	})
}

func TestReviewsOfNewcomersWaitForAModerator(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		known, newcomer := numbered(t, 1), numbered(t, 2)
		w.publish(t, known, "okx", 4)
		w.options.Premoderation = service.Newcomers
		w.restart(t)
		if r := w.publish(t, known, "kraken", 4); r.State != exchangereview.Counted {
			t.Errorf("a known wallet's review is %s", r.State)
		}
		if r := w.publish(t, newcomer, "kraken", 1); r.State != exchangereview.Waiting {
			t.Errorf("a newcomer's review is %s", r.State)
		}
		if got := w.rating(t, "kraken"); got.Reviews != 1 || len(must(w.Reviews(anybody, exchangereview.ReviewsQuery{Slug: "kraken"}))(t).Reviews) != 1 {
			t.Errorf("it is shown already: %+v", got)
		}
		if v := must(w.History(anybody, exchangereview.HistoryQuery{Slug: "kraken", Wallet: newcomer.wallet}))(t).Versions[0]; v.Text != "" {
			t.Errorf("its text is shown already: %+v", v)
		}
		if q := w.queue(t); len(q) != 1 || q[0].Kind != exchangereview.FlagPremoderation || q[0].By != nil || q[0].Review.Text == "" {
			t.Errorf("the queue is %+v", q)
		}
		w.decide(t, newcomer, "kraken", exchangereview.ActionKeep)
		if got := w.rating(t, "kraken"); got.Reviews != 2 {
			t.Errorf("rating %+v", got)
		}
		if r := w.publish(t, newcomer, "okx", 1); r.State != exchangereview.Counted {
			t.Errorf("the second review is %s", r.State)
		}
		must(w.Moderate(moderator, exchangereview.Decision{Wallet: known.wallet, Action: exchangereview.ActionPremoderate, Reason: "reports"}))(t)
		w.clock.Pass(time.Second)
		if r := w.publish(t, known, "kraken", 5); r.State != exchangereview.Waiting {
			t.Errorf("of a named wallet: %s", r.State)
		}
		if got := w.rating(t, "kraken"); got.Reviews != 1 {
			t.Errorf("the version before still counts: %+v", got)
		}
	})
}
