package web

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"banyan/platform/fault"
	"banyan/platform/rollout"
	"banyan/platform/seam"
)

// strangler is the page on which an operator lowers a module out of the trunk
// and takes it back. Reading order: strangler.go, strangler_figures.go (how
// endpoints are), strangler_view.go (what people see of it), strangler_picture.go
// and strangler_trail.go (drawings), strangler_difference.go.
type strangler struct {
	modules  rollout.Service // nil: this program leads nothing anywhere
	eventLag func(context.Context) (map[string]int64, error)
	trails   trails
}

const (
	modulesPath = "/operator/modules"
	auditShown  = 12 // changes below the modules, of all together
)

type stranglerData struct {
	Live     string // where the script asks for the fresh parts
	Without  bool   // the program has no route control
	Away     *missing
	Banyan   banyan
	Modules  []moduleView
	Audit    []auditLine
	Outcome  *outcome
	Draft    stepDraft // as it was typed, when it was refused
	NoEvents *missing
}

// stepDraft is the form of one module.
type stepDraft struct {
	Module, Why, URLs, Percent string
}

// moduleCard is a module with what its forms need.
type moduleCard struct {
	View  moduleView
	CSRF  string
	Draft stepDraft
}

// Card gives a module its forms; what was typed comes back to the one whose
// form was refused.
func (d stranglerData) Card(m moduleView, csrf string) moduleCard {
	c := moduleCard{View: m, CSRF: csrf}
	if d.Draft.Module == m.Name {
		c.Draft = d.Draft
	}
	return c
}

func (s *strangler) mount(w *Web, get, post func(string, handler)) {
	get(modulesPath, s.forOperators(w, s.page(w)))
	get(modulesPath+"/live", s.forOperators(w, s.live(w)))
	get(modulesPath+"/{name}", s.forOperators(w, func(rw http.ResponseWriter, r *http.Request) error {
		// After a form that was refused, loading the page again leads here.
		w.goTo(rw, r, modulesPath, "#", chi.URLParam(r, "name"))
		return nil
	}))
	get(modulesPath+"/{name}/audit", s.forOperators(w, s.audit(w)))
	get(modulesPath+"/{name}/differences/{operation}", s.forOperators(w, s.differences(w)))
	post(modulesPath+"/{name}", s.act(w, s.move))
	post(modulesPath+"/{name}/reset", s.act(w, s.reset))
}

// forOperators sends people without a session to sign in. The script that asks
// for the live parts cannot follow there: it gets a 401 and loads the page.
func (s *strangler) forOperators(w *Web, h handler) handler {
	return func(rw http.ResponseWriter, r *http.Request) error {
		if !viewerOf(r).SignedIn {
			if strings.HasSuffix(r.URL.Path, "/live") {
				return fault.New(fault.Unauthenticated, "the session has ended: sign in again")
			}
			w.goTo(rw, r, "/sign-in?next=", w.below(modulesPath))
			return nil
		}
		if err := onlyOperators(r); err != nil {
			return err
		}
		return h(rw, r)
	}
}

func (s *strangler) page(w *Web) handler {
	return func(rw http.ResponseWriter, r *http.Request) error {
		d := s.look(r.Context(), w)
		d.Outcome = d.moved(r.URL.Query().Get("moved"))
		return s.show(w, rw, r, http.StatusOK, d)
	}
}

func (s *strangler) show(w *Web, rw http.ResponseWriter, r *http.Request, status int, d stranglerData) error {
	return w.show(rw, r, status, "strangler", page{Title: "Modules", Nav: "operator", Data: d})
}

// live gives the content of the page as it is now. The script replaces the
// parts that have changed.
func (s *strangler) live(w *Web) handler {
	return func(rw http.ResponseWriter, r *http.Request) error {
		return w.fragment(rw, r, "strangler", "content", page{Data: s.look(r.Context(), w)})
	}
}

// look asks for everything that the page shows. What is not there is said on
// the page, which never fails as a whole.
func (s *strangler) look(ctx context.Context, w *Web) stranglerData {
	d := stranglerData{Live: w.at(modulesPath, "/live"), Without: s.modules == nil}
	if d.Without {
		return d
	}
	all, err := s.modules.List(ctx, rollout.ListQuery{})
	if err != nil {
		d.Away = part(ctx, err, "Route control", "where the modules run")
		return d
	}
	lag := map[string]int64{}
	var lagErr error
	d.Modules = make([]moduleView, len(all.Modules))
	audits, auditErrs := make([][]rollout.Entry, len(all.Modules)), make([]error, len(all.Modules))
	questions := []func(){func() {
		if s.eventLag != nil {
			lag, lagErr = s.eventLag(ctx)
		}
	}}
	for i, m := range all.Modules {
		questions = append(questions, func() {
			var found rollout.AuditPage
			found, auditErrs[i] = s.modules.Audit(ctx, rollout.AuditQuery{Name: m.Plan.Module, Limit: auditShown})
			audits[i] = found.Entries
		})
	}
	together(questions...)
	d.NoEvents = part(ctx, lagErr, "Events", "how many events wait")
	for i, m := range all.Modules {
		if auditErrs[i] != nil && d.Away == nil {
			d.Away = part(ctx, auditErrs[i], "Route control", "who changed what")
		}
		view := viewOf(m)
		if waiting, ok := lag[view.Name]; ok {
			view.Waiting = &waiting
		}
		s.trails.add(&view)
		d.Modules[i] = view
		for _, entry := range audits[i] {
			d.Audit = append(d.Audit, auditOf(view, entry))
		}
	}
	slices.SortStableFunc(d.Audit, func(a, b auditLine) int { return int(min(max(b.AtMS-a.AtMS, -1), 1)) })
	d.Audit = d.Audit[:min(auditShown, len(d.Audit))]
	d.Banyan = banyanOf(d.Modules)
	return d
}

// moved says after a step where its module is. The sentence is made of what is
// so now, whatever the address claims.
func (d *stranglerData) moved(name string) *outcome {
	for _, m := range d.Modules {
		if m.Name == name {
			return &outcome{Done: m.Title + ": " + placeWords(m.Plan) + "."}
		}
	}
	return nil
}

// act runs a form. What is refused is said above the page, which shows the
// present state, and what was typed stays in the form.
func (s *strangler) act(w *Web, action func(*http.Request) error) handler {
	return func(rw http.ResponseWriter, r *http.Request) error {
		if err := onlyOperators(r); err != nil {
			return err
		}
		name := chi.URLParam(r, "name")
		if s.modules == nil {
			return fault.New(fault.NotFound, "this program has no route control: its modules stay where config.yaml says")
		}
		err := action(r)
		if err == nil {
			w.goTo(rw, r, modulesPath, "?moved=", name)
			return nil
		}
		f := fault.From(err)
		if f.Code == fault.Internal || f.Code == fault.NotFound {
			return err
		}
		d := s.look(r.Context(), w)
		d.Outcome, d.Draft = &outcome{Fault: f}, draftStep(r)
		return s.show(w, rw, r, statusOf(err), d)
	}
}

func draftStep(r *http.Request) stepDraft {
	get := func(field string) string { return strings.TrimSpace(r.PostForm.Get(field)) }
	return stepDraft{Module: chi.URLParam(r, "name"), Why: get("why"), URLs: get("urls"), Percent: get("percent")}
}

// move makes the step that the pressed button names: "canary" with the percent
// of the form's field, or "canary:10".
func (s *strangler) move(r *http.Request) error {
	version, err := readStep(r)
	if err != nil {
		return err
	}
	draft := draftStep(r)
	mode, percent, given := strings.Cut(r.PostForm.Get("to"), ":")
	if !given {
		percent = draft.Percent
	}
	change := rollout.Change{Mode: seam.Mode(mode), Why: draft.Why, IfVersion: version, Anyway: anyway(r)}
	if change.Mode == seam.ModeShadow || change.Mode == seam.ModeCanary {
		if change.Percent, err = strconv.ParseFloat(strings.Replace(percent, ",", ".", 1), 64); err != nil {
			return fault.New(fault.Invalid, "the percentage is no number").With(fault.Field{Name: "percent", Message: "is from 0 to 100, like 10 or 2.5"})
		}
	}
	if change.Mode != seam.ModeLocal {
		change.URLs = strings.FieldsFunc(draft.URLs, func(c rune) bool { return strings.ContainsRune(", \t\r\n", c) })
	}
	_, err = s.modules.Set(r.Context(), rollout.SetRequest{Name: draft.Module, Change: change})
	return err
}

func (s *strangler) reset(r *http.Request) error {
	version, err := readStep(r)
	if err != nil {
		return err
	}
	_, err = s.modules.Reset(r.Context(), rollout.ResetRequest{Name: chi.URLParam(r, "name"), Why: draftStep(r).Why, IfVersion: version, Anyway: anyway(r)})
	return err
}

// anyway reports whether the operator ticked that the step is taken although it is
// not shown to be safe. It is asked anew each time, and no draft keeps it.
func anyway(r *http.Request) bool { return r.PostForm.Get("anyway") == "yes" }

// readStep reads the form, and gives the version of the plan that the operator
// saw. Without one nothing is changed: a step is always from somewhere.
func readStep(r *http.Request) (ifVersion *int64, err error) {
	if err := r.ParseForm(); err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "the form did not arrive whole: send it again")
	}
	version, err := strconv.ParseInt(r.PostForm.Get("version"), 10, 64)
	if err != nil {
		return nil, fault.New(fault.Invalid, "the form does not say which plan it was made for: load the page again")
	}
	return &version, nil
}

type auditData struct {
	Name, Title string
	Entries     []auditLine
	turns
}

// audit shows all changes of one module, a page at a time.
func (s *strangler) audit(w *Web) handler {
	return func(rw http.ResponseWriter, r *http.Request) error {
		if s.modules == nil {
			return fault.New(fault.NotFound, "this program has no route control, so nothing was changed")
		}
		name, cursor := chi.URLParam(r, "name"), r.URL.Query().Get("cursor")
		found, err := s.modules.Audit(r.Context(), rollout.AuditQuery{Name: name, Cursor: cursor})
		if err != nil {
			return err
		}
		m := moduleView{Name: name, Title: moduleTitle(name)}
		d := auditData{Name: name, Title: m.Title, turns: turnsOf(r, found.Next)}
		for _, entry := range found.Entries {
			d.Entries = append(d.Entries, auditOf(m, entry))
		}
		return w.show(rw, r, http.StatusOK, "strangler-audit", page{Title: "Changes of " + d.Title, Nav: "operator", Data: d})
	}
}

// operatorName is what people read of who made a change.
func operatorName(who string) string {
	if a, ok := strings.CutPrefix(who, "0x"); ok && len(a) == 40 {
		return "0x" + a[:4] + "…" + a[36:]
	}
	return who
}
