package web

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"banyan/modules/reputation"
	"banyan/platform/fault"
	"banyan/platform/wallet"
	"banyan/web/ui"
)

// operateSeeds adds the operator page of seeds.
func (p *reputationPages) operateSeeds(r chi.Router) {
	show := p.showSeeds
	r.Get("/operator/seeds", p.site.ForOperators(func(rw http.ResponseWriter, r *http.Request) error { return show(rw, r, http.StatusOK, nil) }))
	r.Post("/operator/seeds", p.site.Form(p.site.Operate("/operator/seeds", p.setSeeds, show)))
	r.Post("/operator/seeds/{set}/remove", p.site.Form(p.site.Operate("/operator/seeds", p.removeSeeds, show)))
}

// seedsData is the data of the template reputation/seeds.
type seedsData struct {
	Outcome *ui.Outcome
	Seeds   reputation.Seeds
	Changes []reputation.SeedChange
	Edited  seedForm
	ui.Pager
}

// seedForm is a set as it stands in the form.
type seedForm struct {
	Name, Reason, Lines string
	Version             int64
}

// showSeeds shows the page; a form that was refused keeps what was typed.
func (p *reputationPages) showSeeds(rw http.ResponseWriter, r *http.Request, status int, done *ui.Outcome) error {
	ctx := r.Context()
	d := seedsData{Outcome: done}
	var seedsErr, changesErr error
	ui.Together(func() {
		d.Seeds, seedsErr = p.service.Seeds(ctx, reputation.SeedsQuery{})
	}, func() {
		var page reputation.SeedChangePage
		page, changesErr = p.service.SeedChanges(ctx, reputation.SeedChangesQuery{Cursor: r.URL.Query().Get("cursor")})
		d.Changes, d.Pager = page.Changes, ui.PagerOf(r, page.Next)
	})
	if seedsErr != nil {
		return seedsErr
	}
	if changesErr != nil {
		return changesErr
	}
	switch {
	case done != nil && done.Fault != nil && r.PostForm.Has("seeds"):
		version, _ := strconv.ParseInt(r.PostForm.Get("version"), 10, 64) // 0 where it is not a number
		d.Edited = seedForm{Name: r.PostForm.Get("name"), Reason: r.PostForm.Get("reason"), Lines: r.PostForm.Get("seeds"), Version: version}
	default:
		d.Edited = formOf(d.Seeds, r.URL.Query().Get("edit"))
	}
	return p.site.Show(rw, r, status, "reputation/seeds", ui.Page{Title: "Seeds", Nav: "/operator", Data: d})
}

// formOf fills the form with a set.
func formOf(all reputation.Seeds, name string) seedForm {
	for _, set := range all.Sets {
		if set.Name != name || name == reputation.SettingsSet {
			continue
		}
		var lines strings.Builder
		for _, s := range set.Seeds {
			fmt.Fprintf(&lines, "%s,%s", s.Wallet, strconv.FormatFloat(s.Weight, 'g', -1, 64))
			if s.Reason != "" {
				fmt.Fprintf(&lines, ",%s", s.Reason)
			}
			lines.WriteByte('\n')
		}
		return seedForm{Name: set.Name, Lines: lines.String(), Version: set.Version}
	}
	return seedForm{}
}

func (p *reputationPages) setSeeds(_ http.ResponseWriter, r *http.Request) (string, error) {
	if err := r.ParseForm(); err != nil {
		return "", fault.Wrap(err, fault.Invalid, "the form arrived incomplete: load the page again and send it once more")
	}
	version, _ := strconv.ParseInt(r.PostForm.Get("version"), 10, 64) // 0 = whatever it is
	draft := reputation.SeedSetDraft{
		Name: strings.TrimSpace(r.PostForm.Get("name")), Reason: strings.TrimSpace(r.PostForm.Get("reason")), Version: version,
	}
	var err error
	if draft.Seeds, err = readSeeds(r.PostForm.Get("seeds")); err != nil {
		return "", err
	}
	set, err := p.service.SetSeeds(r.Context(), draft)
	if err != nil {
		return "", err
	}
	return "The set " + set.Name + " has " + ui.Plural(len(set.Seeds), "seed", "seeds") + " from the next epoch on.", nil
}

// readSeeds reads a line for each seed: wallet[,weight[,reason]].
func readSeeds(text string) ([]reputation.Seed, error) {
	var seeds []reputation.Seed
	var wrong []fault.Field
	for i, line := range strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		cells := strings.SplitN(line, ",", 3)
		address, err := wallet.Parse(strings.TrimSpace(cells[0]))
		seed := reputation.Seed{Wallet: address}
		if err != nil {
			wrong = append(wrong, fault.Field{Line: i + 1, Message: fault.From(err).Message})
		}
		if len(cells) > 1 && strings.TrimSpace(cells[1]) != "" {
			if seed.Weight, err = strconv.ParseFloat(strings.TrimSpace(cells[1]), 64); err != nil || !(seed.Weight > 0) {
				wrong = append(wrong, fault.Field{Line: i + 1, Message: "the weight must be a number above 0"})
			}
		}
		if len(cells) > 2 {
			seed.Reason = strings.TrimSpace(cells[2])
		}
		seeds = append(seeds, seed)
	}
	if len(wrong) > 0 {
		return nil, fault.New(fault.Invalid, "some lines are wrong, so nothing was changed: a line is wallet,weight,reason").With(wrong...)
	}
	return seeds, nil
}

func (p *reputationPages) removeSeeds(_ http.ResponseWriter, r *http.Request) (string, error) {
	if err := r.ParseForm(); err != nil {
		return "", fault.Wrap(err, fault.Invalid, "the form arrived incomplete: load the page again and send it once more")
	}
	set, err := p.service.RemoveSeeds(r.Context(), reputation.SeedSetRemoval{Name: chi.URLParam(r, "set"), Reason: strings.TrimSpace(r.PostForm.Get("reason"))})
	if err != nil {
		return "", err
	}
	return "The set " + set.Name + " is gone from the next epoch on.", nil
}
