package analysis

import (
	"slices"
	"strconv"

	"banyan/platform/fault"
)

// Mode is the state of a route; see seam.Route.
type Mode string

// The modes.
const (
	ModeLocal  Mode = "local"
	ModeShadow Mode = "shadow"
	ModeCanary Mode = "canary"
	ModeRemote Mode = "remote"
)

// Modes returns all modes in the order of a move: each step leads further away
// from this process, and a rollback to an earlier one.
func Modes() []Mode { return []Mode{ModeLocal, ModeShadow, ModeCanary, ModeRemote} }

// Known reports whether m is one of Modes.
func (m Mode) Known() bool { return slices.Contains(Modes(), m) }

// Before reports whether m comes before other in the order of Modes.
func (m Mode) Before(other Mode) bool {
	return slices.Index(Modes(), m) < slices.Index(Modes(), other)
}

// Partial reports whether the mode is for a share of the reads or callers, so that
// a plan of it has a percentage.
func (m Mode) Partial() bool { return m == ModeShadow || m == ModeCanary }

// Plan is what an operator asks of a route. It is comparable.
type Plan struct {
	Mode Mode `json:"mode"`
	// Percent, from 0 to 100, is the share of reads that a shadow compares, or
	// of callers whose reads a canary leads to the remote. Elsewhere it is 0.
	Percent float64 `json:"percent"`
	// Epoch is that of the ownership of writes under which this plan was made,
	// 0 when it is not known. Writes to the remote carry it.
	Epoch int64 `json:"epoch"`
}

// Check fails with fault.Invalid and names the field that is wrong.
func (p Plan) Check() error {
	var wrong fault.Field
	switch {
	case !p.Mode.Known():
		wrong = fault.Field{Name: "mode", Message: "must be one of local, shadow, canary, remote, not " + strconv.Quote(string(p.Mode))}
	case !(p.Percent >= 0 && p.Percent <= 100): // so written, it also refuses NaN
		wrong = fault.Field{Name: "percent", Message: "must be between 0 and 100"}
	case p.Epoch < 0:
		wrong = fault.Field{Name: "epoch", Message: "must not be below 0"}
	default:
		return nil
	}
	return fault.New(fault.Invalid, "the plan of a route is wrong: see the fields").With(wrong)
}

// String reads "local", "canary 10 %".
func (p Plan) String() string {
	if p.Mode.Partial() {
		return string(p.Mode) + " " + strconv.FormatFloat(p.Percent, 'f', -1, 64) + " %"
	}
	return string(p.Mode)
}

// next returns the step after a plan: a shadow of the given percentage, canaries
// of 10 and 50 %, then the remote. more is false at the remote.
func (p Plan) next(shadow float64) (next Plan, more bool) {
	next = Plan{Epoch: p.Epoch}
	switch {
	case p.Mode == ModeLocal:
		next.Mode, next.Percent = ModeShadow, shadow
	case p.Mode == ModeShadow, p.Mode == ModeCanary && p.Percent < 10:
		next.Mode, next.Percent = ModeCanary, 10
	case p.Mode == ModeCanary && p.Percent < 50:
		next.Mode, next.Percent = ModeCanary, 50
	case p.Mode == ModeCanary:
		next.Mode = ModeRemote
	default:
		return p, false
	}
	return next, true
}
