package web

import (
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"

	"banyan/modules/reputation"
	"banyan/platform/fault"
	"banyan/web/ui"
)

// operateImports adds the operator page of trust lists.
func (p *reputationPages) operateImports(r chi.Router) {
	show := p.showImports
	r.Get("/operator/imports", p.site.ForOperators(func(rw http.ResponseWriter, r *http.Request) error { return show(rw, r, http.StatusOK, nil) }))
	r.Get("/operator/imports/{import}/{version}", p.site.Handle(p.importChanges))
	r.Post("/operator/imports", p.site.Handle(p.site.Upload("/operator/imports", p.importList, show)))
	r.Post("/operator/imports/{import}/{version}/accept", p.site.Form(p.site.Operate("/operator/imports", p.acceptImport, show)))
	r.Post("/operator/imports/{import}/{version}/discard", p.site.Form(p.site.Operate("/operator/imports", p.discardImport, show)))
	r.Post("/operator/imports/{import}/remove", p.site.Form(p.site.Operate("/operator/imports", p.removeImport, show)))
}

// importsData is the data of the template reputation/imports.
type importsData struct {
	Outcome *ui.Outcome
	Imports []reputation.Import
}

func (p *reputationPages) showImports(rw http.ResponseWriter, r *http.Request, status int, done *ui.Outcome) error {
	list, err := p.service.Imports(r.Context(), reputation.ImportsQuery{})
	if err != nil {
		return err
	}
	return p.site.Show(rw, r, status, "reputation/imports", ui.Page{
		Title: "Trust lists", Nav: "/operator", Data: importsData{Outcome: done, Imports: list.Imports},
	})
}

// changesData is the data of the template reputation/changes.
type changesData struct {
	Import  string
	Version int64
	Changes []reputation.ImportChange
	ui.Pager
}

// importChanges shows how a version differs from the one before it.
func (p *reputationPages) importChanges(rw http.ResponseWriter, r *http.Request) error {
	if err := ui.OnlyOperators(r); err != nil {
		return err
	}
	q := importAction(r)
	page, err := p.service.ImportChanges(r.Context(), reputation.ImportChangesQuery{Import: q.Import, Version: q.Version, Cursor: r.URL.Query().Get("cursor")})
	if err != nil {
		return err
	}
	return p.site.Show(rw, r, http.StatusOK, "reputation/changes", ui.Page{
		Title: "Changes of " + q.Import, Nav: "/operator",
		Data: changesData{Import: q.Import, Version: q.Version, Changes: page.Changes, Pager: ui.PagerOf(r, page.Next)},
	})
}

// importAction reads the path; a version that is no number is none.
func importAction(r *http.Request) reputation.ImportAction {
	version, _ := strconv.ParseInt(chi.URLParam(r, "version"), 10, 64)
	return reputation.ImportAction{Import: chi.URLParam(r, "import"), Version: version}
}

// importList takes a list in, and holds it until its differences were seen.
func (p *reputationPages) importList(r *http.Request, u ui.Uploaded) (string, error) {
	made, err := p.service.ImportTrust(r.Context(), reputation.TrustUpload{
		Import: u.Fields["import"], Replace: u.Fields["mode"] == "replace", Hold: true, Body: u.File,
	})
	if err != nil {
		return "", err
	}
	return "Version " + ui.Number(made.Version) + " of " + made.Import + " was read, " + ui.Plural(made.Edges, "row", "rows") + passedOver(made) +
		", and waits: look at its changes, then let it count.", nil
}

func passedOver(made reputation.TrustImported) string {
	if made.PassedOver == "" {
		return ""
	}
	return " (" + made.PassedOver + ")"
}

func (p *reputationPages) acceptImport(_ http.ResponseWriter, r *http.Request) (string, error) {
	one, err := p.service.AcceptImport(r.Context(), importAction(r))
	if err != nil {
		return "", err
	}
	return "Version " + ui.Number(one.Version) + " of " + one.Name + " counts from the next epoch on, with " + ui.Plural(one.Edges, "edge", "edges") + ".", nil
}

func (p *reputationPages) discardImport(_ http.ResponseWriter, r *http.Request) (string, error) {
	q := importAction(r)
	if _, err := p.service.DiscardImport(r.Context(), q); err != nil {
		return "", err
	}
	return "Version " + ui.Number(q.Version) + " of " + q.Import + " was dropped; what counted before still does.", nil
}

func (p *reputationPages) removeImport(_ http.ResponseWriter, r *http.Request) (string, error) {
	name := chi.URLParam(r, "import")
	if err := r.ParseForm(); err != nil {
		return "", fault.Wrap(err, fault.Invalid, "the form arrived incomplete: load the page again and send it once more")
	}
	if r.PostForm.Get("sure") != name {
		return "", fault.New(fault.Invalid, "type the name of the list to remove it: "+name)
	}
	one, err := p.service.RemoveImport(r.Context(), reputation.ImportRemoval{Import: name})
	if err != nil {
		return "", err
	}
	return "The list " + one.Name + " and its " + ui.Plural(one.Edges, "edge", "edges") + " are gone from the next epoch on.", nil
}
