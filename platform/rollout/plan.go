package rollout

import (
	"slices"

	"banyan/platform/seam"
)

// Place is where the calls of a module go.
type Place struct {
	Mode    seam.Mode `json:"mode"`
	Percent float64   `json:"percent"`        // 0–100; of reads compared in shadow, of callers led there in canary; else 0
	URLs    []string  `json:"urls,omitempty"` // of the remote, http(s)://host[:port]; kept in local for the next step out
}

// same reports whether calls go the same way: what a local module remembers of
// its last remote does not count.
func (p Place) same(other Place) bool {
	return p.Mode == other.Mode && p.Percent == other.Percent &&
		(p.Mode == seam.ModeLocal || slices.Equal(p.URLs, other.URLs))
}

// Plan is the place of a module that every replica follows.
type Plan struct {
	Module string `json:"module"`
	Place
	Version    int64  `json:"version"`              // goes up by one with each change; 0 = there was none
	Configured bool   `json:"configured"`           // the settings decide
	ChangedBy  string `json:"changed_by,omitempty"` // as identity.Caller.Name has it, or "guard"
	ChangedMS  int64  `json:"changed_ms,omitempty"` // UTC milliseconds
	Why        string `json:"why,omitempty"`
}

// Entry is one change in the audit.
type Entry struct {
	Version    int64  `json:"version"` // of the plan that it made
	AtMS       int64  `json:"at_ms"`   // UTC milliseconds
	Who        string `json:"who"`
	Automatic  bool   `json:"automatic"`  // the guard's rollback
	Anyway     bool   `json:"anyway"`     // the step was not shown to be safe, and the operator went on
	Configured bool   `json:"configured"` // back to what the settings say
	From       Place  `json:"from"`
	To         Place  `json:"to"`
	Why        string `json:"why,omitempty"`
}
