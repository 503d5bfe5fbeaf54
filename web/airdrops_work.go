package web

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"banyan/modules/airdrop"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/web/ui"
)

func (p *airdropPages) operate(r chi.Router, show ui.ShowOutcome) {
	r.Post("/operator/campaigns", p.site.Form(p.site.Operate("/operator", p.createCampaign, show)))
	r.Post("/operator/campaigns/{id}/list", p.site.Handle(p.site.Upload("/airdrops/{id}", p.uploadList, p.showWork)))
	r.Post("/operator/campaigns/{id}/edit", p.site.Form(p.site.Operate("/airdrops/{id}", p.editCampaign, p.showWork)))
	r.Post("/operator/campaigns/{id}/delete", p.site.Form(p.site.Operate("/operator#campaign", p.deleteCampaign, p.showWork)))
	r.Post("/operator/campaigns/{id}/build", p.site.Form(p.site.Operate("/airdrops/{id}", p.buildTree, p.showWork)))
	r.Post("/operator/campaigns/{id}/plan", p.site.Form(p.planDistributor))
	r.Post("/operator/campaigns/{id}/distributor", p.site.Form(p.site.Operate("/airdrops/{id}", p.followDistributor, p.showWork)))
	p.operateRules(r)
}

// showWork answers a form on a campaign's page with that page.
func (p *airdropPages) showWork(rw http.ResponseWriter, r *http.Request, status int, done *ui.Outcome) error {
	return p.showCampaign(rw, r, chi.URLParam(r, "id"), status, done)
}

// airdropWork is the data of the template airdrops/operator.
type airdropWork struct {
	Campaigns []airdrop.Campaign
	Missing   *ui.Missing
	Formats   []merkle.Format
	Choices   merkle.Choices // of another tree, as they were typed
	Shapes    map[merkle.Shape]string
	Draft     airdrop.CampaignDraft // as it was typed, when it was refused
}

func (p *airdropPages) work(r *http.Request) OperatorPart {
	all, err := p.service.Campaigns(r.Context(), airdrop.CampaignsQuery{Limit: 20})
	d := airdropWork{
		Campaigns: all.Campaigns, Missing: ui.Part(r.Context(), err, "Airdrops", "the campaigns"),
		Formats: merkle.Formats(), Draft: draftOf(r), Choices: choicesOf(r), Shapes: shapeTexts(),
	}
	section, err := p.site.HTML(r, "airdrops/operator", d)
	return OperatorPart{Section: section, Err: err}
}

// draftOf reads the campaign form; without one it is a draft with the usual
// decimals.
func draftOf(r *http.Request) airdrop.CampaignDraft {
	if r.PostForm == nil || !r.PostForm.Has("name") {
		return airdrop.CampaignDraft{Decimals: 18}
	}
	decimals, err := strconv.Atoi(strings.TrimSpace(r.PostForm.Get("decimals")))
	if err != nil {
		decimals = -1 // refused by the module, which says what is right
	}
	return airdrop.CampaignDraft{
		Name:        strings.TrimSpace(r.PostForm.Get("name")),
		Description: strings.TrimSpace(strings.ReplaceAll(r.PostForm.Get("description"), "\r\n", "\n")),
		Format:      formatOf(r),
		Symbol:      strings.TrimSpace(r.PostForm.Get("symbol")),
		Decimals:    decimals,
	}
}

// shapeTexts explain the trees.
func shapeTexts() map[merkle.Shape]string {
	return map[merkle.Shape]string{
		merkle.Complete:    "complete, as OpenZeppelin's",
		merkle.Promoted:    "levels, the odd node promoted",
		merkle.Duplicated:  "levels, the odd node duplicated",
		merkle.ZeroFilled:  "levels, the odd node hashed with zero (murky)",
		merkle.EmptyFilled: "levels, the odd node hashed with keccak256 of nothing (Safe)",
		merkle.Padded:      "leaves padded with zeros to a power of two (Rocket Pool)",
	}
}

// otherTree is the choice of a tree that has no name.
const otherTree = "other"

// choicesOf reads the description of another tree.
func choicesOf(r *http.Request) merkle.Choices {
	if r.PostForm == nil {
		return merkle.Choices{}
	}
	field := func(name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }
	return merkle.Choices{
		Leaf: field("leaf"), Encoding: field("encoding"), Hash: field("hash"),
		Tree: field("tree"), Leaves: field("leaves"), Pairs: field("pairs"),
	}
}

// formatOf reads the tree of the campaign form. A description that makes no sense
// is passed on as it was typed: the module refuses it and says why.
func formatOf(r *http.Request) merkle.Format {
	format := r.PostForm.Get("format")
	if format != otherTree {
		return merkle.Format(format)
	}
	c := choicesOf(r)
	spec, err := c.Spec(merkle.OZ.Spec())
	if err != nil {
		return merkle.Format("leaf=" + c.Leaf + ";encoding=" + c.Encoding + ";hash=" + c.Hash + ";tree=" + c.Tree + ";leaves=" + c.Leaves + ";pairs=" + c.Pairs)
	}
	return spec.Format()
}

func (p *airdropPages) createCampaign(rw http.ResponseWriter, r *http.Request) (string, error) {
	if err := r.ParseForm(); err != nil {
		return "", fault.Wrap(err, fault.Invalid, "the form arrived incomplete: send it again")
	}
	c, err := p.service.CreateCampaign(r.Context(), draftOf(r))
	if err != nil {
		return "", err
	}
	p.site.GoTo(rw, r, "/airdrops/", c.ID)
	return "", nil
}

// uploadForm has the choices of the form for a list, as they were typed.
type uploadForm struct {
	OnDuplicate, Zero, Decimals                               string
	AddressColumn, AmountColumn, IndexColumn, Chain, MapTexts string

	Again bool // the form was sent before
}

// More reports whether a choice was made that the form hides at first.
func (f uploadForm) More() bool {
	return f.AddressColumn+f.AmountColumn+f.IndexColumn+f.Chain+f.MapTexts != ""
}

// uploadOf reads the choices that were sent; without them all are empty.
func uploadOf(r *http.Request) uploadForm {
	field := func(name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }
	return uploadForm{
		OnDuplicate: field("on_duplicate"), Zero: field("zero"), Decimals: field("decimals"),
		AddressColumn: field("address_column"), AmountColumn: field("amount_column"), IndexColumn: field("index_column"),
		Chain: field("chain"), MapTexts: field("map_amounts"),
		Again: r.PostForm.Has("on_duplicate"),
	}
}

func (p *airdropPages) uploadList(r *http.Request, u ui.Uploaded) (string, error) {
	f := uploadOf(r)
	c, err := p.service.UploadList(r.Context(), airdrop.ListUpload{
		ID: chi.URLParam(r, "id"), OnDuplicate: f.OnDuplicate, Decimals: f.Decimals == "true", Zero: f.Zero,
		AddressColumn: f.AddressColumn, AmountColumn: f.AmountColumn, IndexColumn: f.IndexColumn,
		Chain: f.Chain, MapAmounts: f.MapTexts, Body: u.File,
	})
	if err != nil {
		return "", err
	}
	done := "The list is stored: " + ui.Plural(c.Count, "wallet", "wallets") + ", " + ui.Units(c.Total, c.Decimals) + " " + c.Symbol +
		" in total. Check the figures, then build the tree."
	if c.Report != nil {
		for _, line := range c.Report.Lines() {
			done += "\n" + ui.Sentence(line[0]+": "+line[1])
		}
	}
	return done, nil
}

func formatName(f merkle.Format) string {
	switch f {
	case merkle.OZ:
		return "OpenZeppelin StandardMerkleTree"
	case merkle.OZIndexed:
		return "OpenZeppelin with index"
	case merkle.Uniswap:
		return "Uniswap merkle-distributor"
	case merkle.ENS:
		return "ENS"
	case merkle.Cumulative:
		return "Cumulative amounts"
	}
	if _, err := merkle.ParseFormat(string(f)); err != nil {
		return string(f)
	}
	c := f.Spec().Choices()
	return "(" + c.Leaf + "), " + c.Encoding + ", hashed " + ui.Plural(f.Spec().Leaf.Hashes, "time", "times") + "; " +
		c.Tree + " tree, leaves " + c.Leaves + ", pairs " + c.Pairs
}
