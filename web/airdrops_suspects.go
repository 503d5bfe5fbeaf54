package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"banyan/modules/airdrop"
	"banyan/platform/fault"
	"banyan/platform/wallet"
	"banyan/web/ui"
)

// mountSuspects adds the pages about wallets that a campaign with rules leaves out as
// many of one person.
func (p *airdropPages) mountSuspects(r chi.Router) {
	r.Get("/airdrops/{id}/suspects", p.site.ForOperators(p.suspects))
	r.Get("/airdrops/{id}/appeal", p.site.Handle(p.appeal))
	r.Post("/airdrops/{id}/appeal", p.site.Form(p.prepareAppeal))
	r.Post("/airdrops/{id}/appeal/publish", p.site.Form(p.publishAppeal))
}

// suspectsPerPage keeps the page short enough to decide on.
const suspectsPerPage = 20

// suspectStates are the choices of the page of suspects.
var suspectStates = []struct{ State, Name string }{
	{"", "wait for a decision"},
	{airdrop.Appealed, "appeal"},
	{airdrop.Reported, "report themselves"},
	{airdrop.Flagged, "are flagged"},
	{airdrop.OutLeft, "are left out"},
	{airdrop.Paid, "are paid"},
}

type suspectsData struct {
	Campaign airdrop.Campaign
	State    string
	States   []struct{ State, Name string }
	Page     airdrop.SuspectPage
	Open     bool // decisions count
	Outcome  *ui.Outcome
	ui.Pager
}

func (p *airdropPages) suspects(rw http.ResponseWriter, r *http.Request) error {
	return p.showSuspects(rw, r, http.StatusOK, nil)
}

// showSuspects is also the answer to a decision that was refused.
func (p *airdropPages) showSuspects(rw http.ResponseWriter, r *http.Request, status int, done *ui.Outcome) error {
	id := chi.URLParam(r, "id")
	c, err := p.service.Campaign(r.Context(), airdrop.CampaignQuery{ID: id})
	if err != nil {
		return err
	}
	d := suspectsData{Campaign: c, State: r.URL.Query().Get("state"), States: suspectStates, Outcome: done}
	d.Open = c.Phase == airdrop.Draft || c.Phase == airdrop.Previewed
	d.Page, err = p.service.Suspects(r.Context(), airdrop.SuspectsQuery{ID: id, State: d.State, Cursor: r.URL.Query().Get("cursor"), Limit: suspectsPerPage})
	if err != nil {
		return err
	}
	d.Pager = ui.PagerOf(r, d.Page.Next)
	return p.site.Show(rw, r, status, "airdrops/suspects", ui.Page{Title: c.Name + ": flagged wallets", Nav: "/airdrops", Data: d})
}

// decideSuspects pays the wallets of a form or leaves them out.
func (p *airdropPages) decideSuspects(_ http.ResponseWriter, r *http.Request) (string, error) {
	q := airdrop.SuspectDecision{ID: chi.URLParam(r, "id"), Cluster: r.PostForm.Get("cluster"), Appealed: r.PostForm.Has("appealed"), As: r.PostForm.Get("as"), Reason: r.PostForm.Get("reason")}
	if q.Cluster == "" {
		w, err := wallet.Parse(r.PostForm.Get("wallet"))
		if err != nil {
			return "", fault.New(fault.Invalid, "the form arrived incomplete: open the page again")
		}
		q.Wallets = []wallet.Address{w}
	}
	d, err := p.service.Decide(r.Context(), q)
	if err != nil {
		return "", err
	}
	will := "will be paid what the rules say"
	if q.As == airdrop.OutLeft {
		will = "will be left out, with this reason"
	}
	return ui.Plural(d.Changed, "wallet", "wallets") + " " + will + ". Make a preview when all is decided.", nil
}

type appealData struct {
	Campaign airdrop.Campaign
	Asked    string // as it was typed
	Wrong    string // no address
	Wallet   wallet.Address
	Suspect  *airdrop.Suspect // nil: nothing is known, or not for this viewer
	Mine     bool             // the viewer's own wallet
	Open     bool             // appeals count
	MaxText  int
	Kind     string // of what the form sends; "" = there is no form
}

// appeal says why a wallet is left out, and offers to appeal.
func (p *airdropPages) appeal(rw http.ResponseWriter, r *http.Request) error {
	id := chi.URLParam(r, "id")
	c, err := p.prepared(r, id)
	if err != nil {
		return err
	}
	who := ui.ViewerOf(r)
	d := appealData{Campaign: c, Asked: strings.TrimSpace(r.URL.Query().Get("wallet")), MaxText: airdrop.MaxAppealText}
	d.Open = c.Phase == airdrop.Draft || c.Phase == airdrop.Collecting || c.Phase == airdrop.Previewed
	if d.Asked == "" && who.SignedIn {
		d.Asked = who.Wallet.String()
	}
	if d.Asked != "" {
		written, err := wallet.Read(d.Asked, 0)
		if err != nil {
			d.Wrong = fault.From(err).Message
			return p.showAppeal(rw, r, http.StatusOK, d)
		}
		d.Wallet, d.Mine = written.Address, who.SignedIn && who.Wallet == written.Address
		s, err := p.service.Suspect(r.Context(), airdrop.SuspectQuery{ID: id, Wallet: d.Wallet})
		switch {
		case err == nil:
			d.Suspect = &s
		case !fault.Is(err, fault.NotFound):
			return err
		}
	}
	if d.Open && d.Mine {
		d.Kind = appealKind(d.Suspect)
	}
	return p.showAppeal(rw, r, http.StatusOK, d)
}

// prepared returns a campaign, and of one that is not for everybody yet what somebody who
// was told of it has to know.
func (p *airdropPages) prepared(r *http.Request, id string) (airdrop.Campaign, error) {
	c, err := p.service.Campaign(r.Context(), airdrop.CampaignQuery{ID: id})
	if !fault.Is(err, fault.NotFound) {
		return c, err
	}
	course, err := p.service.Course(r.Context(), airdrop.CourseQuery{ID: id})
	return airdrop.Campaign{ID: id, Name: "An airdrop in preparation", Phase: course.Phase}, err
}

// appealKind is the kind of what a wallet may send; "" while one waits, or too many were sent.
func appealKind(s *airdrop.Suspect) string {
	switch {
	case s == nil || s.State == airdrop.Paid && s.Appeals < airdrop.MaxAppeals:
		return airdrop.AReport
	case (s.State == airdrop.Flagged || s.State == airdrop.OutLeft) && s.Appeals < airdrop.MaxAppeals:
		return airdrop.AnAppeal
	}
	return ""
}

func (p *airdropPages) showAppeal(rw http.ResponseWriter, r *http.Request, status int, d appealData) error {
	return p.site.Show(rw, r, status, "airdrops/appeal", ui.Page{
		Title: d.Campaign.Name + ": appeals", Nav: "/airdrops", Data: d,
		Description: fmt.Sprintf("%s: whether a wallet is left out as one of many of one person, why, and how it appeals.", d.Campaign.Name),
	})
}

// prepareAppeal returns the document that the wallet signs.
func (p *airdropPages) prepareAppeal(rw http.ResponseWriter, r *http.Request) error {
	who := ui.ViewerOf(r)
	if !who.SignedIn {
		return fault.New(fault.Unauthenticated, "sign in with the wallet that appeals, then send it again")
	}
	if !ui.WantsJSON(r) {
		return fault.New(fault.Invalid, "an appeal is signed in your wallet, which needs JavaScript: turn it on for this site and send it again")
	}
	if err := r.ParseForm(); err != nil {
		return fault.Wrap(err, fault.Invalid, "the form arrived incomplete: send it again")
	}
	prepared, err := p.service.PrepareAppeal(r.Context(), airdrop.AppealDraft{
		ID: chi.URLParam(r, "id"), Wallet: who.Wallet, Kind: r.PostForm.Get("kind"),
		Text: strings.TrimSpace(strings.ReplaceAll(r.PostForm.Get("text"), "\r\n", "\n")), // browsers send line ends as CR LF
	})
	if err != nil {
		return err
	}
	return ui.WriteJSON(rw, prepared)
}

// publishAppeal stores what prepareAppeal answered, with the wallet's signature.
func (p *airdropPages) publishAppeal(rw http.ResponseWriter, r *http.Request) error {
	var signed airdrop.PreparedAppeal
	if err := json.NewDecoder(r.Body).Decode(&signed); err != nil {
		return fault.Wrap(err, fault.Invalid, "the signed appeal arrived incomplete: load the page again and send it once more")
	}
	if signed.Appeal.ID != chi.URLParam(r, "id") {
		return fault.New(fault.Invalid, "the signed appeal is of another campaign than this page: load the page again and send it once more")
	}
	s, err := p.service.Appeal(r.Context(), signed.Appeal)
	if err != nil {
		return err
	}
	p.site.Tell(rw, r, "It is with the operators, signed by your wallet. This page says what they decide, and why.")
	return ui.WriteJSON(rw, struct {
		Location string `json:"location"`
	}{p.site.At("/airdrops/", s.Campaign) + "/appeal?wallet=" + s.Wallet.String()})
}
