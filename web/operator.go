package web

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"banyan/modules/airdrop"
	"banyan/modules/reputation"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/merkle"
	"banyan/platform/seam"
	"banyan/platform/seam/analysis"
)

// outcome is what came of an operator's action, shown on the page it was
// started from.
type outcome struct {
	Done  string       // a sentence; "" when it failed
	Fault *fault.Fault // with the lines that were wrong
}

type operatorData struct {
	Routes     []routeLine
	Databases  []databaseLine
	Epoch      *reputation.Epoch
	Reputation *missing
	Campaigns  []airdrop.Campaign
	Airdrop    *missing
	Outcome    *outcome
	Formats    []merkle.Format
	Draft      airdrop.CampaignDraft // as it was typed, when it was refused
}

// routeLine sums up a module's route: where calls go, how many, how they went.
type routeLine struct {
	seam.Status
	Calls, Failures, Refusals uint64
	Busiest                   side // the operation with the most calls: its p50 and p99 stand for the module
	Sides                     []side
}

// side is one operation on one side of the seam.
type side struct {
	Operation string
	Remote    bool
	analysis.SideStats
}

func routeLines(statuses []seam.Status) []routeLine {
	lines := make([]routeLine, 0, len(statuses))
	for _, s := range statuses {
		line := routeLine{Status: s}
		for _, op := range s.Operations {
			for _, one := range []side{{op.Operation, false, op.Local}, {op.Operation, true, op.Remote}} {
				if one.Calls == 0 {
					continue
				}
				line.Calls += one.Calls
				line.Failures += one.Failures
				line.Refusals += one.Refusals
				line.Sides = append(line.Sides, one)
				if one.Calls > line.Busiest.Calls {
					line.Busiest = one
				}
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// databaseLine is a database with the figures that are made of two.
type databaseLine struct {
	database.Stats
	SQLite   bool    // it has a writer and a write-ahead log
	PerGroup float64 // committed writes in a transaction, on average; 0 = there was none
}

func databaseLines(all []database.Stats) []databaseLine {
	lines := make([]databaseLine, len(all))
	for i, s := range all {
		lines[i] = databaseLine{Stats: s, SQLite: s.Dialect == database.SQLite}
		if s.Groups > 0 {
			lines[i].PerGroup = float64(s.Written) / float64(s.Groups)
		}
	}
	return lines
}

func (w *Web) operator(rw http.ResponseWriter, r *http.Request) error {
	who := viewerOf(r)
	if !who.SignedIn {
		w.goTo(rw, r, "/sign-in?next=", w.below("/operator"))
		return nil
	}
	if err := onlyOperators(r); err != nil {
		return err
	}
	return w.showOperator(rw, r, http.StatusOK, nil, airdrop.CampaignDraft{Decimals: 18})
}

func onlyOperators(r *http.Request) error {
	if identity.From(r.Context()).Role >= identity.Operator {
		return nil
	}
	return fault.New(fault.Forbidden, "this page is for operators: ask one of them to give your wallet the role")
}

func (w *Web) showOperator(rw http.ResponseWriter, r *http.Request, status int, done *outcome, draft airdrop.CampaignDraft) error {
	ctx := r.Context()
	d := operatorData{Outcome: done, Draft: draft, Formats: merkle.Formats()}
	var epochErr, campaignsErr error
	together(func() {
		d.Epoch, epochErr = w.currentEpoch(ctx)
	}, func() {
		var all airdrop.CampaignPage
		all, campaignsErr = w.o.Airdrop.Campaigns(ctx, airdrop.CampaignsQuery{Limit: 20})
		d.Campaigns = all.Campaigns
	})
	if !fault.Is(epochErr, fault.NotFound) {
		d.Reputation = part(ctx, epochErr, "Reputation", "the current epoch")
	}
	d.Airdrop = part(ctx, campaignsErr, "Airdrops", "the campaigns")
	d.Routes = routeLines(w.o.Routes())
	if w.o.Databases != nil {
		d.Databases = databaseLines(w.o.Databases())
	}
	return w.show(rw, r, status, "operator", page{Title: "Operator", Nav: "operator", Data: d})
}

// operate runs an operator's action and shows what came of it: the action
// redirects when there is a page to see, and otherwise says what it did.
func (w *Web) operate(action func(http.ResponseWriter, *http.Request) (done string, err error)) handler {
	return func(rw http.ResponseWriter, r *http.Request) error {
		if err := onlyOperators(r); err != nil {
			return err
		}
		done, err := action(rw, r)
		return w.outcome(rw, r, done, err)
	}
}

// outcome answers an action. An empty sentence without an error means that the
// action has answered already.
func (w *Web) outcome(rw http.ResponseWriter, r *http.Request, done string, err error) error {
	if done == "" && err == nil {
		return nil
	}
	result, status := &outcome{Done: done}, http.StatusOK
	if err != nil {
		result.Fault, status = fault.From(err), statusOf(err)
		if result.Fault.Code == fault.Internal {
			return err // its page has the request's id
		}
	}
	if id := chi.URLParam(r, "id"); id != "" {
		return w.showCampaign(rw, r, id, status, result)
	}
	return w.showOperator(rw, r, status, result, draftOf(r))
}

func (w *Web) computeEpoch(_ http.ResponseWriter, r *http.Request) (string, error) {
	epoch, err := w.o.Reputation.ComputeEpoch(r.Context(), reputation.EpochRequest{})
	if err != nil {
		return "", err
	}
	return "Epoch " + number(epoch.Number) + " is computed: " + plural(epoch.Wallets, "wallet has", "wallets have") + " a score.", nil
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
		Format:      merkle.Format(r.PostForm.Get("format")),
		Symbol:      strings.TrimSpace(r.PostForm.Get("symbol")),
		Decimals:    decimals,
	}
}

func (w *Web) createCampaign(rw http.ResponseWriter, r *http.Request) (string, error) {
	if err := r.ParseForm(); err != nil {
		return "", fault.Wrap(err, fault.Invalid, "the form did not arrive whole: send it again")
	}
	c, err := w.o.Airdrop.CreateCampaign(r.Context(), draftOf(r))
	if err != nil {
		return "", err
	}
	w.goTo(rw, r, "/airdrops/", c.ID)
	return "", nil
}

func (w *Web) buildTree(_ http.ResponseWriter, r *http.Request) (string, error) {
	c, err := w.o.Airdrop.BuildTree(r.Context(), airdrop.BuildRequest{ID: chi.URLParam(r, "id")})
	if err != nil {
		return "", err
	}
	return "The tree is built over " + plural(c.Count, "wallet", "wallets") + ". Its root is final: publish it where people can compare it.", nil
}
