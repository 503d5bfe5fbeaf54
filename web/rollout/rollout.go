// Package rollout is the page on which an operator moves a module out of this
// process into a service of its own and back, with the pages of its changes and
// of the differences that were found.
//
// Reading order: rollout.go, figures.go (what a route reports), view.go (what
// people see of it), news.go and question.go (what they are told and asked),
// picture.go and history.go (drawings), day.go and daychart.go (the last 24 hours),
// differences.go.
package rollout

import (
	"context"
	"embed"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/platform/fault"
	"banyan/platform/rollout"
	"banyan/platform/seam"
	"banyan/web/ui"
)

// Pages show an operator where the modules run, and move a module out into a
// service of its own and back.
type Pages struct {
	site    *ui.Site
	o       Options
	now     func() time.Time
	history history
	day     day
	since   firstSeen
}

// Options are what the pages stand on.
type Options struct {
	Modules  rollout.Service                                 // nil: this program moves no module; the page says so
	Routes   func() []seam.Status                            // of this process, for the last 24 hours; nil: not shown
	EventLag func(context.Context) (map[string]int64, error) // events that wait, by module; nil: not shown
	Title    func(module string) string                      // of a module, for people
}

//go:embed static templates
var embedded embed.FS

// New adds the pages' templates and files to a site.
func New(site *ui.Site, o Options) (*Pages, error) {
	static, err := fs.Sub(embedded, "static")
	if err != nil {
		return nil, err
	}
	if err := site.AddFiles(static); err != nil {
		return nil, err
	}
	templates, err := fs.Sub(embedded, "templates")
	if err != nil {
		return nil, err
	}
	return &Pages{site: site, o: o, now: time.Now}, site.Add("rollout", templates, nil)
}

const (
	modulesPath = "/operator/modules"
	auditShown  = 12 // changes below the modules, of all together
)

type modulesData struct {
	Without  bool // the program has no route control
	Missing  *ui.Missing
	Banyan   banyan
	Modules  []moduleView
	Audit    []auditLine
	Outcome  *ui.Outcome // of the step of the module At, or of the page when there is none of it
	At       string
	AtMS     int64     // when it was done
	Question *question // asked of the module At
	Draft    stepDraft // as it was typed, when it was refused
	NoEvents *ui.Missing
}

// stepDraft is the form of one module.
type stepDraft struct {
	Module, Why, URLs, Percent string
}

// moduleCard is a module with what its forms need.
type moduleCard struct {
	View     moduleView
	CSRF     string
	Draft    stepDraft
	Outcome  *ui.Outcome
	AtMS     int64
	Question *question
}

// Card returns a module with its forms; what came of one, and what was typed, comes
// back to the module whose form it was.
func (d modulesData) Card(m moduleView, csrf string) moduleCard {
	c := moduleCard{View: m, CSRF: csrf}
	if d.Draft.Module == m.Name {
		c.Draft = d.Draft
	}
	if d.At == m.Name {
		c.Outcome, c.AtMS, c.Question = d.Outcome, d.AtMS, d.Question
	}
	return c
}

// OfNone is the outcome that no module on the page has.
func (d modulesData) OfNone() *ui.Outcome {
	if slices.ContainsFunc(d.Modules, func(m moduleView) bool { return m.Name == d.At }) {
		return nil
	}
	return d.Outcome
}

// Mount adds the pages to the router of operators' pages.
func (p *Pages) Mount(r chi.Router) {
	get := func(path string, h ui.Handler) { r.Get(path, p.site.Handle(p.forOperators(h))) }
	post := func(path string, action func(*http.Request) error) { r.Post(path, p.site.Form(p.act(action))) }

	get(modulesPath, p.modules)
	get(modulesPath+"/live", p.live)
	get(modulesPath+"/{name}", func(rw http.ResponseWriter, r *http.Request) error {
		// After a form that was refused, loading the page again leads here.
		p.site.GoTo(rw, r, modulesPath, "#", chi.URLParam(r, "name"))
		return nil
	})
	get(modulesPath+"/{name}/audit", p.audit)
	get(modulesPath+"/{name}/differences/{operation}", p.differences)
	r.Post(modulesPath+"/dismiss", p.site.Form(p.dismiss))
	post(modulesPath+"/{name}", p.move)
	post(modulesPath+"/{name}/reset", p.reset)
	r.Post(modulesPath+"/{name}/cancel-move", p.site.Form(p.cancelMove))
}

// forOperators sends people without a session to sign in. The script that asks
// for the live parts cannot follow there: it gets a 401 and loads the page.
func (p *Pages) forOperators(h ui.Handler) ui.Handler {
	page := p.site.OfOperators(h)
	return func(rw http.ResponseWriter, r *http.Request) error {
		if !ui.ViewerOf(r).SignedIn && strings.HasSuffix(r.URL.Path, "/live") {
			return fault.New(fault.Unauthenticated, "the session has ended: sign in again")
		}
		return page(rw, r)
	}
}

func (p *Pages) modules(rw http.ResponseWriter, r *http.Request) error {
	d := p.load(r)
	d.moved(r.URL.Query().Get("moved"))
	return p.show(rw, r, http.StatusOK, d)
}

func (p *Pages) show(rw http.ResponseWriter, r *http.Request, status int, d modulesData) error {
	return p.site.Show(rw, r, status, "rollout/modules", ui.Page{Title: "Modules", Nav: "/operator", Data: d})
}

// live returns the content of the page as it is now. The script replaces the
// parts that have changed.
func (p *Pages) live(rw http.ResponseWriter, r *http.Request) error {
	return p.site.Fragment(rw, r, "rollout/modules", "content", ui.Page{Of: modulesPath, Data: p.load(r)})
}

// load asks for everything that the page shows. What is not there is said on
// the page, which never fails as a whole.
func (p *Pages) load(r *http.Request) modulesData {
	ctx, d := r.Context(), modulesData{Without: p.o.Modules == nil}
	if d.Without {
		return d
	}
	all, err := p.o.Modules.List(ctx, rollout.ListQuery{})
	if err != nil {
		d.Missing = ui.Part(ctx, err, "Rollout", "where the modules run")
		return d
	}
	lag := map[string]int64{}
	var lagErr error
	d.Modules = make([]moduleView, len(all.Modules))
	audits, auditErrs := make([][]rollout.Entry, len(all.Modules)), make([]error, len(all.Modules))
	questions := []func(){func() {
		if p.o.EventLag != nil {
			lag, lagErr = p.o.EventLag(ctx)
		}
	}}
	for i, m := range all.Modules {
		questions = append(questions, func() {
			var found rollout.AuditPage
			found, auditErrs[i] = p.o.Modules.Audit(ctx, rollout.AuditQuery{Name: m.Plan.Module, Limit: auditShown})
			audits[i] = found.Entries
		})
	}
	ui.Together(questions...)
	d.NoEvents = ui.Part(ctx, lagErr, "Events", "how many events are waiting")
	for i, m := range all.Modules {
		if auditErrs[i] != nil && d.Missing == nil {
			d.Missing = ui.Part(ctx, auditErrs[i], "Rollout", "who changed what")
		}
		view := viewOf(m, p.o.Title(m.Plan.Module))
		if waiting, ok := lag[view.Name]; ok {
			view.Waiting = &waiting
		}
		p.history.add(&view)
		steps := stepsOf(view, audits[i])
		view.News = withoutDismissed(newsOf(&view, m, &p.since, p.now()), r)
		view.Day = dayOf(view.Title, p.day.of(view.Name, p.now()), steps, p.now())
		d.Modules[i] = view
		d.Audit = append(d.Audit, steps...)
	}
	slices.SortStableFunc(d.Audit, func(a, b auditLine) int { return int(min(max(b.AtMS-a.AtMS, -1), 1)) })
	d.Audit = d.Audit[:min(auditShown, len(d.Audit))]
	d.Banyan = banyanOf(d.Modules)
	return d
}

// moved says after a step where its module is. The sentence is made of what is
// so now, whatever the address claims.
func (d *modulesData) moved(name string) {
	for _, m := range d.Modules {
		if m.Name == name {
			d.At, d.AtMS, d.Outcome = name, m.ChangedMS, &ui.Outcome{Done: m.Title + ": " + placeWords(m.Plan) + "."}
		}
	}
}

// act runs a form. A refusal is shown above the page, which shows the
// present state, and what was typed stays in the form.
func (p *Pages) act(action func(*http.Request) error) ui.Handler {
	return func(rw http.ResponseWriter, r *http.Request) error {
		if err := ui.OnlyOperators(r); err != nil {
			return err
		}
		name := chi.URLParam(r, "name")
		if p.o.Modules == nil {
			return fault.New(fault.NotFound, "this program moves no modules: each stays where the settings say; change them and restart")
		}
		err := action(r)
		if err == nil {
			p.site.GoTo(rw, r, modulesPath, "?moved=", name, "#", name)
			return nil
		}
		f := fault.From(err)
		if f.Code == fault.Internal || f.Code == fault.NotFound {
			return err
		}
		d := p.load(r)
		d.At, d.AtMS, d.Draft = name, p.now().UnixMilli(), draftStep(r)
		if d.Question = asked(r, f, &d); d.Question == nil {
			d.Outcome = &ui.Outcome{Fault: f}
		}
		return p.show(rw, r, ui.StatusOf(err), d)
	}
}

func draftStep(r *http.Request) stepDraft {
	get := func(field string) string { return strings.TrimSpace(r.PostForm.Get(field)) }
	return stepDraft{Module: chi.URLParam(r, "name"), Why: get("why"), URLs: get("urls"), Percent: get("percent")}
}

// move makes the step that the pressed button names: "canary" with the percent
// of the form's field, or "canary:10".
func (p *Pages) move(r *http.Request) error {
	version, err := readStep(r)
	if err != nil {
		return err
	}
	draft := draftStep(r)
	mode, percent := cutStep(r.PostForm.Get("to"), draft.Percent)
	change := rollout.Change{Mode: seam.Mode(mode), Why: draft.Why, IfVersion: version, Anyway: anyway(r)}
	if change.Mode == seam.ModeShadow || change.Mode == seam.ModeCanary {
		if change.Percent, err = strconv.ParseFloat(strings.Replace(percent, ",", ".", 1), 64); err != nil {
			return fault.New(fault.Invalid, "the percentage is not a number").With(fault.Field{Name: "percent", Message: "is from 0 to 100, like 10 or 2.5"})
		}
	}
	if change.Mode != seam.ModeLocal {
		change.URLs = strings.FieldsFunc(draft.URLs, func(c rune) bool { return strings.ContainsRune(", \t\r\n", c) })
	}
	_, err = p.o.Modules.Set(r.Context(), rollout.SetRequest{Name: draft.Module, Change: change})
	return err
}

// cutStep reads what a button says: "canary", with the percent of the form's field,
// or "canary:10".
func cutStep(to, field string) (mode, percent string) {
	mode, percent, given := strings.Cut(to, ":")
	if !given {
		percent = field
	}
	return mode, percent
}

func (p *Pages) reset(r *http.Request) error {
	version, err := readStep(r)
	if err != nil {
		return err
	}
	_, err = p.o.Modules.Reset(r.Context(), rollout.ResetRequest{Name: chi.URLParam(r, "name"), Why: draftStep(r).Why, IfVersion: version, Anyway: anyway(r)})
	return err
}

// cancelMove ends the move of a module's data, with the data where it was.
func (p *Pages) cancelMove(rw http.ResponseWriter, r *http.Request) error {
	if err := ui.OnlyOperators(r); err != nil {
		return err
	}
	name := chi.URLParam(r, "name")
	if p.o.Modules == nil {
		return fault.New(fault.NotFound, "this program moves no modules")
	}
	if _, err := p.o.Modules.CancelMove(r.Context(), rollout.MoveCancellation{Name: name}); err != nil {
		return err
	}
	p.site.GoTo(rw, r, modulesPath, "#", name)
	return nil
}

// anyway reports whether the operator has answered the question, and takes the step
// although it is not shown to be safe. It is asked each time, and no draft keeps it.
func anyway(r *http.Request) bool { return r.PostForm.Get("anyway") == "yes" }

// readStep reads the form, and returns the version of the plan that the operator
// saw. Without one nothing is changed: a step is always from somewhere.
func readStep(r *http.Request) (ifVersion *int64, err error) {
	if err := r.ParseForm(); err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "the form arrived incomplete: send it again")
	}
	version, err := strconv.ParseInt(r.PostForm.Get("version"), 10, 64)
	if err != nil {
		return nil, fault.New(fault.Invalid, "the form does not name the version of the plan that it was made for: load the page again")
	}
	return &version, nil
}

type auditData struct {
	Name, Title string
	Entries     []auditLine
	ui.Pager
}

// audit shows all changes of one module, a page at a time.
func (p *Pages) audit(rw http.ResponseWriter, r *http.Request) error {
	if p.o.Modules == nil {
		return fault.New(fault.NotFound, "this program moves no modules, so there are no changes")
	}
	name, cursor := chi.URLParam(r, "name"), r.URL.Query().Get("cursor")
	found, err := p.o.Modules.Audit(r.Context(), rollout.AuditQuery{Name: name, Cursor: cursor})
	if err != nil {
		return err
	}
	m := moduleView{Name: name, Title: p.o.Title(name)}
	d := auditData{Name: name, Title: m.Title, Pager: ui.PagerOf(r, found.Next)}
	for _, entry := range found.Entries {
		d.Entries = append(d.Entries, auditOf(m, entry))
	}
	return p.site.Show(rw, r, http.StatusOK, "rollout/audit", ui.Page{Title: "Changes of " + d.Title, Nav: "/operator", Data: d})
}

// operatorName is what people read of who made a change.
func operatorName(who string) string {
	if a, ok := strings.CutPrefix(who, "0x"); ok && len(a) == 40 {
		return "0x" + a[:4] + "…" + a[36:]
	}
	return who
}
