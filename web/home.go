package web

import (
	"net/http"

	"banyan/modules/airdrop"
	"banyan/modules/exchangereview"
	"banyan/modules/reputation"
	"banyan/platform/fault"
)

// homeRows is how many exchanges, airdrops and wallets the home page shows.
const homeRows = 5

type homeData struct {
	Epoch      *reputation.Epoch // nil: none yet
	Leaders    []reputation.Standing
	Reputation *missing

	Top       []exchangereview.Exchange
	Listed    int
	Reviews   int
	More      bool // there are more exchanges than were counted
	Exchanges *missing

	Open    []airdrop.Campaign // built: wallets can be checked
	Claims  int
	Airdrop *missing
}

func (w *Web) home(rw http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	var d homeData
	var epochErr, leadersErr, exchangesErr, campaignsErr error
	together(func() {
		d.Epoch, epochErr = w.currentEpoch(ctx)
	}, func() {
		var board reputation.Leaderboard
		board, leadersErr = w.o.Reputation.Leaderboard(ctx, reputation.LeaderboardQuery{Limit: homeRows})
		d.Leaders = board.Standings
	}, func() {
		var all exchangereview.ExchangePage
		all, exchangesErr = w.o.Exchanges.Exchanges(ctx, exchangereview.ExchangesQuery{Sort: exchangereview.ByRating, Limit: 200})
		d.Top, d.Listed, d.More = all.Exchanges[:min(homeRows, len(all.Exchanges))], len(all.Exchanges), all.Next != ""
		for _, e := range all.Exchanges {
			d.Reviews += e.Rating.Reviews
		}
	}, func() {
		var all airdrop.CampaignPage
		all, campaignsErr = w.o.Airdrop.Campaigns(ctx, airdrop.CampaignsQuery{Limit: 200})
		for _, c := range all.Campaigns {
			if c.State != airdrop.Built {
				continue
			}
			d.Claims += c.Count
			if len(d.Open) < homeRows {
				d.Open = append(d.Open, c)
			}
		}
	})
	if leadersErr == nil && !fault.Is(epochErr, fault.NotFound) {
		leadersErr = epochErr
	}
	d.Reputation = part(ctx, leadersErr, "Reputation", "scores and ranks")
	d.Exchanges = part(ctx, exchangesErr, "Exchange reviews", "exchanges and their reviews")
	d.Airdrop = part(ctx, campaignsErr, "Airdrops", "campaigns and claims")
	return w.show(rw, r, http.StatusOK, "home", page{
		Title:       "Banyan: trust with its own roots",
		Description: "Signed exchange reviews that nobody can buy, reputation that anybody can recompute, and airdrops with a proof for every wallet.",
		Data:        d,
	})
}
