package seam

import (
	"context"

	"banyan/platform/seam/analysis"
)

// Mode is the state of a route; see Route.
type Mode = analysis.Mode

// The modes.
const (
	ModeLocal  = analysis.ModeLocal
	ModeShadow = analysis.ModeShadow
	ModeCanary = analysis.ModeCanary
	ModeRemote = analysis.ModeRemote
)

// Plan is what an operator asks of a route. It is comparable.
type Plan = analysis.Plan

type routeEpoch struct{}

// RouteEpoch returns the epoch of the plan under which a write is led to the
// remote, 0 outside of one or when it is not known.
func RouteEpoch(ctx context.Context) int64 {
	epoch, _ := ctx.Value(routeEpoch{}).(int64)
	return epoch
}
