package rollout

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"banyan/platform/rollout"
	"banyan/web/ui"
)

// news is something about a module that an operator should know of, with the time
// from which it is so.
type news struct {
	ID    string // of what can be dismissed; "" = it stands until its cause is gone
	Bad   bool
	Title string
	Text  string
	AtMS  int64 // 0: not known
	Old   bool  // somebody has decided since, or a day has passed
	Kind  string
}

const (
	newsIsOld     = 24 * time.Hour
	newsCookie    = "banyan-dismissed"
	dismissedLife = 180 * 24 * 3600 // seconds
	maxDismissed  = 30              // of which a browser remembers the last: 4 KB hold them
)

// newsOf says what is to be known of a module, what needs a person first.
func newsOf(v *moduleView, m rollout.ModuleState, since *firstSeen, now time.Time) []news {
	var list []news
	if v.Problem != "" || v.Behind {
		n := news{Kind: "problem", Bad: true, Title: "The plan says " + v.PlanLabel() + ", this process is at " + v.Place(), Text: "It follows within a second.", AtMS: m.Plan.ChangedMS}
		if v.Problem != "" {
			n.Text = ended(ui.Sentence(v.Problem))
		}
		list = append(list, n)
	}
	for _, alarm := range v.Alarms {
		text := "Callers are not affected, because this process answers them."
		switch v.Mode {
		case "remote":
			text = "Nothing rolls back from remote automatically: if this lasts, roll back."
		case "canary":
			text = "The next rollback is automatic."
		}
		list = append(list, news{Kind: "alarm", Bad: true, Title: "Warning: the remote fails or is slow", Text: ended(ui.Sentence(alarm)) + " " + text, AtMS: since.of(v.Name, alarm, now)})
	}
	if b := v.RolledBack; b != nil {
		n := news{Kind: "rollback", ID: newsID(v.Name, "rollback", b.AtMS), Title: "Rolled back automatically from " + b.From + " to " + b.To, AtMS: b.AtMS}
		if b.Why != "" {
			n.Text = ended(ui.Sentence(b.Why))
		}
		n.Old = m.Plan.ChangedMS > b.AtMS+rollbackWritten.Milliseconds() || now.Sub(time.UnixMilli(b.AtMS)) > newsIsOld
		list = append(list, n)
	}
	if v.Differs {
		list = append(list, news{
			Kind: "differs", ID: newsID(v.Name, "differs", m.Plan.Version), AtMS: m.Plan.ChangedMS, Title: "The settings say " + v.ConfigLabel(),
			Text: "The plan of this page is in force, also after a restart, until you let the settings decide again.",
			Old:  m.Plan.ChangedMS > 0 && now.Sub(time.UnixMilli(m.Plan.ChangedMS)) > newsIsOld,
		})
	}
	return list
}

// rollbackWritten is how much later than a rollback the plan may be that it has
// written: a later one is somebody's decision.
const rollbackWritten = 30 * time.Second

func newsID(module, kind string, n int64) string {
	return module + ":" + kind + ":" + strconv.FormatInt(n, 10)
}

func ended(sentence string) string {
	if strings.HasSuffix(sentence, ".") {
		return sentence
	}
	return sentence + "."
}

// withoutDismissed leaves out what the person has read and put away.
func withoutDismissed(list []news, r *http.Request) []news {
	away := dismissed(r)
	return slices.DeleteFunc(list, func(n news) bool { return n.ID != "" && slices.Contains(away, n.ID) })
}

func dismissed(r *http.Request) []string {
	cookie, err := r.Cookie(newsCookie)
	if err != nil {
		return nil
	}
	return strings.Split(cookie.Value, "|")
}

// dismiss puts a message away in this browser.
func (p *Pages) dismiss(rw http.ResponseWriter, r *http.Request) error {
	if err := ui.OnlyOperators(r); err != nil {
		return err
	}
	id := r.PostFormValue("news")
	for _, c := range id {
		if c != ':' && c != '-' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			id = "" // none of ours
		}
	}
	if id != "" && len(id) <= 100 {
		all := append(slices.DeleteFunc(dismissed(r), func(one string) bool { return one == id }), id)
		p.site.Keep(rw, newsCookie, strings.Join(all[max(0, len(all)-maxDismissed):], "|"), dismissedLife)
	}
	p.site.GoTo(rw, r, modulesPath, "#", r.PostFormValue("module"))
	return nil
}

// firstSeen knows since when an alarm lasts, as far as this process has looked.
type firstSeen struct {
	mu     sync.Mutex
	alarms map[string]seenSpan // by module and what it is about
}

type seenSpan struct{ first, last time.Time }

// An alarm that was not seen for so long is a new one.
const (
	alarmPause = 2 * time.Minute
	maxAlarms  = 1000
)

// of notes an alarm that is there now, and returns since when it is, in milliseconds.
func (f *firstSeen) of(module, alarm string, now time.Time) int64 {
	what, rest, _ := strings.Cut(alarm, ":")
	key := module + " " + what
	if strings.Contains(rest, "p99") {
		key += " is slow" // its figures change, what it is about does not
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	span, known := f.alarms[key]
	if !known || now.Sub(span.last) > alarmPause {
		span.first = now
	}
	span.last = now
	if f.alarms == nil || len(f.alarms) >= maxAlarms {
		f.alarms = map[string]seenSpan{}
	}
	f.alarms[key] = span
	return span.first.UnixMilli()
}

// Alarms are what needs a person, for the line on every page of operators.
func (p *Pages) Alarms(r *http.Request) []ui.Alarm {
	if p.o.Modules == nil {
		return nil
	}
	all, err := p.o.Modules.List(r.Context(), rollout.ListQuery{})
	if err != nil {
		return nil // the page of the modules says so
	}
	var list []ui.Alarm
	for _, m := range all.Modules {
		view := viewOf(m, p.o.Title(m.Plan.Module))
		to := modulesPath + "#" + view.Name
		for _, n := range withoutDismissed(newsOf(&view, m, &p.since, p.now()), r) {
			alarm := ui.Alarm{AtMS: n.AtMS, Path: to, Label: "See what to do"}
			switch {
			case n.Kind == "problem" && view.Problem != "":
				alarm.Text, alarm.Label = view.Title+" does not run as planned.", "See why"
			case n.Kind == "alarm":
				alarm.Text = view.Title + " fails or is slow at the remote."
			case n.Kind == "rollback" && !n.Old:
				alarm.Text = view.Title + " was rolled back automatically to " + view.RolledBack.To + "."
			default:
				continue
			}
			if !slices.ContainsFunc(list, func(a ui.Alarm) bool { return a.Text == alarm.Text }) {
				list = append(list, alarm)
			}
		}
	}
	return list
}
