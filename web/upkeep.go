package web

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"banyan/platform/events/outbox"
	"banyan/platform/fault"
	"banyan/platform/jobs"
	"banyan/platform/upkeep"
	"banyan/web/ui"
)

// moduleEvents are the events of one module.
type moduleEvents struct {
	Name, Title string
	Consumers   []consumerLine
	Letters     []letterLine
	More        bool // there are more dead letters than are shown
	Missing     *ui.Missing
}

type consumerLine struct{ outbox.Status }

// MovedMS is when the consumer took something last.
func (c consumerLine) MovedMS() int64 { return c.MovedAt.UnixMilli() }

type letterLine struct{ outbox.DeadLetter }

// ParkedMS is when the event failed first.
func (l letterLine) ParkedMS() int64 { return l.ParkedAt.UnixMilli() }

// Tries is how often it was tried.
func (l letterLine) Tries() int { return int(l.Attempts) }

// Text is what was to be delivered, at most 2 KB of it.
func (l letterLine) Text() string {
	const most = 2 << 10
	text := string(l.Event.Payload)
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + " …"
	}
	return text
}

// lettersShown are the dead letters of a module on the page; replaying all takes the
// others, too.
const lettersShown = 50

type eventsData struct {
	Outcome *ui.Outcome
	Modules []moduleEvents
}

func (w *Web) events(rw http.ResponseWriter, r *http.Request) error {
	return w.showEvents(rw, r, http.StatusOK, nil)
}

func (w *Web) showEvents(rw http.ResponseWriter, r *http.Request, status int, done *ui.Outcome) error {
	d := eventsData{Outcome: done, Modules: make([]moduleEvents, len(w.sections))}
	w.ofEachModule(func(i int, s Section, of upkeep.Service) {
		m := moduleEvents{Name: s.Module, Title: s.Title}
		all, err := of.Consumers(r.Context(), upkeep.ConsumersQuery{})
		for _, c := range all.Consumers {
			m.Consumers = append(m.Consumers, consumerLine{c})
		}
		if err == nil {
			var page upkeep.DeadLetterPage
			page, err = of.DeadLetters(r.Context(), upkeep.DeadLettersQuery{Limit: lettersShown})
			for _, l := range page.Letters {
				m.Letters = append(m.Letters, letterLine{l})
			}
			m.More = page.Next != ""
		}
		m.Missing = ui.Part(r.Context(), err, s.Title, "the events of "+s.Title)
		d.Modules[i] = m
	})
	return w.ui.Show(rw, r, status, "site/events", ui.Page{Title: "Events", Nav: "/operator", Data: d})
}

// ofEachModule asks the upkeep of all modules at the same time.
func (w *Web) ofEachModule(ask func(i int, s Section, of upkeep.Service)) {
	var questions []func()
	for i, s := range w.sections {
		if of := w.upkeepOf(s.Module); of != nil {
			questions = append(questions, func() { ask(i, s, of) })
		}
	}
	ui.Together(questions...)
}

func (w *Web) upkeepOf(module string) upkeep.Service {
	if w.o.Upkeep == nil {
		return nil
	}
	return w.o.Upkeep(module)
}

// sectionOf returns the upkeep of the module in the path.
func (w *Web) sectionOf(r *http.Request) (upkeep.Service, error) {
	name := chi.URLParam(r, "module")
	for _, s := range w.sections {
		if s.Module == name {
			if of := w.upkeepOf(name); of != nil {
				return of, nil
			}
		}
	}
	return nil, fault.New(fault.NotFound, "there is no module of this name: load the page again")
}

func (w *Web) replay(_ http.ResponseWriter, r *http.Request) (string, error) {
	of, err := w.sectionOf(r)
	if err != nil {
		return "", err
	}
	q := upkeep.ReplayRequest{Consumer: r.PostFormValue("consumer")}
	if id := r.PostFormValue("event"); id != "" {
		q.Events = []string{id}
	}
	done, err := of.Replay(r.Context(), q)
	if err != nil {
		return "", err
	}
	return ui.Plural(int(done.Count), "event is", "events are") + " delivered again, within a few seconds. One that fails again comes back to this page.", nil
}

// jobLine is a job for people.
type jobLine struct {
	jobs.Summary
	Module, Title string
}

// Ended reports whether nothing more will happen.
func (j jobLine) Ended() bool { return j.State.Ended() }

// Share is the part that is done; 0 without a known size.
func (j jobLine) Share() float64 { return ui.Ratio(float64(j.Progress), float64(j.Work)) }

type moduleJobs struct {
	Name, Title string
	Jobs        []jobLine
	Missing     *ui.Missing
	More        string // ?cursor= of the next page
}

type jobsData struct {
	Outcome *ui.Outcome
	Modules []moduleJobs
	Running bool // one of them: the page looks again by itself
}

func (w *Web) jobs(rw http.ResponseWriter, r *http.Request) error {
	return w.showJobs(rw, r, http.StatusOK, nil)
}

func (w *Web) showJobs(rw http.ResponseWriter, r *http.Request, status int, done *ui.Outcome) error {
	d := jobsData{Outcome: done, Modules: make([]moduleJobs, len(w.sections))}
	only, cursor := r.URL.Query().Get("module"), r.URL.Query().Get("cursor")
	w.ofEachModule(func(i int, s Section, of upkeep.Service) {
		m := moduleJobs{Name: s.Module, Title: s.Title}
		q := upkeep.JobsQuery{Limit: 20}
		if only == s.Module {
			q.Cursor = cursor
		}
		page, err := of.Jobs(r.Context(), q)
		m.Missing, m.More = ui.Part(r.Context(), err, s.Title, "the jobs of "+s.Title), page.Next
		for _, j := range page.Jobs {
			m.Jobs = append(m.Jobs, jobLine{j, s.Module, s.Title})
		}
		d.Modules[i] = m
	})
	for _, m := range d.Modules {
		for _, j := range m.Jobs {
			d.Running = d.Running || !j.Ended()
		}
	}
	page := ui.Page{Title: "Jobs", Nav: "/operator", Data: d}
	if ui.WantsFragment(r, "jobs") {
		return w.ui.Fragment(rw, r, "site/jobs", "list", page)
	}
	return w.ui.Show(rw, r, status, "site/jobs", page)
}

func (w *Web) cancelJob(_ http.ResponseWriter, r *http.Request) (string, error) {
	of, err := w.sectionOf(r)
	if err != nil {
		return "", err
	}
	id, err := strconv.ParseInt(chi.URLParam(r, "id"), 10, 64)
	if err != nil {
		return "", fault.New(fault.NotFound, "there is no job of this number: load the page again")
	}
	if _, err := of.CancelJob(r.Context(), upkeep.JobCancellation{ID: id}); err != nil {
		return "", err
	}
	return "The job ends before its next step. What it has not finished leaves no trace.", nil
}
