package service_test

import (
	"testing"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/ranking"
	"banyan/platform/fault"
)

func TestTheNewestReviewsOfAllExchanges(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		if none := must(w.RecentReviews(anybody, exchangereview.RecentQuery{}))(t); none.Reviews == nil || len(none.Reviews) != 0 {
			t.Errorf("without reviews there are %+v", none.Reviews)
		}
		first := w.publish(t, numbered(t, 1), "kraken", 4)
		w.publish(t, numbered(t, 2), "kraken", 2)
		last := w.publish(t, numbered(t, 2), "bitstamp", 5)
		edited := w.publish(t, numbered(t, 1), "kraken", 1) // of first: the version before is no review any more
		found := must(w.RecentReviews(anybody, exchangereview.RecentQuery{Limit: 3}))(t).Reviews
		if len(found) != 3 || found[0].Hash != edited.Hash || found[1].Hash != last.Hash || found[2].Overall != 2 {
			t.Fatalf("the newest are %+v", found)
		}
		if found[0].ExchangeName != "Kraken" || found[1].ExchangeName != "Bitstamp" {
			t.Errorf("they are of %s and %s", found[0].ExchangeName, found[1].ExchangeName)
		}
		for _, one := range found {
			if one.Hash == first.Hash {
				t.Error("an earlier version is among them")
			}
		}
		if few := must(w.RecentReviews(anybody, exchangereview.RecentQuery{Limit: 1}))(t); len(few.Reviews) != 1 {
			t.Errorf("asked for one, there are %d", len(few.Reviews))
		}
		refused(w.RecentReviews(anybody, exchangereview.RecentQuery{Limit: 21}))(t, fault.Invalid, "limit")
	})
}

func TestTheMethodIsThatOfTheRanking(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		m := must(w.Method(anybody, exchangereview.MethodQuery{}))(t)
		if m.HalfLifeDays != ranking.HalfLife || m.Enough != 8 || m.FreshShare != 0.1 || m.LeastWeight < 0.05 || m.LeastWeight > 0.0501 || m.Interval != 0.9 {
			t.Errorf("the method is %+v", m)
		}
		if m.PriorMean < 1 || m.PriorMean > 5 {
			t.Errorf("the average opinion is %v stars", m.PriorMean)
		}
	})
}
