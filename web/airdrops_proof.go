package web

import (
	"errors"
	"net/http"
	"strings"

	"banyan/modules/airdrop"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/requestctx"
	"banyan/web/card"
	"banyan/web/ui"
)

// proofData is the data of the template airdrops/proof.
type proofData struct {
	Asked   airdrop.ProofCheck // as it was typed
	Formats []merkle.Format
	Answer  *airdrop.CheckedProofs // nil: nobody asked, or the next two say why not
	Wrong   map[string]string      // by field; "" is the whole
	Fault   *ui.Missing
}

// askProof shows the form.
func (p *airdropPages) askProof(rw http.ResponseWriter, r *http.Request) error {
	return p.showProof(rw, r, http.StatusOK, proofData{Asked: airdrop.ProofCheck{Root: r.URL.Query().Get("root")}})
}

// checkProof answers it. It changes nothing, so that it needs no session; the
// texts are too long for an address.
func (p *airdropPages) checkProof(rw http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(rw, r.Body, 4*airdrop.MaxCheckText)
	if err := r.ParseForm(); err != nil {
		var long *http.MaxBytesError
		if errors.As(err, &long) {
			return fault.Wrap(err, fault.TooLarge, "the text is too long: check long files with banyan airdrop verify --proofs")
		}
		return fault.Wrap(err, fault.Invalid, "the form arrived incomplete: send it again")
	}
	d := proofData{Asked: airdrop.ProofCheck{
		Text: r.PostForm.Get("text"), Root: strings.TrimSpace(r.PostForm.Get("root")), Format: merkle.Format(r.PostForm.Get("format")),
	}}
	leave, err := requestctx.EnterExpensive(r.Context())
	if err != nil {
		return err
	}
	defer leave()
	err = d.Asked.Validate()
	var answer airdrop.CheckedProofs
	if err == nil {
		answer, err = p.service.CheckProof(r.Context(), d.Asked)
	}
	switch {
	case err == nil:
		d.Answer = &answer
	case fault.Is(err, fault.Invalid), fault.Is(err, fault.Unsupported):
		f := fault.From(err)
		d.Wrong = map[string]string{}
		for _, field := range f.Fields {
			d.Wrong[field.Name] = field.Message
		}
		if len(f.Fields) == 0 {
			d.Wrong["text"] = f.Message
		}
	default:
		d.Fault = ui.Part(r.Context(), err, "Airdrops", "the check of proofs")
	}
	return p.showProof(rw, r, ui.StatusOf(err), d)
}

func (p *airdropPages) showProof(rw http.ResponseWriter, r *http.Request, status int, d proofData) error {
	d.Formats = []merkle.Format{merkle.OZ, merkle.OZIndexed, merkle.Uniswap, merkle.Cumulative}
	page := ui.Page{
		Title: "Check a proof", Nav: "/airdrops", Data: d,
		Description: "Why is a Merkle proof invalid? Paste it, and see with which leaf and tree it leads to the root.",
	}
	if ui.WantsFragment(r, "proof") {
		return p.site.Fragment(rw, r, "airdrops/proof", "proof", page)
	}
	return p.site.Show(rw, r, status, "airdrops/proof", page)
}

// how explains proofs, and the trees that campaigns can have.
func (p *airdropPages) how(r *http.Request) HowPart {
	html, err := p.site.HTML(r, "airdrops/how", struct{ Formats []merkle.Format }{merkle.Formats()})
	return HowPart{Contents: []Figure{{"Proof", "proof"}}, HTML: html, Err: err}
}

// card says of a campaign how much it gives to how many.
func (p *airdropPages) card(r *http.Request, path string) (*card.Card, error) {
	id, found := strings.CutPrefix(path, "/airdrops/")
	if !found || strings.ContainsAny(id, "/-") {
		return nil, nil
	}
	c, err := p.service.Campaign(r.Context(), airdrop.CampaignQuery{ID: id})
	if err != nil {
		return nil, err
	}
	shown := &card.Card{Title: c.Name, Value: "Airdrop"}
	if c.State == airdrop.Built {
		shown.Value = ui.Units(c.Total, c.Decimals) + " " + c.Symbol + " for " + ui.Plural(c.Count, "wallet", "wallets")
	}
	return shown, nil
}
