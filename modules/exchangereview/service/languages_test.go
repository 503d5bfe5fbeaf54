package service_test

import (
	"testing"
	"time"

	"banyan/modules/exchangereview"
	"banyan/platform/fault"
)

func TestReviewsByLanguageAndDate(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		say := func(a *writer, stars int, text string) {
			t.Helper()
			d := a.draft("kraken", stars)
			d.Text = text
			must(w.PublishReview(anybody, a.sign(t, must(w.PrepareReview(anybody, d))(t).Review)))(t)
		}
		begin := w.clock.Now().UnixMilli()
		say(numbered(t, 1), 5, "The withdrawal arrived within an hour and the support answered all of my questions the same day.")
		say(numbered(t, 2), 2, "Die Auszahlung hat eine Woche gedauert, und der Kundendienst hat auf keine meiner Fragen geantwortet.")
		w.clock.Pass(48 * time.Hour)
		say(numbered(t, 3), 5, "ok")
		find := func(q exchangereview.ReviewsQuery) exchangereview.ReviewPage {
			t.Helper()
			q.Slug = "kraken"
			return must(w.Reviews(anybody, q))(t)
		}
		if got := find(exchangereview.ReviewsQuery{Language: "de"}); got.Total != 0 || len(got.Reviews) != 0 {
			t.Errorf("before anybody looked: %+v", got)
		}
		for range 2 {
			if err := w.jobs().ReadTexts(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for name, c := range map[string]struct {
			q    exchangereview.ReviewsQuery
			want *writer
		}{
			"German":                   {exchangereview.ReviewsQuery{Language: "DE"}, numbered(t, 2)},
			"English":                  {exchangereview.ReviewsQuery{Language: "en"}, numbered(t, 1)},
			"of the later days":        {exchangereview.ReviewsQuery{From: begin + 1000}, numbered(t, 3)},
			"of five stars and before": {exchangereview.ReviewsQuery{Stars: 5, To: begin + 1000}, numbered(t, 1)},
		} {
			got := find(c.q)
			if got.Total != 1 || len(got.Reviews) != 1 || got.Reviews[0].Wallet != c.want.wallet {
				t.Errorf("%s: %+v", name, got)
			}
		}
		first := find(exchangereview.ReviewsQuery{Stars: 5, Limit: 1})
		if first.Total != 2 || first.Next == "" {
			t.Errorf("the first page of two: %+v", first)
		}
		if next := find(exchangereview.ReviewsQuery{Stars: 5, Limit: 1, Cursor: first.Next}); next.Total != 0 || len(next.Reviews) != 1 {
			t.Errorf("the second page: %+v", next)
		}
		if all := find(exchangereview.ReviewsQuery{}); all.Total != 0 || all.Reviews[0].Language != "" || all.Reviews[1].Language != "de" {
			t.Errorf("all: %+v", all)
		}
		refused(w.Reviews(anybody, exchangereview.ReviewsQuery{Slug: "kraken", Language: "english"}))(t, fault.Invalid, "language")
	})
}
