package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"banyan/platform/config"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/loopback"
	"banyan/platform/site"
	"banyan/web/ui"
)

// Step is one step of the first set-up.
type Step struct {
	Order  int // place in the list, the lowest first
	Title  string
	Text   string // what it is for
	Done   string // what is there already, in a few words; "" = the step is open
	Path   string // where it is taken
	Label  string // of the link there
	Choice *Choice
	Fault  *ui.Missing // it is not known whether it was taken
}

// Choice is another way to take a step: a decision instead of something to do.
type Choice struct {
	Decision site.Decision
	Label    string // of the button
	Taken    string // what it means that it was taken
}

// steps are those of the site itself; modules add theirs.
const (
	stepName      = 10
	stepDirectory = 20
	stepSeeds     = 30
	stepTrust     = 40
	stepCampaign  = 50
	stepBackup    = 60
	stepDatabase  = 70
)

// Site is what the pages need of site.Site.
type Site interface {
	Profile(ctx context.Context) site.Profile
	SetProfile(ctx context.Context, name, description string) error
	Decided(ctx context.Context, d site.Decision) string
	Decide(ctx context.Context, d site.Decision, value string) error
}

type checklistData struct {
	Outcome *ui.Outcome
	Profile site.Profile
	Typed   bool // Profile is what was refused
	Address string
	Local   bool // the address is for this machine only
	Steps   []Step
	Open    int
}

func (w *Web) checklist(rw http.ResponseWriter, r *http.Request) error {
	return w.showChecklist(rw, r, http.StatusOK, nil)
}

func (w *Web) showChecklist(rw http.ResponseWriter, r *http.Request, status int, done *ui.Outcome) error {
	ctx := r.Context()
	d := checklistData{Outcome: done, Profile: w.o.Site.Profile(ctx), Address: w.o.PublicURL}
	if done != nil && done.Fault != nil && r.PostForm.Has("name") {
		d.Profile, d.Typed = site.Profile{Name: r.PostForm.Get("name"), Description: r.PostForm.Get("description")}, true
	}
	if u, err := url.Parse(w.o.PublicURL); err == nil {
		d.Local = loopback.Host(u.Hostname())
	}
	d.Steps = w.steps(r)
	for i, s := range d.Steps {
		if s.Choice != nil && s.Done == "" && w.o.Site.Decided(ctx, s.Choice.Decision) != "" {
			d.Steps[i].Done = s.Choice.Taken
		}
		if d.Steps[i].Done == "" {
			d.Open++
		}
	}
	return w.ui.Show(rw, r, status, "site/checklist", ui.Page{Title: "Set up", Nav: "/operator", Data: d})
}

// steps asks everybody who has steps to take.
func (w *Web) steps(r *http.Request) []Step {
	steps := w.ownSteps(r)
	found := make([][]Step, len(w.sections))
	var questions []func()
	for i, s := range w.sections {
		if s.Steps != nil {
			questions = append(questions, func() { found[i] = s.Steps(r) })
		}
	}
	ui.Together(questions...)
	for _, more := range found {
		steps = append(steps, more...)
	}
	slices.SortStableFunc(steps, func(a, b Step) int { return a.Order - b.Order })
	return steps
}

func (w *Web) ownSteps(r *http.Request) []Step {
	ctx := r.Context()
	name := Step{Order: stepName, Title: "Name the site", Text: "People see the name on every page, in feeds and when they share a link.", Path: "#profile", Label: "Name it below"}
	if p := w.o.Site.Profile(ctx); p.Named {
		name.Done = p.Name
	}
	steps := []Step{name}
	if w.o.Backups != nil {
		s := Step{Order: stepBackup, Title: "Make a backup", Text: "One file with all databases, made while the site runs and read back whole.", Path: "/operator/backups", Label: "Backups"}
		status, err := w.o.Backups.Status(ctx)
		s.Fault = ui.Part(ctx, err, "Backups", "whether there is a backup")
		if len(status.Files) > 0 {
			s.Done = "the last is of " + status.Files[0].Made.UTC().Format("2 Jan 2006, 15:04 UTC")
		}
		steps = append(steps, s)
	}
	if w.o.TryDatabase != nil {
		s := Step{
			Order: stepDatabase, Title: "Try PostgreSQL, if you mean to grow", Path: "/operator/postgresql", Label: "Try a connection",
			Text:   "SQLite serves one machine well. For replicas, or modules on several machines, the data moves to PostgreSQL: try early whether it can be reached.",
			Choice: &Choice{site.PostgreSQL, "Stay on SQLite", "the site stays on SQLite, or a connection was tried"},
		}
		if w.o.About != nil && w.o.About().Database == database.Postgres {
			s.Done = "the data is in PostgreSQL"
		}
		steps = append(steps, s)
	}
	return steps
}

func (w *Web) setProfile(_ http.ResponseWriter, r *http.Request) (string, error) {
	name := strings.TrimSpace(r.PostFormValue("name"))
	if err := w.o.Site.SetProfile(r.Context(), name, r.PostFormValue("description")); err != nil {
		return "", err
	}
	return "The site is called " + name + ". Every page says so within two seconds.", nil
}

func (w *Web) decide(_ http.ResponseWriter, r *http.Request) (string, error) {
	value := ""
	if r.PostFormValue("value") == "yes" {
		value = "yes"
	}
	if err := w.o.Site.Decide(r.Context(), site.Decision(r.PostFormValue("decision")), value); err != nil {
		return "", err
	}
	if value == "" {
		return "The step is open again.", nil
	}
	return "Noted. You can change your mind at any time.", nil
}

// tryTime is how long a connection to a database may take.
const tryTime = 15 * time.Second

type postgresData struct {
	Outcome *ui.Outcome
	URL     string
	Server  *database.Server
	Setting string
}

func (w *Web) postgres(rw http.ResponseWriter, r *http.Request) error {
	return w.ui.Show(rw, r, http.StatusOK, "site/postgresql", ui.Page{Title: "Try PostgreSQL", Nav: "/operator", Data: postgresData{}})
}

// tryPostgres answers at once: it changes nothing, and a password goes into no
// cookie and no address.
func (w *Web) tryPostgres(rw http.ResponseWriter, r *http.Request) error {
	d := postgresData{URL: strings.TrimSpace(r.PostFormValue("url"))}
	status := http.StatusOK
	var at database.URL
	err := at.UnmarshalText([]byte(d.URL))
	if err != nil {
		d.URL = "" // it may hold a password
		err = fault.Wrap(err, fault.Invalid, "this address cannot be used").With(fault.Field{Name: "url", Message: err.Error()})
	} else {
		d.URL = at.String()
		ctx, cancel := context.WithTimeout(r.Context(), tryTime)
		defer cancel()
		var server database.Server
		if server, err = w.o.TryDatabase(ctx, at, config.Secret(r.PostFormValue("password"))); err == nil {
			d.Server, d.Setting = &server, at.String()
			err = w.o.Site.Decide(r.Context(), site.PostgreSQL, "tried")
		}
	}
	if err != nil {
		if fault.CodeOf(err) == fault.Internal {
			return err
		}
		d.Outcome, status = &ui.Outcome{Fault: fault.From(err)}, ui.StatusOf(err)
	}
	return w.ui.Show(rw, r, status, "site/postgresql", ui.Page{Title: "Try PostgreSQL", Nav: "/operator", Data: d})
}
