package web

import (
	"net/http"

	"banyan/modules/reputation"
	"banyan/platform/fault"
	"banyan/platform/wallet"
	"banyan/web/ui"
)

const (
	shownHistory    = 50 // changes of a score in its chart
	shownChanges    = 3  // of them with their reasons
	shownNeighbours = 8  // drawn in each direction
)

// reputationOfWallet is the data of the template reputation/wallet.
type reputationOfWallet struct {
	Score   *reputation.Score // nil: the wallet has none, or reputation is down
	Said    string            // of the wallet, in one sentence; "" = nobody ever said anything
	Missing *ui.Missing

	Wallet     wallet.Address
	History    []reputation.HistoryEntry // the last first
	Outlook    []reputation.Effect
	Neighbours neighbourhood
	Contexts   []reputation.ContextStanding
}

// Recent are the changes that are told with their reasons.
func (d reputationOfWallet) Recent() []reputation.HistoryEntry {
	return d.History[:min(shownChanges, len(d.History))]
}

func (p *reputationPages) wallet(r *http.Request, of wallet.Address) WalletPart {
	d := reputationOfWallet{Wallet: of}
	ctx := r.Context()
	var errs [5]error
	ui.Together(func() {
		score, err := p.service.Score(ctx, reputation.ScoreQuery{Wallet: of})
		if errs[0] = err; err == nil {
			d.Score = &score
		}
	}, func() {
		var page reputation.HistoryPage
		page, errs[1] = p.service.History(ctx, reputation.HistoryQuery{Wallet: of, Limit: shownHistory})
		d.History = page.Entries
	}, func() {
		var outlook reputation.Outlook
		outlook, errs[2] = p.service.Outlook(ctx, reputation.OutlookQuery{Wallet: of})
		d.Outlook = outlook.Effects
	}, func() {
		d.Neighbours, errs[3] = p.neighbours(r, of)
	}, func() {
		var by reputation.ContextScores
		by, errs[4] = p.service.ContextScores(ctx, reputation.ContextScoresQuery{Wallet: of})
		d.Contexts = by.Scores
	})
	for i, err := range errs {
		answer := i == 0 && fault.Is(err, fault.NotFound) || i == 2 && fault.Is(err, fault.Conflict) // no score, no epoch yet
		if !answer && d.Missing == nil {
			d.Missing = ui.Part(ctx, err, "Reputation", "this wallet's score and where it comes from")
		}
	}
	if d.Missing != nil {
		html, err := p.site.HTML(r, "reputation/wallet", reputationOfWallet{Missing: d.Missing})
		return WalletPart{HTML: html, Missing: d.Missing, Err: err}
	}
	statements, said, err := p.statementsPart(r, of)
	if err != nil {
		return WalletPart{Err: err}
	}
	d.Said = said
	html, err := p.site.HTML(r, "reputation/wallet", d)
	return WalletPart{HTML: html + statements, Err: err}
}

// neighbours reads what is drawn of who rates a wallet and whom it rates.
func (p *reputationPages) neighbours(r *http.Request, of wallet.Address) (n neighbourhood, err error) {
	in, err := p.service.Neighbours(r.Context(), reputation.NeighboursQuery{Wallet: of, Direction: reputation.In, Limit: shownNeighbours})
	if err != nil {
		return n, err
	}
	out, err := p.service.Neighbours(r.Context(), reputation.NeighboursQuery{Wallet: of, Direction: reputation.Out, Limit: shownNeighbours})
	return neighbourhood{In: in.Neighbours, Out: out.Neighbours, More: in.Next != "" || out.Next != ""}, err
}
