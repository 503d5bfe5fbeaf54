package web

import (
	"context"
	"net/http"
	"strings"

	"banyan/modules/exchangereview"
	"banyan/modules/reputation"
	"banyan/platform/fault"
	"banyan/platform/wallet"
)

type leaderboardData struct {
	Board   reputation.Leaderboard
	Epoch   *reputation.Epoch
	Top     float64 // the score of the first line, against which bars are drawn
	Missing *missing
	Asked   string
	Wrong   string // with the address asked for, or with the page
	turns
}

// currentEpoch is nil when it is not known.
func (w *Web) currentEpoch(ctx context.Context) (*reputation.Epoch, error) {
	epoch, err := w.o.Reputation.CurrentEpoch(ctx, reputation.EpochQuery{})
	if err != nil {
		return nil, err
	}
	return &epoch, nil
}

func (w *Web) leaderboard(rw http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), r.URL.Query()
	d := leaderboardData{Asked: strings.TrimSpace(v.Get("wallet"))}
	status := http.StatusOK
	if d.Asked != "" {
		address, err := wallet.Parse(d.Asked)
		if err == nil {
			w.goTo(rw, r, "/wallets/", address)
			return nil
		}
		d.Wrong, status = fault.From(err).Message, http.StatusBadRequest
	}
	var boardErr error
	together(func() {
		d.Board, boardErr = w.o.Reputation.Leaderboard(ctx, reputation.LeaderboardQuery{Cursor: v.Get("cursor"), Limit: 50})
	}, func() {
		d.Epoch, _ = w.currentEpoch(ctx) // the board says what is wrong with reputation
	})
	if fault.Is(boardErr, fault.Invalid) {
		d.Wrong = wrongField(boardErr)
	} else {
		d.Missing = part(ctx, boardErr, "Reputation", "scores and ranks")
	}
	if boardErr != nil {
		status = statusOf(boardErr)
	}
	if len(d.Board.Standings) > 0 {
		d.Top = d.Board.Standings[0].Score
	}
	d.turns = turnsOf(r, d.Board.Next)
	return w.show(rw, r, status, "reputation", page{
		Title: "Reputation", Nav: "reputation", Data: d,
		Description: "Wallets by the trust that flows to them, with the reasons for every score.",
	})
}

type walletData struct {
	Wallet     wallet.Address
	Mine       bool
	Score      *reputation.Score // nil: nobody knows this wallet yet, or reputation is down
	Reputation *missing
	Reviews    exchangereview.ReviewPage
	Exchanges  *missing
	turns
}

func (w *Web) wallet(rw http.ResponseWriter, r *http.Request) error {
	address, err := pathWallet(r)
	if err != nil {
		return err
	}
	ctx, who, cursor := r.Context(), viewerOf(r), r.URL.Query().Get("cursor")
	d := walletData{Wallet: address, Mine: who.SignedIn && who.Wallet == address}
	var scoreErr, reviewsErr error
	together(func() {
		var score reputation.Score
		if score, scoreErr = w.o.Reputation.Score(ctx, reputation.ScoreQuery{Wallet: address}); scoreErr == nil {
			d.Score = &score
		}
	}, func() {
		d.Reviews, reviewsErr = w.o.Exchanges.ReviewsOf(ctx, exchangereview.ReviewsOfQuery{Wallet: address, Cursor: cursor, Limit: reviewsPerPage})
	})
	if !fault.Is(scoreErr, fault.NotFound) {
		d.Reputation = part(ctx, scoreErr, "Reputation", "this wallet's score and where it comes from")
	}
	d.Exchanges = part(ctx, reviewsErr, "Exchange reviews", "what this wallet wrote")
	d.turns = turnsOf(r, d.Reviews.Next)
	return w.show(rw, r, http.StatusOK, "wallet", page{
		Title: "Wallet " + address.Short(), Nav: "reputation", Data: d,
		Description: "Score, rank, reasons and signed reviews of the wallet " + address.String() + ".",
	})
}
