package web

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"banyan/modules/reputation"
	"banyan/platform/fault"
	"banyan/platform/wallet"
	"banyan/web/card"
	"banyan/web/ui"
)

// how explains the scores with the parameters of the current epoch.
func (p *reputationPages) how(rw http.ResponseWriter, r *http.Request) error {
	epoch, err := p.currentEpoch(r.Context())
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	return p.site.Show(rw, r, http.StatusOK, "reputation/how", ui.Page{
		Title: "How scores work", Nav: "/reputation", Data: struct{ Epoch *reputation.Epoch }{epoch},
		Description: "What a score means, how it is computed, and what it does not do.",
	})
}

// howPart explains scores on the page that explains all numbers.
func (p *reputationPages) howPart(r *http.Request) HowPart {
	epoch, err := p.currentEpoch(r.Context())
	if fault.Is(err, fault.NotFound) {
		err = nil
	}
	part := HowPart{Contents: []Figure{{"Score", "score"}}, Missing: ui.Part(r.Context(), err, "Reputation", "what scores are computed with")}
	part.HTML, part.Err = p.site.HTML(r, "reputation/how-part", struct{ Epoch *reputation.Epoch }{epoch})
	return part
}

// scoreBin is a bar of an epoch's distribution.
type scoreBin struct {
	From, To, Count int
	Part            float64 // of the largest
}

// epochData is the data of the template reputation/epoch.
type epochData struct {
	Epoch reputation.Epoch
	Bins  []scoreBin
}

func (p *reputationPages) epoch(rw http.ResponseWriter, r *http.Request) error {
	number, err := strconv.ParseInt(chi.URLParam(r, "number"), 10, 64)
	if err != nil {
		return fault.NoSuch("epoch", "there is no such epoch: epochs are 1, 2, 3 and so on")
	}
	var d epochData
	if d.Epoch, err = p.service.EpochOf(r.Context(), reputation.EpochNumber{Number: number}); err != nil {
		return err
	}
	counts := d.Epoch.Statistics.Distribution
	most := 1
	for _, n := range counts {
		most = max(most, n)
	}
	for i, n := range counts {
		width := reputation.MaxScore / len(counts)
		d.Bins = append(d.Bins, scoreBin{From: i*width + 1, To: (i + 1) * width, Count: n, Part: float64(n) / float64(most)})
	}
	return p.site.Show(rw, r, http.StatusOK, "reputation/epoch", ui.Page{
		Title: "Epoch " + ui.Number(number), Nav: "/reputation", Data: d,
		Description: "What the scores of one epoch were computed from, how they are distributed, and the root that proves them.",
	})
}

// boundData is the data of the template reputation/bound.
type boundData struct {
	Asked string
	Bound *reputation.Bound
	Wrong string
}

// bound lets people try how much trust a set of wallets can hold.
func (p *reputationPages) bound(rw http.ResponseWriter, r *http.Request) error {
	d := boundData{Asked: strings.TrimSpace(r.URL.Query().Get("wallets"))}
	status := http.StatusOK
	if d.Asked != "" {
		bound, err := p.boundOf(r, d.Asked)
		switch {
		case err == nil:
			d.Bound = &bound
		case fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict) || fault.Is(err, fault.TooLarge):
			d.Wrong, status = ui.WrongField(err), ui.StatusOf(err)
		default:
			return err
		}
	}
	return p.site.Show(rw, r, status, "reputation/bound", ui.Page{
		Title: "What a set of wallets can hold", Nav: "/reputation", Data: d,
		Description: "How much trust a set of wallets can hold at most, whatever its members say of each other.",
	})
}

func (p *reputationPages) boundOf(r *http.Request, text string) (reputation.Bound, error) {
	var q reputation.BoundQuery
	for _, word := range strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(" \t\r\n,;", c) }) {
		w, err := wallet.Parse(word)
		if err != nil {
			return reputation.Bound{}, err
		}
		q.Wallets = append(q.Wallets, w)
	}
	return p.service.Bound(r.Context(), q)
}

// card says of a wallet which score it has.
func (p *reputationPages) card(r *http.Request, path string) (*card.Card, error) {
	text, found := strings.CutPrefix(path, walletPath+"/")
	if !found || strings.Contains(text, "/") {
		return nil, nil
	}
	of, err := wallet.Read(text, 0)
	if err != nil {
		return nil, fault.Wrap(err, fault.NotFound, "this is not a wallet address: an address is 0x and 40 hex digits")
	}
	c := &card.Card{Title: "Wallet " + of.Address.Short(), Value: "no score yet"}
	score, err := p.service.Score(r.Context(), reputation.ScoreQuery{Wallet: of.Address})
	switch {
	case err == nil && score.Standing.Score > 0:
		c.Value = "Score " + ui.Number(score.Standing.Score) + " of 1,000 · rank " + ui.Number(score.Rank)
	case err != nil && !fault.Is(err, fault.NotFound):
		return nil, err
	}
	return c, nil
}
