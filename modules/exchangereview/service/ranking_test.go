package service_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/export"
	"banyan/modules/exchangereview/service"
	"banyan/modules/reputation"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/merkle"
	"banyan/platform/testenv/seamtest"
	"banyan/platform/wallet"
)

// Withdrawals, votes, sorting, moved sites and epochs, the same way in process and
// over HTTP, on SQLite and PostgreSQL.

func TestAWithdrawnReviewLeavesItsHashAlone(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		a, b := numbered(t, 1), numbered(t, 2)
		first := w.publish(t, a, "kraken", 1)
		w.clock.Pass(time.Second)
		second := w.prepare(t, a, "kraken", 2)
		must(w.PublishReview(anybody, second))(t)
		w.publish(t, b, "kraken", 4)
		forged := w.withdrawal(t, a, "kraken")
		forged.Wallet = b.wallet
		refused(w.WithdrawReview(anybody, forged))(t, fault.Forbidden, "not by")
		stale := w.withdrawal(t, a, "kraken")
		stale.Previous = first.Hash
		refused(w.WithdrawReview(anybody, stale))(t, fault.Forbidden, "not by")

		signed := w.withdrawal(t, a, "kraken")
		gone := must(w.WithdrawReview(anybody, signed))(t)
		if gone.State != exchangereview.Withdrawn || gone.Version != 3 || gone.Text != "" || gone.Digest() != gone.Hash {
			t.Errorf("the tombstone is %+v", gone)
		}
		if got := w.rating(t, "kraken"); got.Reviews != 1 || got.PlainMean != 4 {
			t.Errorf("rating %+v", got)
		}
		h := must(w.History(anybody, exchangereview.HistoryQuery{Slug: "kraken", Wallet: a.wallet}))(t).Versions
		for _, v := range h {
			if v.Text != "" || v.Digest() != v.Hash || v.State != exchangereview.Withdrawn && v.TextHash == nil {
				t.Errorf("a version is %+v", v)
			}
		}
		if len(h) != 3 || h[2].Hash != first.Hash {
			t.Errorf("history %+v", h)
		}
		if of := must(w.ReviewsOf(anybody, exchangereview.ReviewsOfQuery{Wallet: a.wallet}))(t).Reviews; len(of) != 0 {
			t.Errorf("still listed: %+v", of)
		}
		w.announced(t, reputation.Activity{Wallet: a.wallet, Kind: exchangereview.ActivityWithdrawn, Ref: "kraken", TimeMS: gone.CreatedMS})
		// Nothing of before comes back, and it cannot be withdrawn twice.
		refused(w.PublishReview(anybody, second))(t, fault.Conflict, "stored already")
		refused(w.WithdrawReview(anybody, signed))(t, fault.Conflict, "stored already")
		refused(w.PrepareWithdrawal(anybody, exchangereview.WithdrawalDraft{Slug: "kraken", Wallet: a.wallet}))(t, fault.NotFound, "no review")
		refused(w.PrepareWithdrawal(anybody, exchangereview.WithdrawalDraft{Slug: "okx", Wallet: a.wallet}))(t, fault.NotFound, "no review")
		// A new review follows the tombstone.
		if again := w.publish(t, a, "kraken", 5); again.Version != 4 || again.Previous != gone.Hash {
			t.Errorf("the new review is %+v", again)
		}
		if got := w.rating(t, "kraken"); got.Reviews != 2 {
			t.Errorf("rating %+v", got)
		}
	})
}

func TestReviewsAreSortedAndFiltered(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		var of []*writer
		for i, stars := range []int{3, 1, 5, 1, 4} {
			a := numbered(t, i)
			of = append(of, a)
			w.publish(t, a, "kraken", stars)
			w.clock.Pass(time.Hour)
		}
		member := func(a *writer) identity.Caller { return identity.Caller{Wallet: a.wallet, Role: identity.Member} }
		vote := func(reader *writer, writer *writer, helpful bool) exchangereview.Helpfulness {
			return must(w.VoteOnReview(identity.With(anybody, member(reader)), exchangereview.Vote{Slug: "kraken", Wallet: writer.wallet, Helpful: helpful}))(t)
		}
		w.reputation.set(1, map[*writer]float64{of[0]: 1, of[4]: 1})
		vote(of[0], of[3], true)
		vote(of[4], of[3], true)
		vote(of[0], of[1], false)
		if h := vote(of[4], of[1], true); !near(h.Helpful, 1) || !near(h.Unhelpful, 1) || h.Score <= 0 || h.Score >= 0.5 {
			t.Errorf("votes %+v", h)
		}
		if h := vote(of[0], of[1], true); !near(h.Helpful, 2) || h.Unhelpful != 0 {
			t.Errorf("a vote that was changed: %+v", h)
		}
		vote(of[0], of[1], false)
		refused(w.VoteOnReview(identity.With(anybody, member(of[0])), exchangereview.Vote{Slug: "kraken", Wallet: of[0].wallet}))(t, fault.Conflict, "your own review")
		refused(w.VoteOnReview(identity.With(anybody, member(of[0])), exchangereview.Vote{Slug: "okx", Wallet: of[1].wallet}))(t, fault.NotFound, "no review")
		refused(w.VoteOnReview(anybody, exchangereview.Vote{Slug: "kraken", Wallet: of[1].wallet}))(t, fault.Unauthenticated, "")

		start := w.clock.Now().Add(-5 * time.Hour).UnixMilli()
		hour := time.Hour.Milliseconds()
		for _, c := range []struct {
			q    exchangereview.ReviewsQuery
			want []int
		}{
			{exchangereview.ReviewsQuery{}, []int{4, 3, 2, 1, 0}},
			{exchangereview.ReviewsQuery{Sort: exchangereview.ByOldest}, []int{0, 1, 2, 3, 4}},
			{exchangereview.ReviewsQuery{Sort: exchangereview.ByBest}, []int{2, 4, 0, 3, 1}},
			{exchangereview.ReviewsQuery{Sort: exchangereview.ByRating}, []int{2, 4, 0, 3, 1}},
			{exchangereview.ReviewsQuery{Sort: exchangereview.ByWorst}, []int{3, 1, 0, 4, 2}},
			{exchangereview.ReviewsQuery{Sort: exchangereview.ByHelpful}, []int{3, 1, 4, 2, 0}},
			{exchangereview.ReviewsQuery{Stars: 1}, []int{3, 1}},
			{exchangereview.ReviewsQuery{Stars: 1, Sort: exchangereview.ByOldest}, []int{1, 3}},
			{exchangereview.ReviewsQuery{From: start + hour, To: start + 3*hour}, []int{2, 1}},
			{exchangereview.ReviewsQuery{Stars: 2}, nil},
		} {
			for _, size := range []int{1, 2, 200} {
				q := c.q
				q.Slug, q.Limit = "kraken", size
				var got []int
				for more := true; more; more = q.Cursor != "" {
					page := must(w.Reviews(anybody, q))(t)
					for _, r := range page.Reviews {
						got = append(got, slices.IndexFunc(of, func(a *writer) bool { return a.wallet == r.Wallet }))
					}
					q.Cursor = page.Next
				}
				if !slices.Equal(got, c.want) {
					t.Errorf("%+v, pages of %d: got %v, want %v", c.q, size, got, c.want)
				}
			}
		}
	})
}

// A reader can make every digest again, also of reviews from before the site moved.
func TestDigestsOutliveAMoveOfTheSite(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		a := numbered(t, 1)
		w.publish(t, a, "kraken", 2)
		moved := w.options
		moved.Site = "reviews.example.org"
		client := exchangereview.NewClient(seamtest.InProcess(t, exchangereview.Contract, exchangereview.Bind(service.New(moved))).Route)
		r := must(client.Reviews(anybody, exchangereview.ReviewsQuery{Slug: "kraken"}))(t).Reviews[0]
		if r.Site != site || r.Digest() != r.Hash {
			t.Errorf("the digest of %+v is %s", r, r.Digest())
		}
		if prepared := must(client.PrepareReview(anybody, a.draft("kraken", 3)))(t); prepared.TypedData.Message["site"] != "reviews.example.org" {
			t.Errorf("a new one is for %v", prepared.TypedData.Message["site"])
		}
	})
}

// Rows of the release before: no sums, no site, no age of reviewers.
func TestWhatAnEarlierReleaseStoredIsCompleted(t *testing.T) {
	databasetestEach(t, func(t *testing.T, w *fixture) {
		must(service.Backfill(t.Context(), w.options))(t)
		w.publish(t, numbered(t, 1), "kraken", 5)
		w.publish(t, numbered(t, 2), "okx", 2)
		before := w.rating(t, "kraken")
		if err := service.AsBefore(t.Context(), w.db); err != nil {
			t.Fatal(err)
		}
		if n := must(service.Backfill(t.Context(), w.options))(t); n != 2 {
			t.Errorf("%d reviews were counted", n)
		}
		if got := w.rating(t, "kraken"); got != before {
			t.Errorf("rating %+v, before %+v", got, before)
		}
		if r := must(w.Reviews(anybody, exchangereview.ReviewsQuery{Slug: "kraken"}))(t).Reviews[0]; r.Site != site {
			t.Errorf("its site is %q", r.Site)
		}
		if n := must(service.Backfill(t.Context(), w.options))(t); n != 0 {
			t.Errorf("%d reviews were counted once more", n)
		}
	})
}

func TestReviewersLeaveTheFreshGroupWithTime(t *testing.T) {
	databasetestEach(t, func(t *testing.T, w *fixture) {
		a, stranger := numbered(t, 1), numbered(t, 2)
		w.publish(t, a, "kraken", 5)
		w.publish(t, stranger, "kraken", 5)
		w.reputation.set(1, map[*writer]float64{a: 0.5})
		w.reputation.young = true
		must(w.jobs().Reweigh(t.Context()))(t)
		group := func(of *writer) string {
			return must(w.ReviewsOf(anybody, exchangereview.ReviewsOfQuery{Wallet: of.wallet}))(t).Reviews[0].Group
		}
		if group(a) != "fresh" {
			t.Error("a wallet of a day has standing already")
		}
		w.clock.Pass(30 * 24 * time.Hour)
		if err := w.jobs().Age(t.Context()); err != nil {
			t.Fatal(err)
		}
		if group(a) != "unproven" || group(stranger) != "fresh" {
			t.Errorf("after 30 days: %s, and the stranger %s", group(a), group(stranger))
		}
		w.rating(t, "kraken")
	})
}

func TestEpochsCanBeComputedAgain(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		trust := map[*writer]float64{}
		for i := range 30 {
			trust[numbered(t, i)] = 0.3 + float64(i)/50
		}
		w.reputation.set(1, trust)
		for i := range 40 {
			w.publish(t, numbered(t, i), "kraken", i%5+1)
		}
		w.publish(t, numbered(t, 1), "okx", 3)
		w.publish(t, numbered(t, 2), "okx", 4)
		w.withdraw(t, numbered(t, 2), "okx")
		refused(w.CloseEpoch(anybody, exchangereview.EpochRequest{}))(t, fault.Unauthenticated, "")
		epoch := must(w.CloseEpoch(operator, exchangereview.EpochRequest{}))(t)
		if epoch.Number != 1 || epoch.Reviews != 41 || epoch.Tombstones != 1 || epoch.Exchanges != 40 || epoch.Size == 0 {
			t.Errorf("epoch %+v", epoch)
		}
		file := w.export(t, 1)
		report := must(export.Verify(t.Context(), bytes.NewReader(file)))(t)
		if !report.Valid || report.Root != epoch.Root || report.Signatures != 42 || report.Site != site {
			t.Errorf("verified: %+v", report)
		}
		of := exchangereview.ReviewProofQuery{Number: 1, Slug: "kraken", Wallet: numbered(t, 7).wallet}
		proof := must(w.ProveReview(anybody, of))(t)
		siblings := make([]merkle.Hash, len(proof.Proof))
		for i, h := range proof.Proof {
			siblings[i] = merkle.Hash(h)
		}
		if got := merkle.ProcessProof(merkle.Hash(proof.Leaf), siblings); got != merkle.Hash(epoch.Root) || proof.Root != epoch.Root {
			t.Errorf("the proof leads to %s, want %s", got, epoch.Root)
		}
		refused(w.ProveReview(anybody, exchangereview.ReviewProofQuery{Number: 1, Slug: "okx", Wallet: numbered(t, 2).wallet}))(t, fault.NotFound, "not in this epoch")
		refused(w.ProveReview(anybody, exchangereview.ReviewProofQuery{Number: 9, Slug: "okx", Wallet: wallet.Address{1}}))(t, fault.NotFound, "no ranking epoch 9")
		places := must(w.Places(anybody, exchangereview.PlacesQuery{Slug: "kraken"}))(t).Places
		if len(places) != 1 || places[0].Reviews != 40 || (places[0].Rank == 0) == w.rating(t, "kraken").Enough {
			t.Errorf("places %+v", places)
		}
		for range 3 {
			must(w.CloseEpoch(operator, exchangereview.EpochRequest{}))(t)
		}
		list := must(w.RankingEpochs(anybody, exchangereview.EpochsQuery{Limit: 2}))(t)
		if len(list.Epochs) != 2 || list.Epochs[0].Number != 4 || list.Next == "" {
			t.Errorf("epochs %+v", list)
		}
		_, err := w.ExportEpoch(anybody, exchangereview.EpochQuery{Number: 1})
		refused(struct{}{}, err)(t, fault.NotFound, "not kept any more")
	})
}

// export reads the export of an epoch.
func (w *fixture) export(t *testing.T, number int64) []byte {
	t.Helper()
	stream := must(w.ExportEpoch(anybody, exchangereview.EpochQuery{Number: number}))(t)
	var file bytes.Buffer
	if err := stream.Write(&file); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func TestTheBreakdownAddsUpToTheMean(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		w.reputation.set(1, map[*writer]float64{numbered(t, 1): 0.9, numbered(t, 2): 0.4})
		for i := range 5 {
			w.publish(t, numbered(t, i), "kraken", i+1)
			w.clock.Pass(100 * 24 * time.Hour)
		}
		b := must(w.Breakdown(anybody, exchangereview.BreakdownQuery{Slug: "kraken"}))(t)
		var part, share int64
		for _, line := range b.Lines {
			part, share = part+line.PartMillionths, share+line.ShareMillionths
		}
		if rating := w.rating(t, "kraken"); part != b.MeanMillionths || share != 1_000_000 || !near(rating.Mean, float64(part)/1e6) || len(b.Lines) < 3 {
			t.Errorf("lines %+v of %+v", b, rating)
		}
		refused(w.Breakdown(anybody, exchangereview.BreakdownQuery{Slug: "nowhere"}))(t, fault.NotFound, "no exchange")
	})
}

// An exchange that passes others is first in the order of places won, and one that
// falls behind is last.
func TestPlacesWonAreAnOrder(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		trust := map[*writer]float64{}
		for i := range 30 {
			trust[numbered(t, i)] = 1
		}
		w.reputation.set(1, trust)
		review := func(slug string, from, to, stars int) {
			for i := from; i < to; i++ {
				w.publish(t, numbered(t, i), slug, stars)
			}
		}
		closed := func() {
			must(w.CloseEpoch(operator, exchangereview.EpochRequest{}))(t)
		}
		change := func(slug string) int {
			return must(w.Exchange(anybody, exchangereview.ExchangeQuery{Slug: slug}))(t).Change
		}
		review("kraken", 0, 30, 4)
		review("okx", 0, 30, 3)
		closed()
		if change("kraken") != 0 || change("okx") != 0 {
			t.Error("places were won before the second ranking")
		}
		review("okx", 0, 30, 5)
		closed()
		if change("kraken") != -1 || change("okx") != 1 {
			t.Errorf("kraken %d, okx %d", change("kraken"), change("okx"))
		}
		var all []exchangereview.Exchange
		for cursor := ""; ; {
			page := must(w.Exchanges(anybody, exchangereview.ExchangesQuery{Sort: exchangereview.ByChange, Limit: 7, Cursor: cursor}))(t)
			all = append(all, page.Exchanges...)
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		whole := must(w.Exchanges(anybody, exchangereview.ExchangesQuery{Limit: 200}))(t)
		if all[0].Slug != "okx" || all[len(all)-1].Slug != "kraken" || len(all) != len(whole.Exchanges) {
			t.Errorf("%s first, %s last, %d of %d", all[0].Slug, all[len(all)-1].Slug, len(all), len(whole.Exchanges))
		}
		recent := must(w.AllReviews(anybody, exchangereview.AllReviewsQuery{Limit: 31}))(t)
		if len(recent.Reviews) != 31 || recent.Reviews[0].Exchange != "okx" || recent.Reviews[30].Exchange != "kraken" || recent.Next == "" {
			t.Errorf("%d recent reviews", len(recent.Reviews))
		}
		more := must(w.AllReviews(anybody, exchangereview.AllReviewsQuery{Limit: 31, Cursor: recent.Next}))(t)
		if len(more.Reviews) != 29 || more.Next != "" {
			t.Errorf("%d more", len(more.Reviews))
		}
	})
}
