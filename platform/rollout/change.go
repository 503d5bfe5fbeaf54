package rollout

import (
	"math"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"banyan/platform/fault"
	"banyan/platform/seam"
)

const (
	maxURLs = 16  // of one module
	maxWhy  = 500 // characters
	maxURL  = 300 // bytes
	// undoWait bounds putting a route back after a change could not be kept. It
	// does not end with the caller, who may be why it failed.
	undoWait = 10 * time.Second
	// guardWait is how long the guard waits for the database.
	guardWait = 2 * time.Second
)

// Guard is Plan.ChangedBy of a rollback that a route's guard made.
const Guard = "guard"

// Change is what an operator asks for.
type Change struct {
	Mode    seam.Mode `json:"mode"`
	Percent float64   `json:"percent,omitempty"` // 0–100, in shadow and canary only
	URLs    []string  `json:"urls,omitempty"`    // none = those of the present plan, or the settings'
	Why     string    `json:"why,omitempty"`     // up to 500 characters, for the audit
	// IfVersion is the version of the plan that was looked at; any other one in
	// the database is a conflict. nil = whatever is there.
	IfVersion *int64 `json:"if_version,omitempty"`
	// Anyway takes a step that is not shown to be safe; the audit says so.
	Anyway bool `json:"anyway,omitempty"`
}

// Validate implements seam.Validator.
func (c Change) Validate() error {
	var wrong []fault.Field
	if !c.Mode.Known() {
		wrong = append(wrong, fault.Field{Name: "mode", Message: "is one of local, shadow, canary and remote"})
	}
	switch {
	case math.IsNaN(c.Percent) || c.Percent < 0 || c.Percent > 100:
		wrong = append(wrong, fault.Field{Name: "percent", Message: "is from 0 to 100"})
	case c.Percent != 0 && !c.Mode.Partial():
		wrong = append(wrong, fault.Field{Name: "percent", Message: "is for shadow and canary: leave it out"})
	}
	if len(c.URLs) > maxURLs {
		wrong = append(wrong, fault.Field{Name: "urls", Message: "are at most 16: put a DNS name or a load balancer before more"})
	}
	for _, u := range c.URLs {
		if !isOrigin(u) {
			wrong = append(wrong, fault.Field{Name: "urls", Message: "are like http://10.0.0.7:8081, without a path or a password"})
			break
		}
	}
	if message := checkWhy(c.Why); message != "" {
		wrong = append(wrong, fault.Field{Name: "why", Message: message})
	}
	if len(wrong) > 0 {
		return fault.New(fault.Invalid, "the module cannot be moved there: see the fields").With(wrong...)
	}
	return nil
}

// checkWhy keeps the audit printable.
func checkWhy(why string) string {
	switch {
	case utf8.RuneCountInString(why) > maxWhy:
		return "has at most 500 characters"
	case !utf8.ValidString(why) || strings.ContainsFunc(why, unicode.IsControl):
		return "is one line of text"
	}
	return ""
}

func isOrigin(text string) bool {
	u, err := url.Parse(text)
	return err == nil && len(text) <= maxURL && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" &&
		u.Opaque == "" && u.User == nil && u.RawQuery == "" && !u.ForceQuery && u.Fragment == "" &&
		(u.Path == "" || u.Path == "/") && !strings.ContainsFunc(text, unicode.IsSpace)
}

// place is where the change moves the module from the present plan. Fails with
// fault.Invalid when it is not said where the module runs.
func (c Change) place(present Plan, configured Place) (Place, error) {
	out := Place{Mode: c.Mode, Percent: c.Percent}
	for _, u := range c.URLs {
		if u = strings.TrimSuffix(u, "/"); !slices.Contains(out.URLs, u) {
			out.URLs = append(out.URLs, u)
		}
	}
	if len(out.URLs) == 0 {
		out.URLs = present.URLs
	}
	if len(out.URLs) == 0 {
		out.URLs = configured.URLs
	}
	if len(out.URLs) == 0 && c.Mode != seam.ModeLocal {
		return out, fault.Newf(fault.Invalid, "it is not known where the module %s runs: start it with `banyan serve --module %s` and name its address", present.Module, present.Module).
			With(fault.Field{Name: "urls", Message: "are needed in every state but local"})
	}
	return out, nil
}
