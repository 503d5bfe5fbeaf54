package audit

import (
	"context"
	"fmt"
	"strings"
	"time"

	"banyan/modules/exchangereview"
	"banyan/platform/fault"
	"banyan/platform/load"
	"banyan/platform/seam"
	"banyan/platform/wallet"
)

const publishReview = "exchange-review/publishReview"

// ExchangeReview checks that each version of a review is stored once, that the versions
// of a review follow each other, and that nothing else has the run's name in it.
func ExchangeReview(route *seam.Route) load.Check {
	s := exchangereview.NewClient(route)
	return func(ctx context.Context, r *load.Record) (found []load.Finding, err error) {
		writes := r.Of(publishReview)
		names, of := group(writes)
		for _, n := range names {
			problems, err := checkHistory(ctx, s, n, of[n])
			if err != nil {
				return nil, err
			}
			found = append(found, problems...)
		}
		listed, err := checkListed(ctx, s, r, of)
		if err != nil {
			return nil, err
		}
		found = append(found, listed...)
		return found, nil
	}
}

// checkHistory compares the versions of one review.
func checkHistory(ctx context.Context, s exchangereview.Service, n name, writes []load.Entry) (found []load.Finding, err error) {
	w, err := wallet.Parse(n.wallet)
	if err != nil {
		return nil, wrongLog(err)
	}
	var history exchangereview.ReviewHistory
	err = ask(ctx, func() (err error) {
		history, err = s.History(ctx, exchangereview.HistoryQuery{Slug: n.about, Wallet: w})
		return err
	})
	if err != nil && !fault.Is(err, fault.NotFound) {
		return nil, err
	}
	there := make(map[string]int)
	for i, v := range history.Versions { // the newest first
		there[v.Hash.String()]++
		before := exchangereview.Hash{}
		if i+1 < len(history.Versions) {
			before = history.Versions[i+1].Hash
		}
		if v.Previous != before || v.Version != len(history.Versions)-i {
			found = append(found, load.Finding{Operation: publishReview, ID: v.Hash.String(), Problem: fmt.Sprintf("is version %d after %s, and stands as number %d after %s", v.Version, v.Previous, len(history.Versions)-i, before)})
		}
	}
	open := 0
	for _, e := range writes {
		switch n := there[e.ID]; {
		case !e.Acknowledged():
			open++
			continue
		case n == 0:
			found = append(found, load.Found(e, "was acknowledged, and is not among the %d versions of %s about %s", len(history.Versions), e.Wallet, e.About))
		case n > 1:
			found = append(found, load.Found(e, "is stored %d times", n))
		}
		delete(there, e.ID)
	}
	for hash, n := range there { // each write without an answer may be there once
		if open -= n; open < 0 {
			found = append(found, load.Finding{Operation: publishReview, ID: hash, Problem: "is stored for " + w.String() + times(n) + ", who was sent no such version"})
		}
	}
	return found, nil
}

// slack is how much earlier than the load began the clock of the server may say that a
// review was written.
const slack = time.Hour

// checkListed looks among all reviews since the load began for those of the run that
// the log does not know, and for live ones that are missing or listed twice.
func checkListed(ctx context.Context, s exchangereview.Service, r *load.Record, of map[name][]load.Entry) (found []load.Finding, err error) {
	there, since := make(map[name]int), r.TimeMS-slack.Milliseconds()
	err = eachPage(ctx, func(cursor string) (string, error) {
		list, err := s.AllReviews(ctx, exchangereview.AllReviewsQuery{Cursor: cursor, Limit: 200})
		for _, v := range list.Reviews { // the newest first
			if v.CreatedMS < since {
				return "", err
			}
			if strings.Contains(v.Text, r.Run) {
				there[name{v.Wallet.String(), v.Exchange}]++
			}
		}
		return list.Next, err
	})
	if err != nil {
		return nil, err
	}
	for n, count := range there {
		switch writes := of[n]; {
		case writes == nil:
			found = append(found, load.Finding{Operation: publishReview, ID: n.wallet, Problem: "has a review of " + n.about + " of which the log says nothing" + times(count)})
		case count > 1:
			found = append(found, load.Found(writes[0], "is listed %d times among the reviews of %s", count, n.about))
		}
	}
	for n, writes := range of {
		for _, e := range writes {
			if e.Acknowledged() && there[n] == 0 {
				found = append(found, load.Found(e, "was acknowledged, and %s is not listed among the reviews of %s", n.wallet, n.about))
				break
			}
		}
	}
	return found, nil
}
