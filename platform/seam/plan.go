package seam

import (
	"context"
	"strconv"

	"banyan/platform/fault"
)

// Mode is the state of a route; see Route.
type Mode string

// The modes.
const (
	ModeLocal  Mode = "local"
	ModeShadow Mode = "shadow"
	ModeCanary Mode = "canary"
	ModeRemote Mode = "remote"
)

// Modes are all modes, on the way out.
func Modes() []Mode { return []Mode{ModeLocal, ModeShadow, ModeCanary, ModeRemote} }

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
	switch p.Mode {
	case ModeLocal, ModeShadow, ModeCanary, ModeRemote:
	default:
		return fault.New(fault.Invalid, "the plan of a route is wrong").With(
			fault.Field{Name: "mode", Message: "is none of local, shadow, canary, remote: " + strconv.Quote(string(p.Mode))})
	}
	if !(p.Percent >= 0 && p.Percent <= 100) { // so written, it also refuses NaN
		return fault.New(fault.Invalid, "the plan of a route is wrong").With(
			fault.Field{Name: "percent", Message: "is not between 0 and 100"})
	}
	if p.Epoch < 0 {
		return fault.New(fault.Invalid, "the plan of a route is wrong").With(fault.Field{Name: "epoch", Message: "is below 0"})
	}
	return nil
}

// String reads "local", "canary 10 %".
func (p Plan) String() string {
	if p.Mode == ModeShadow || p.Mode == ModeCanary {
		return string(p.Mode) + " " + strconv.FormatFloat(p.Percent, 'f', -1, 64) + " %"
	}
	return string(p.Mode)
}

type routeEpoch struct{}

// RouteEpoch gives the epoch of the plan under which a write is led to the
// remote, 0 outside of one or when it is not known.
func RouteEpoch(ctx context.Context) int64 {
	epoch, _ := ctx.Value(routeEpoch{}).(int64)
	return epoch
}
