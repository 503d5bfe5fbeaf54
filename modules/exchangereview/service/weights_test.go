package service_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/service"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/testenv/databasetest"
	"banyan/platform/testenv/seamtest"
	"banyan/platform/wallet"
)

func near(a, b float64) bool { return math.Abs(a-b) < 1e-4 }

func TestRatingsAreWeightedByReputation(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		known, unknown, best := numbered(t, 1), numbered(t, 2), numbered(t, 3)
		w.reputation.set(1, map[*writer]float64{known: 0.75, best: 1})
		if r := w.publish(t, known, "kraken", 5); r.Weight != 0.75 {
			t.Errorf("weight %v, want 0.75", r.Weight)
		}
		if r := w.publish(t, unknown, "kraken", 1); !near(r.Weight, 0.05) {
			t.Errorf("weight %v, want the least, 0.05", r.Weight)
		}
		if got, want := w.rating(t, "kraken"), meanOf(map[float64]int{0.75: 5}, 1); !near(got.Mean, want) || got.PlainMean != 3 {
			t.Errorf("mean %v, want %v; plain %v, want 3", got.Mean, want, got.PlainMean)
		}
		if r := w.publish(t, best, "okx", 4); r.Weight != 1 {
			t.Errorf("weight %v, want 1", r.Weight)
		}
		// One call per review here, because they come one after the other.
		if w.reputation.calls != 3 || w.reputation.asked != 3 {
			t.Errorf("%d calls for %d wallets", w.reputation.calls, w.reputation.asked)
		}
	})
}

func TestWithoutReputationReviewsArePublishedAndWeighedLater(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		a, b := numbered(t, 1), numbered(t, 2)
		w.reputation.set(4, map[*writer]float64{a: 0.5, b: 0.25})
		w.reputation.fail(fault.New(fault.Unavailable, "gone"))
		if r := w.publish(t, a, "kraken", 5); !near(r.Weight, 0.05) {
			t.Errorf("weight %v, want the least", r.Weight)
		}
		calls := w.reputation.calls
		w.publish(t, b, "kraken", 1)
		if w.reputation.calls != calls {
			t.Error("reputation was called again right after it failed")
		}
		if _, err := w.jobs().Reweigh(t.Context()); !fault.Is(err, fault.Unavailable) {
			t.Errorf("the job returns %v while reputation is down", err)
		}
		if got := w.rating(t, "kraken"); !near(got.Mean, 3) {
			t.Errorf("mean %v, want 3: 5 and 1 star of the same weight, and the prior", got.Mean)
		}
		w.reputation.fail(nil)
		if n := must(w.jobs().Reweigh(t.Context()))(t); n != 2 {
			t.Errorf("weighed %d, want 2", n)
		}
		if got, want := w.rating(t, "kraken"), meanOf(map[float64]int{0.5: 5, 0.25: 1}); !near(got.Mean, want) {
			t.Errorf("mean %v, want %v", got.Mean, want)
		}
		if n := must(w.jobs().Reweigh(t.Context()))(t); n != 0 {
			t.Errorf("weighed %d again with nothing to do", n)
		}
		// After the pause it is called again.
		w.clock.Pass(time.Minute)
		c := numbered(t, 3)
		w.reputation.set(4, map[*writer]float64{a: 0.5, b: 0.25, c: 0.6})
		if r := w.publish(t, c, "kraken", 3); !near(r.Weight, 0.6) {
			t.Errorf("weight %v, want 0.6", r.Weight)
		}
	})
}

func TestBeforeTheFirstEpochEverybodyWeighsLeast(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		a := numbered(t, 1)
		w.publish(t, a, "kraken", 5)
		if n := must(w.jobs().Reweigh(t.Context()))(t); n != 0 {
			t.Errorf("%d weighed without an epoch", n)
		}
		w.reputation.set(1, map[*writer]float64{a: 0.9})
		if n := must(w.jobs().Reweigh(t.Context()))(t); n != 1 {
			t.Errorf("weighed %d, want 1", n)
		}
		if r := must(w.ReviewsOf(anybody, exchangereview.ReviewsOfQuery{Wallet: a.wallet}))(t).Reviews[0]; !near(r.Weight, 0.9) {
			t.Errorf("weight %v, want 0.9", r.Weight)
		}
	})
}

// A wallet's reviews weigh the same, of whatever epoch reputation is when each
// is published; the next run of the job updates all of them.
func TestAllReviewsOfAWalletWeighTheSame(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		a := numbered(t, 1)
		w.reputation.set(1, map[*writer]float64{a: 0.2})
		w.publish(t, a, "kraken", 5)
		w.reputation.set(2, map[*writer]float64{a: 0.8})
		if r := w.publish(t, a, "okx", 5); !near(r.Weight, 0.2) {
			t.Errorf("weight %v, want 0.2 until the wallet is weighed again", r.Weight)
		}
		must(w.jobs().Reweigh(t.Context()))(t)
		for _, r := range must(w.ReviewsOf(anybody, exchangereview.ReviewsOfQuery{Wallet: a.wallet}))(t).Reviews {
			if !near(r.Weight, 0.8) {
				t.Errorf("%s weighs %v, want 0.8", r.Exchange, r.Weight)
			}
		}
		w.rating(t, "kraken")
		w.rating(t, "okx")
	})
}

// Reputation may be set up again and count its epochs from 1.
func TestEpochsThatRestartAreFollowed(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		a := numbered(t, 1)
		w.reputation.set(70, map[*writer]float64{a: 0.2})
		w.publish(t, a, "kraken", 5)
		w.reputation.set(1, map[*writer]float64{a: 0.7})
		if n := must(w.jobs().Reweigh(t.Context()))(t); n != 1 {
			t.Errorf("weighed %d, want 1", n)
		}
		if r := must(w.Reviews(anybody, exchangereview.ReviewsQuery{Slug: "kraken"}))(t).Reviews[0]; !near(r.Weight, 0.7) {
			t.Errorf("weight %v, want 0.7", r.Weight)
		}
	})
}

// More reviewers than one batch holds.
func TestReweighingGoesThroughAllBatches(t *testing.T) {
	databasetestEach(t, func(t *testing.T, w *fixture) {
		const reviewers = 450
		everybody := map[*writer]float64{}
		for i := range reviewers {
			everybody[numbered(t, i)] = 0.1
		}
		w.reputation.set(1, everybody)
		publishAll(t, w, everybody, func(a *writer) (string, int) { return "kraken", int(a.wallet[0])%5 + 1 })
		for a := range everybody {
			everybody[a] = 0.1 + float64(a.wallet[1])/300
		}
		w.reputation.set(2, everybody)
		if n := must(w.jobs().Reweigh(t.Context()))(t); n != reviewers {
			t.Errorf("weighed %d, want %d", n, reviewers)
		}
		if got := w.rating(t, "kraken"); got.Reviews != reviewers || !got.Enough {
			t.Errorf("%+v", got)
		}
		for _, r := range must(w.Reviews(anybody, exchangereview.ReviewsQuery{Slug: "kraken", Limit: 200}))(t).Reviews {
			if !near(r.Weight, 0.1+float64(r.Wallet[1])/300) {
				t.Fatalf("%s weighs %v", r.Wallet, r.Weight)
			}
		}
	})
}

// databasetestEach is in process on both databases, for what HTTP does not
// change.
func databasetestEach(t *testing.T, test func(t *testing.T, w *fixture)) {
	t.Helper()
	databasetest.Each(t, exchangereview.Name, func(t *testing.T, db *database.DB) {
		w := open(t, db, seamtest.InProcess)
		must(service.LoadStarter(t.Context(), w.options))(t)
		test(t, w)
	})
}

// publishAll publishes for all writers, 16 at a time.
func publishAll(t *testing.T, w *fixture, writers map[*writer]float64, what func(*writer) (slug string, overall int)) {
	t.Helper()
	var signed []exchangereview.SignedReview
	for a := range writers {
		slug, overall := what(a)
		d := a.draft(slug, overall)
		signed = append(signed, a.sign(t, exchangereview.SignedReview{
			Slug: slug, Wallet: a.wallet, Overall: overall, Aspects: d.Aspects, CreatedMS: w.clock.Now().UnixMilli(),
		}))
	}
	next := make(chan exchangereview.SignedReview)
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			for r := range next {
				if _, err := w.PublishReview(anybody, r); err != nil {
					t.Errorf("publish: %v", err)
				}
			}
		})
	}
	for _, r := range signed {
		next <- r
	}
	close(next)
	group.Wait()
}

func TestOneFirstReviewWinsOfManyAtOnce(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		a := numbered(t, 1)
		var signed []exchangereview.SignedReview
		for i := range 16 {
			r := must(w.PrepareReview(anybody, a.draft("kraken", i%5+1)))(t).Review
			r.Text = fmt.Sprint("number ", i)
			signed = append(signed, a.sign(t, r))
		}
		outcomes := make([]error, len(signed))
		var group sync.WaitGroup
		for i := range signed {
			group.Go(func() { _, outcomes[i] = w.PublishReview(anybody, signed[i]) })
		}
		group.Wait()
		stored := 0
		for _, err := range outcomes {
			if err == nil {
				stored++
			} else if !fault.Is(err, fault.Conflict) {
				t.Errorf("got %v, want a conflict", err)
			}
		}
		if got := w.rating(t, "kraken"); stored != 1 || got.Reviews != 1 || w.rows(t) != [3]int{1, 1, 1} {
			t.Errorf("%d stored, rating %+v, rows %v", stored, got, w.rows(t))
		}
	})
}

// Writers and the job at once, two processes of each: afterwards every sum is
// what the rows add up to.
func TestSumsStayExactUnderConcurrency(t *testing.T) {
	databasetestEach(t, func(t *testing.T, w *fixture) {
		other := open(t, databasetest.Again(t, w.db), seamtest.InProcess)
		other.options.Reputation, other.options.Clock = w.reputation, w.clock.Now
		other.start(t, seamtest.InProcess)
		slugs := []string{"kraken", "okx", "curve"}
		writers := map[*writer]float64{}
		for i := range 40 {
			writers[numbered(t, i)] = float64(i) / 40
		}
		w.reputation.set(1, writers)
		ctx, stop := context.WithCancel(t.Context())
		var jobs, group sync.WaitGroup
		for _, at := range []*fixture{w, other} {
			jobs.Go(func() {
				for epoch := int64(2); ctx.Err() == nil; epoch++ {
					shifted := map[*writer]float64{}
					for a, p := range writers {
						shifted[a] = math.Mod(p+float64(epoch)*0.37, 1)
					}
					w.reputation.set(epoch, shifted)
					if _, err := at.jobs().Reweigh(ctx); err != nil && ctx.Err() == nil {
						t.Errorf("reweigh: %v", err)
					}
				}
			})
		}
		i := 0
		for a := range writers {
			at := []*fixture{w, other}[i%2]
			i++
			group.Go(func() {
				for round := range 6 {
					slug := slugs[round%3]
					r := must(at.PrepareReview(anybody, a.draft(slug, round%5+1)))(t).Review
					if _, err := at.PublishReview(anybody, a.sign(t, r)); err != nil {
						t.Errorf("publish: %v", err)
					}
				}
			})
		}
		group.Wait()
		stop()
		jobs.Wait()
		for _, slug := range slugs {
			if got := w.rating(t, slug); got.Reviews != len(writers) {
				t.Errorf("%s has %d reviews, want %d", slug, got.Reviews, len(writers))
			}
		}
	})
}

// Any sequence of reviews, edits, withdrawals, votes, days, new epochs and outages
// leaves sums that are those of the reviews that are live, each with the weight
// and the group of its writer.
func TestSumsAreThoseOfTheLiveReviews(t *testing.T) {
	w := open(t, databasetest.SQLite(t, exchangereview.Name), seamtest.InProcess)
	must(service.LoadStarter(t.Context(), w.options))(t)
	round, epoch := 0, int64(1)
	rapid.Check(t, func(rt *rapid.T) {
		// Each check has an exchange and writers of its own, on one database.
		round++
		slug := fmt.Sprint("x", round)
		must(w.ImportExchanges(operator, upload(fmt.Sprintf(`[{"id": %q, "name": "X", "kind": "cex"}]`, slug))))(t)
		people := []*writer{}
		for i := range 4 {
			people = append(people, numbered(t, 1000+round*4+i))
		}
		trust, live := map[*writer]float64{}, map[*writer]int{}
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			a := people[rapid.IntRange(0, 3).Draw(rt, "writer")]
			w.clock.Pass(time.Second)
			switch rapid.SampledFrom([]string{"publish", "publish", "withdraw", "epoch", "outage", "month"}).Draw(rt, "step") {
			case "publish":
				live[a] = rapid.IntRange(1, 5).Draw(rt, "stars")
				w.publish(t, a, slug, live[a])
			case "withdraw":
				if live[a] > 0 {
					w.withdraw(t, a, slug)
					delete(live, a)
				}
			case "epoch":
				epoch++
				for _, p := range people {
					trust[p] = rapid.Float64Range(-1, 1).Draw(rt, "trust")
				}
				w.reputation.set(epoch, trust)
				must(w.jobs().Reweigh(t.Context()))(t)
			case "outage":
				w.reputation.fail(errors.New("gone"))
				live[a] = rapid.IntRange(1, 5).Draw(rt, "stars")
				w.publish(t, a, slug, live[a])
				w.reputation.fail(nil)
				w.clock.Pass(time.Minute)
			case "month":
				w.clock.Pass(31 * 24 * time.Hour)
				if err := w.jobs().Age(t.Context()); err != nil {
					rt.Fatal(err)
				}
			}
		}
		var histogram [5]int
		for _, k := range live {
			histogram[k-1]++
		}
		if got := w.rating(t, slug); got.Reviews != len(live) || got.Histogram != histogram {
			rt.Fatalf("%+v, want %v", got, histogram)
		}
	})
}

// meanOf is the formula in floating-point numbers, with a uniform prior: of
// reviews of today by wallets with standing, by the trust in them, and by
// strangers.
func meanOf(known map[float64]int, strangers ...int) float64 {
	total, sum := 5.0, 15.0
	for trust, stars := range known {
		total, sum = total+0.4*trust, sum+0.4*trust*float64(stars)
	}
	for _, stars := range strangers {
		total, sum = total+0.02, sum+0.02*float64(stars)
	}
	return sum / total
}

// Reviews that come while a call of reputation is in flight share the next one.
func TestManyNewReviewersAreAskedForAtOnce(t *testing.T) {
	w := open(t, databasetest.SQLite(t, exchangereview.Name), seamtest.InProcess)
	must(service.LoadStarter(t.Context(), w.options))(t)
	trust := map[*writer]float64{}
	var signed []exchangereview.SignedReview
	for i := range 40 {
		a := numbered(t, i)
		trust[a] = float64(i+10) / 100
		signed = append(signed, w.prepare(t, a, "kraken", 3))
	}
	w.reputation.set(1, trust)
	w.reputation.hold, w.reputation.entered = make(chan struct{}), make(chan struct{}, 100)
	weights := make([]float64, len(signed))
	var group sync.WaitGroup
	publish := func(i int) {
		r, err := w.PublishReview(anybody, signed[i])
		if err != nil {
			t.Errorf("publish: %v", err)
		}
		weights[i] = r.Weight
	}
	group.Go(func() { publish(0) })
	<-w.reputation.entered // the first is being fetched
	for i := 1; i < len(signed); i++ {
		group.Go(func() { publish(i) })
	}
	service.WaitForRequests(w.service, len(signed)-1)
	close(w.reputation.hold)
	group.Wait()
	if w.reputation.calls != 2 || w.reputation.asked != len(signed) {
		t.Errorf("%d calls for %d wallets, want 2 for %d", w.reputation.calls, w.reputation.asked, len(signed))
	}
	for i, got := range weights {
		if want := float64(i+10) / 100; !near(got, want) {
			t.Errorf("writer %d has weight %v, want %v: somebody else's", i, got, want)
		}
	}
}

// A reputation that hangs costs the configured wait, and no review.
func TestAHangingReputationIsNotWaitedFor(t *testing.T) {
	db := databasetest.SQLite(t, exchangereview.Name)
	rep := &standings{trust: map[wallet.Address]float64{}, hold: make(chan struct{})}
	w := open(t, db, seamtest.InProcess)
	w.options.Reputation, w.options.ReputationWait = rep, 20*time.Millisecond
	w.reputation = rep
	w.start(t, seamtest.InProcess)
	must(service.LoadStarter(t.Context(), w.options))(t)
	if r := w.publish(t, numbered(t, 1), "kraken", 5); !near(r.Weight, 0.05) {
		t.Errorf("weight %v", r.Weight)
	}
}

// A defect in the call that one review makes for others must not keep the
// others, or later ones, waiting.
func TestAPanicOfReputationEndsWithItsCall(t *testing.T) {
	w := open(t, databasetest.SQLite(t, exchangereview.Name), seamtest.InProcess)
	must(service.LoadStarter(t.Context(), w.options))(t)
	signed := w.prepare(t, numbered(t, 1), "kraken", 5)
	w.reputation.panics = true
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_, _ = w.PublishReview(anybody, signed)
	}()
	w.reputation.panics = false
	w.clock.Pass(time.Minute)
	must(w.PublishReview(anybody, signed))(t)
}

func TestJobsRunUntilTheyAreStopped(t *testing.T) {
	databasetestEach(t, func(t *testing.T, w *fixture) {
		a := numbered(t, 1)
		w.publish(t, a, "kraken", 5)
		w.reputation.set(1, map[*writer]float64{a: 0.6})
		w.options.ReweighEvery = time.Millisecond
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.jobs().Run(ctx) }()
		for deadline := time.Now().Add(30 * time.Second); ; {
			if r := must(w.Reviews(anybody, exchangereview.ReviewsQuery{Slug: "kraken"}))(t).Reviews[0]; near(r.Weight, 0.6) {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("the job has not weighed the reviewer")
			}
		}
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run ended with %v", err)
		}
	})
}
