package web

import (
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"banyan/modules/reputation"
	"banyan/platform/attestation"
	"banyan/platform/fault"
	"banyan/platform/wallet"
	"banyan/web/ui"
)

// shownStatements is how many statements a wallet's page shows in each direction.
const shownStatements = 10

// mountStatements adds what people say of wallets: the forms on a wallet's page, and
// the pages that list all of it.
func (p *reputationPages) mountStatements(r chi.Router) {
	r.Get(walletPath+"/{wallet}/statements", p.site.Handle(p.statements))
	r.Get(walletPath+"/{wallet}/evidence", p.site.Handle(p.evidence))
	r.Get(walletPath+"/{wallet}/activity", p.site.Handle(p.activityOf))
	r.Post(walletPath+"/{wallet}/statements/prepare", p.site.Form(p.prepareStatement))
	r.Post(walletPath+"/{wallet}/statements", p.site.Form(p.publishStatement))
	r.Post(walletPath+"/{wallet}/statements/{uid}/prepare", p.site.Form(p.prepareRevocation))
	r.Post(walletPath+"/{wallet}/statements/{uid}/revoke", p.site.Form(p.revokeStatement))
}

// statementsOfWallet is the data of the template reputation/statements-part.
type statementsOfWallet struct {
	Wallet   wallet.Address
	Mine     bool                     // the viewer's own wallet
	Own      []reputation.Attestation // live ones of the viewer about it
	In, Out  []reputation.Attestation
	Missing  *ui.Missing
	Contexts []string // suggested
}

// statementsPart shows what is said of a wallet, and the forms to say something. said
// is one sentence about a wallet without a score, "" when nobody ever said anything.
func (p *reputationPages) statementsPart(r *http.Request, of wallet.Address) (html template.HTML, said string, err error) {
	ctx, who := r.Context(), ui.ViewerOf(r)
	d := statementsOfWallet{Wallet: of, Mine: who.SignedIn && who.Wallet == of, Contexts: []string{"trading", "code", "moderation"}}
	list := func(q reputation.AttestationsQuery, into *[]reputation.Attestation, wrong *error) func() {
		return func() {
			q.Limit = shownStatements
			page, err := p.service.Attestations(ctx, q)
			*into, *wrong = page.Attestations, err
		}
	}
	var inErr, outErr, ownErr error
	questions := []func(){
		list(reputation.AttestationsQuery{Subject: of}, &d.In, &inErr), list(reputation.AttestationsQuery{Attester: of}, &d.Out, &outErr),
	}
	if who.SignedIn && !d.Mine {
		questions = append(questions, list(reputation.AttestationsQuery{Attester: who.Wallet, Subject: of, State: reputation.Live}, &d.Own, &ownErr))
	}
	ui.Together(questions...)
	for _, err := range []error{inErr, outErr, ownErr} {
		if err != nil {
			d.Missing = ui.Part(ctx, err, "Reputation", "what wallets say of this one")
		}
	}
	html, err = p.site.HTML(r, "reputation/statements-part", d)
	return html, saidOf(d.In), err
}

// saidOf says what the statements about a wallet mean for its score.
func saidOf(in []reputation.Attestation) string {
	for _, a := range in {
		if a.Counts {
			return "What is said of it below counts from the next epoch on."
		}
	}
	if len(in) > 0 {
		return "What was said of it does not count any more: see below what became of it."
	}
	return ""
}

type statementsData struct {
	Wallet     wallet.Address
	Direction  string
	Statements []reputation.Attestation
	ui.Pager
}

func direction(r *http.Request) string {
	if r.URL.Query().Get("direction") == reputation.Out {
		return reputation.Out
	}
	return reputation.In
}

// statements lists everything that was said of a wallet or by it, whatever became of
// it.
func (p *reputationPages) statements(rw http.ResponseWriter, r *http.Request) error {
	of, err := ui.PathWallet(r)
	if err != nil {
		return err
	}
	d := statementsData{Wallet: of, Direction: direction(r)}
	q := reputation.AttestationsQuery{Subject: of, Cursor: r.URL.Query().Get("cursor")}
	if d.Direction == reputation.Out {
		q.Attester, q.Subject = of, wallet.Address{}
	}
	page, err := p.service.Attestations(r.Context(), q)
	if err != nil {
		return err
	}
	d.Statements, d.Pager = page.Attestations, ui.PagerOf(r, page.Next)
	return p.site.Show(rw, r, http.StatusOK, "reputation/statements", ui.Page{
		Title: "Statements about " + of.Short(), Nav: "/reputation", Data: d,
		Description: "Every signed statement about or by the wallet " + of.String() + ", and what became of it.",
	})
}

type evidenceData struct {
	Wallet     wallet.Address
	Direction  string
	Neighbours []reputation.Neighbour
	ui.Pager
}

// evidence lists the edges of a wallet that the next epoch is computed from.
func (p *reputationPages) evidence(rw http.ResponseWriter, r *http.Request) error {
	of, err := ui.PathWallet(r)
	if err != nil {
		return err
	}
	d := evidenceData{Wallet: of, Direction: direction(r)}
	page, err := p.service.Neighbours(r.Context(), reputation.NeighboursQuery{Wallet: of, Direction: d.Direction, Cursor: r.URL.Query().Get("cursor")})
	if err != nil {
		return err
	}
	d.Neighbours, d.Pager = page.Neighbours, ui.PagerOf(r, page.Next)
	return p.site.Show(rw, r, http.StatusOK, "reputation/evidence", ui.Page{
		Title: "Evidence about " + of.Short(), Nav: "/reputation", Data: d,
		Description: "The statements and imported edges that count for the wallet " + of.String() + ".",
	})
}

type activityData struct {
	Wallet   wallet.Address
	Activity reputation.ActivityPage
	ui.Pager
}

// activityOf lists what a wallet did in other modules, each with the event that
// reported it.
func (p *reputationPages) activityOf(rw http.ResponseWriter, r *http.Request) error {
	of, err := ui.PathWallet(r)
	if err != nil {
		return err
	}
	page, err := p.service.Activities(r.Context(), reputation.ActivitiesQuery{Wallet: of, Cursor: r.URL.Query().Get("cursor")})
	if err != nil {
		return err
	}
	return p.site.Show(rw, r, http.StatusOK, "reputation/activity", ui.Page{
		Title: "Activity of " + of.Short(), Nav: "/reputation", Data: activityData{of, page, ui.PagerOf(r, page.Next)},
		Description: "What the wallet " + of.String() + " did here, and what it counts.",
	})
}

// signedIn returns the viewer's wallet for what only a script sends.
func signedIn(r *http.Request) (wallet.Address, error) {
	who := ui.ViewerOf(r)
	if !who.SignedIn {
		return wallet.Address{}, fault.New(fault.Unauthenticated, "sign in with the wallet that makes the statement, then send it again")
	}
	if !ui.WantsJSON(r) {
		return wallet.Address{}, fault.New(fault.Invalid, "a statement is signed in your wallet, which needs JavaScript: turn it on for this site and send the form again")
	}
	return who.Wallet, nil
}

// chainOf is the chain that the page's wallet is on.
func chainOf(r *http.Request) uint64 {
	n, err := strconv.ParseUint(r.PostForm.Get("chain_id"), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// prepareStatement turns the form into the document that the wallet signs.
func (p *reputationPages) prepareStatement(rw http.ResponseWriter, r *http.Request) error {
	of, err := ui.PathWallet(r)
	if err != nil {
		return err
	}
	attester, err := signedIn(r)
	if err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return fault.Wrap(err, fault.Invalid, "the form arrived incomplete: load the page again and send it once more")
	}
	form := r.PostForm
	draft := reputation.StatementDraft{
		Attester: attester, Subject: of, Kind: form.Get("kind"), ChainID: chainOf(r),
		Note: strings.TrimSpace(strings.ReplaceAll(form.Get("note"), "\r\n", "\n")),
	}
	if draft.Kind == attestation.Trust {
		draft.Note, draft.Context = "", strings.TrimSpace(form.Get("context"))
		if draft.Level, err = strconv.Atoi(form.Get("level")); err != nil {
			return fault.New(fault.Invalid, "choose a level").With(fault.Field{Name: "Level", Message: "is a whole number from -10 to 10"})
		}
	}
	prepared, err := p.service.PrepareAttestation(r.Context(), draft)
	if err != nil {
		return err
	}
	return ui.WriteJSON(rw, prepared)
}

// publishStatement stores what prepareStatement answered, with the wallet's
// signature.
func (p *reputationPages) publishStatement(rw http.ResponseWriter, r *http.Request) error {
	of, err := ui.PathWallet(r)
	if err != nil {
		return err
	}
	var signed struct {
		Attestation attestation.Package `json:"attestation"`
	}
	if err := json.NewDecoder(r.Body).Decode(&signed); err != nil {
		return fault.Wrap(err, fault.Invalid, "the signed statement arrived incomplete: load the page again and send it once more")
	}
	if signed.Attestation.Sig.Message.Recipient != of {
		return fault.New(fault.Invalid, "the signed statement is about another wallet than this page: load the page again and send it once more")
	}
	if _, err := p.service.Attest(r.Context(), reputation.AttestationUpload{Package: signed.Attestation}); err != nil {
		return err
	}
	return p.backTo(rw, of)
}

// backTo tells the page's script to load the wallet's page again.
func (p *reputationPages) backTo(rw http.ResponseWriter, of wallet.Address) error {
	return ui.WriteJSON(rw, struct {
		Location string `json:"location"`
	}{p.site.At(walletPath, "/", of) + "#statements"})
}

// ownStatement reads the UID of the path; the viewer is its attester.
func ownStatement(r *http.Request) (reputation.AttestationQuery, error) {
	attester, err := signedIn(r)
	if err != nil {
		return reputation.AttestationQuery{}, err
	}
	q := reputation.AttestationQuery{Attester: attester}
	if err := q.UID.UnmarshalText([]byte(chi.URLParam(r, "uid"))); err != nil {
		return q, fault.Wrap(err, fault.NotFound, "this is not the UID of a statement: it is 0x and 64 hex digits")
	}
	return q, nil
}

// prepareRevocation makes the document that takes a statement of the viewer back.
func (p *reputationPages) prepareRevocation(rw http.ResponseWriter, r *http.Request) error {
	q, err := ownStatement(r)
	if err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return fault.Wrap(err, fault.Invalid, "the form arrived incomplete: load the page again and send it once more")
	}
	prepared, err := p.service.PrepareRevocation(r.Context(), reputation.RevocationDraft{Attester: q.Attester, UID: q.UID, ChainID: chainOf(r)})
	if err != nil {
		return err
	}
	return ui.WriteJSON(rw, prepared)
}

// revokeStatement takes a statement back with what prepareRevocation answered.
func (p *reputationPages) revokeStatement(rw http.ResponseWriter, r *http.Request) error {
	q, err := ownStatement(r)
	if err != nil {
		return err
	}
	var signed struct {
		Revocation reputation.SignedRevocation `json:"revocation"`
	}
	if err := json.NewDecoder(r.Body).Decode(&signed); err != nil {
		return fault.Wrap(err, fault.Invalid, "the signed document arrived incomplete: load the page again and send it once more")
	}
	signed.Revocation.Attester, signed.Revocation.UID = q.Attester, q.UID
	revoked, err := p.service.Revoke(r.Context(), signed.Revocation)
	if err != nil {
		return err
	}
	return p.backTo(rw, revoked.Subject)
}

// saidIn says what a statement says, in a few words.
func saidIn(a reputation.Attestation) string {
	switch a.Kind {
	case attestation.Trust:
		level := signedLevel(a.Level)
		switch {
		case a.Level == 0 && a.Context == "":
			return "neither trusts nor distrusts it"
		case a.Level == 0:
			return fmt.Sprintf("neither trusts nor distrusts it with %s", a.Context)
		case a.Level < 0 && a.Context == "":
			return fmt.Sprintf("distrusts it (%s)", level)
		case a.Level < 0:
			return fmt.Sprintf("distrusts it (%s) with %s", level, a.Context)
		case a.Context == "":
			return fmt.Sprintf("trusts it (%s)", level)
		}
		return fmt.Sprintf("trusts it (%s) with %s", level, a.Context)
	case attestation.Vouch:
		return "vouches for it"
	case attestation.Report:
		return "warns of it"
	}
	return "says something in a form that does not count"
}

func signedLevel(level int) string {
	if level > 0 {
		return "+" + strconv.Itoa(level)
	}
	return "−" + strconv.Itoa(-level)
}

// becameOf says what became of a statement.
func becameOf(a reputation.Attestation) string {
	switch a.State {
	case reputation.Revoked:
		return "taken back"
	case reputation.Replaced:
		return "replaced"
	case reputation.Expired:
		return "expired"
	}
	if a.Counts {
		return "counts"
	}
	return "shown only"
}

// kindOfEdge says where an edge comes from.
func kindOfEdge(kind string) string {
	switch kind {
	case attestation.Trust:
		return "signed trust"
	case attestation.Vouch:
		return "signed vouch"
	case attestation.Report:
		return "signed warning"
	}
	return "imported list"
}

// statementFunctions are what the templates of statements call.
func statementFunctions(into template.FuncMap) template.FuncMap {
	into["saidIn"], into["becameOf"], into["edge"] = saidIn, becameOf, kindOfEdge
	into["weigh"] = weightText
	return into
}

func weightText(w float64) string { return strconv.FormatFloat(w, 'g', -1, 64) }
