package rollout

import (
	"net/http"

	"banyan/platform/fault"
	"banyan/platform/rollout"
)

// question is asked before a step is taken past a verdict that is not safe: what
// is missing, and the same form once more.
type question struct {
	Module  string
	Title   string // what is asked
	Missing []string
	Action  string // path of the form
	To      string // the pressed button's, or the choice; "" = the settings decide
	Draft   stepDraft
	Version string // of the plan that the operator saw
}

// asked returns the question that a refusal is, nil when it is not one.
func asked(r *http.Request, f *fault.Fault, d *modulesData) *question {
	if f.Code != fault.Conflict {
		return nil
	}
	q := &question{Draft: draftStep(r), To: r.PostForm.Get("to"), Version: r.PostForm.Get("version")}
	q.Module, q.Action = q.Draft.Module, modulesPath+"/"+q.Draft.Module
	for _, field := range f.Fields {
		if field.Name == rollout.MissingPoint {
			q.Missing = append(q.Missing, field.Message)
		}
	}
	if len(q.Missing) == 0 {
		return nil
	}
	for _, m := range d.Modules {
		if m.Name == q.Module {
			q.Title = "Go on with " + m.Title + " although this is missing?"
		}
	}
	if q.To == "" {
		q.Action += "/reset"
	}
	return q
}

// Target is what the step leads to, for the button.
func (q question) Target() string {
	if q.To == "" {
		return "what the settings say"
	}
	mode, percent := cutStep(q.To, q.Draft.Percent)
	if mode == "shadow" || mode == "canary" {
		return mode + " " + percent + " %"
	}
	return mode
}
