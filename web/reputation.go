package web

import (
	"context"
	"html/template"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"banyan/modules/reputation"
	"banyan/platform/fault"
	"banyan/platform/seam"
	"banyan/platform/site"
	"banyan/platform/wallet"
	"banyan/web/ui"
)

type reputationPages struct {
	site    *ui.Site
	service reputation.Service
}

// Reputation makes the pages of the module reputation.
func Reputation(route *seam.Route) Pages { return ReputationOf(reputation.NewClient(route)) }

// ReputationOf makes them over a service.
func ReputationOf(service reputation.Service) Pages {
	return func(site *ui.Site) Section {
		p := &reputationPages{site, service}
		return Section{
			Module: reputation.Name, Title: "Reputation", Folder: "reputation",
			Functions: statementFunctions(template.FuncMap{
				"activity": activityName, "component": componentName, "change": changeName, "cause": changeCause, "effect": effectName,
				"gauge": scoreGauge, "signedBar": signedBar, "largest": largestShare, "historyChart": historyChart, "neighbours": drawNeighbourhood,
				"thousandth": func(points float64) float64 { return points / reputation.MaxScore },
			}),
			Menu: ui.Entry{Path: "/reputation", Label: "Reputation"}, Order: 3,
			Intro: Intro{
				Text: "People say whom they trust. From a few known seeds that trust flows through the graph, and each score lists where it came from.",
				Link: "See who is trusted",
			},
			Mount: func(r chi.Router) {
				r.Get("/reputation", site.Hot(p.leaderboard))
				p.mountStatements(r)
				r.Get("/reputation/how", site.Hot(p.how))
				r.Get("/reputation/bound", site.Handle(p.bound))
				r.Get("/reputation/epochs/{number}", site.Handle(p.epoch))
			},
			Operate: p.operate, Home: p.home, How: p.howPart, Card: p.card, Work: p.work, Wallet: p.wallet, Steps: p.steps,
			OperatorPages: []ui.Entry{{Path: "/operator/seeds", Label: "Seeds"}, {Path: "/operator/imports", Label: "Trust lists"}, {Path: schedulePath, Label: "Schedule of epochs"}},
		}
	}
}

type leaderboardData struct {
	Board   reputation.Leaderboard
	Epoch   *reputation.Epoch
	Missing *ui.Missing
	Asked   string
	Wrong   string // with the address asked for, or with the page

	Contexts []reputation.ContextCount
	Context  string                       // that is shown; "" = the score itself
	In       []reputation.ContextStanding // of the context
	ui.Pager
}

// currentEpoch is nil when it is not known.
func (p *reputationPages) currentEpoch(ctx context.Context) (*reputation.Epoch, error) {
	epoch, err := p.service.CurrentEpoch(ctx, reputation.EpochQuery{})
	if err != nil {
		return nil, err
	}
	return &epoch, nil
}

func (p *reputationPages) leaderboard(rw http.ResponseWriter, r *http.Request) error {
	ctx, v := r.Context(), r.URL.Query()
	d := leaderboardData{Asked: strings.TrimSpace(v.Get("wallet"))}
	status := http.StatusOK
	if d.Asked != "" {
		written, err := wallet.Read(d.Asked, 0)
		if err == nil {
			p.site.GoTo(rw, r, "/wallets/", written.Address)
			return nil
		}
		d.Wrong, status = fault.From(err).Message, http.StatusBadRequest
	}
	var boardErr error
	next := ""
	d.Context = v.Get("context")
	ui.Together(func() {
		if d.Context != "" {
			var board reputation.ContextBoard
			board, boardErr = p.service.ContextBoard(ctx, reputation.ContextBoardQuery{Context: d.Context, Cursor: v.Get("cursor"), Limit: 50})
			d.In, next = board.Standings, board.Next
			return
		}
		d.Board, boardErr = p.service.Leaderboard(ctx, reputation.LeaderboardQuery{Cursor: v.Get("cursor"), Limit: 50})
		next = d.Board.Next
	}, func() {
		list, err := p.service.Contexts(ctx, reputation.ContextsQuery{})
		if err == nil { // the board says what is wrong with reputation
			d.Contexts = list.Contexts
		}
	}, func() {
		d.Epoch, _ = p.currentEpoch(ctx) // the board says what is wrong with reputation
	})
	if fault.Is(boardErr, fault.Invalid) {
		d.Wrong = ui.WrongField(boardErr)
	} else {
		d.Missing = ui.Part(ctx, boardErr, "Reputation", "scores and ranks")
	}
	if boardErr != nil {
		status = ui.StatusOf(boardErr)
	}
	d.Pager = ui.PagerOf(r, next)
	return p.site.Show(rw, r, status, "reputation/leaderboard", ui.Page{
		Title: "Reputation", Nav: "/reputation", Data: d,
		Description: "Wallets by the trust that flows to them, with the reasons for every score.",
	})
}

// steps say where trust begins and from whom it comes.
func (p *reputationPages) steps(r *http.Request) []Step {
	seeds := Step{
		Order: stepSeeds, Title: "Choose the seeds", Path: "/operator/seeds", Label: "Seeds",
		Text: "A few wallets of people whom you know. All trust begins with them; they count from the next epoch on.",
	}
	trust := Step{
		Order: stepTrust, Title: "Import a first list, or let people vouch", Path: "/operator/imports", Label: "Trust lists",
		Text:   "A list says who trusts whom. Without one, trust grows from what people sign on the pages of wallets.",
		Choice: &Choice{site.Vouching, "Let people vouch", "trust comes from what people sign"},
	}
	var seedsErr, listErr error
	ui.Together(func() {
		var found reputation.Seeds
		if found, seedsErr = p.service.Seeds(r.Context(), reputation.SeedsQuery{}); seedsErr == nil {
			count := 0
			for _, set := range found.Sets {
				count += len(set.Seeds)
			}
			if count > 0 {
				seeds.Done = ui.Plural(count, "seed", "seeds")
			}
		}
	}, func() {
		var found reputation.ImportList
		if found, listErr = p.service.Imports(r.Context(), reputation.ImportsQuery{}); listErr == nil && len(found.Imports) > 0 {
			trust.Done = ui.Plural(len(found.Imports), "list", "lists")
		}
	})
	seeds.Fault = ui.Part(r.Context(), seedsErr, "Reputation", "whether there are seeds")
	trust.Fault = ui.Part(r.Context(), listErr, "Reputation", "whether there is a list")
	return []Step{seeds, trust}
}

// home shows the wallets that are trusted most.
func (p *reputationPages) home(r *http.Request) HomePart {
	ctx := r.Context()
	var epoch *reputation.Epoch
	var board reputation.Leaderboard
	var epochErr, boardErr error
	ui.Together(func() {
		epoch, epochErr = p.currentEpoch(ctx)
	}, func() {
		board, boardErr = p.service.Leaderboard(ctx, reputation.LeaderboardQuery{Limit: homeRows})
	})
	if boardErr == nil && !fault.Is(epochErr, fault.NotFound) {
		boardErr = epochErr
	}
	scored := "–"
	if epoch != nil {
		scored = ui.Number(epoch.Ranked)
	}
	part := HomePart{
		Figures: []Figure{{"Wallets with a score", scored}},
		Missing: ui.Part(ctx, boardErr, "Reputation", "scores and ranks"),
		Empty:   len(board.Standings) == 0,
	}
	if part.Missing == nil {
		part.Column, part.Err = p.site.HTML(r, "reputation/home", board)
	}
	return part
}

func (p *reputationPages) operate(r chi.Router, show ui.ShowOutcome) {
	r.Post("/operator/trust", p.site.Handle(p.site.Upload("/operator", p.importTrust, show)))
	r.Post("/operator/epochs", p.site.Form(p.site.Operate("/operator", p.computeEpoch, show)))
	p.operateSeeds(r)
	p.operateImports(r)
	p.operateSchedule(r)
}

// reputationWork is the data of the template reputation/operator.
type reputationWork struct {
	Epoch   *reputation.Epoch // nil: none yet, or not known
	Missing *ui.Missing
}

func (p *reputationPages) work(r *http.Request) OperatorPart {
	var d reputationWork
	epoch, err := p.currentEpoch(r.Context())
	if d.Epoch = epoch; !fault.Is(err, fault.NotFound) {
		d.Missing = ui.Part(r.Context(), err, "Reputation", "the current epoch")
	}
	cards, err := p.site.HTML(r, "reputation/operator", d)
	return OperatorPart{Cards: cards, Missing: d.Missing, Err: err}
}

func (p *reputationPages) importTrust(r *http.Request, u ui.Uploaded) (string, error) {
	made, err := p.service.ImportTrust(r.Context(), reputation.TrustUpload{Body: u.File})
	if err != nil {
		return "", err
	}
	done := ui.Plural(made.Edges, "edge", "edges") + " between " + ui.Plural(made.Wallets, "wallet", "wallets") +
		" were imported. Compute an epoch to use them."
	if made.PassedOver != "" {
		done += " Of the list, " + made.PassedOver + "."
	}
	return done, nil
}

func (p *reputationPages) computeEpoch(_ http.ResponseWriter, r *http.Request) (string, error) {
	epoch, err := p.service.ComputeEpoch(r.Context(), reputation.EpochRequest{})
	if err != nil {
		return "", err
	}
	if epoch.Number == 0 {
		return "An epoch is being computed. The scores stay those of the last one until it is done.", nil
	}
	return "Epoch " + ui.Number(epoch.Number) + " is computed: " + ui.Plural(epoch.Ranked, "wallet has", "wallets have") + " a score.", nil
}

func activityName(kind string) string {
	if kind == "review.published" {
		return "Reviews published"
	}
	return strings.ToUpper(kind[:min(1, len(kind))]) + strings.NewReplacer(".", " ", "_", " ").Replace(kind[min(1, len(kind)):])
}

func componentName(c reputation.Component) string {
	switch c.Kind {
	case reputation.FromSeed:
		return "It is one of the seeds that trust begins with"
	case reputation.FromOthers:
		return ui.Plural(c.Count, "more rating", "more ratings")
	case reputation.FromDistrust:
		return "Distrusted by"
	case reputation.FromConduct:
		return "It rated against what the trusted say of"
	case reputation.FromDangling:
		return "Trust returned by wallets that trust nobody"
	}
	return "Trusted by"
}

// changeName says which reason changed, before the wallet that gave it.
func changeName(c reputation.Change) string {
	if c.From == nil {
		if c.Kind == reputation.FromSeed {
			return "what being a seed counts"
		}
		return "other ratings"
	}
	rating := map[string]string{reputation.FromDistrust: "distrust by", reputation.FromConduct: "its rating of"}[c.Kind]
	if rating == "" {
		rating = "trust by"
	}
	if c.What == reputation.ReasonNew {
		return "new: " + rating
	}
	return rating
}

// changeCause says what became of a reason, after the wallet that gave it.
func changeCause(c reputation.Change) string {
	if c.From == nil {
		return ""
	}
	switch c.Cause {
	case reputation.CauseExpired:
		return "expired"
	case reputation.CauseRevoked:
		return "was taken back"
	case reputation.CauseReplaced:
		return "was replaced by another statement"
	case reputation.CauseRemoved:
		return "is on no list any more"
	case reputation.CauseAuthor:
		return "counts differently, because its author has other trust now"
	case reputation.CauseOutvoted:
		return "is another part of the whole, because others say more or less"
	}
	return map[string]string{
		reputation.ReasonGone: "does not count any more", reputation.ReasonChanged: "was given again, with another weight or date", reputation.ReasonMoved: "counts differently",
	}[c.What]
}

// effectName says what would change a score, before the wallet whose doing it is.
func effectName(e reputation.Effect) string {
	switch e.What {
	case reputation.EffectVouch:
		return "a vouch by"
	case reputation.EffectRaise:
		return "the highest level of trust by"
	case reputation.EffectTakeBack:
		return "that distrust is taken back by"
	case reputation.EffectConduct:
		return "taking back its own rating of"
	}
	return "that the statement expires of"
}
