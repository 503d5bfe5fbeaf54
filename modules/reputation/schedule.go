package reputation

import (
	"context"
	"time"

	"banyan/platform/fault"
	"banyan/platform/seam"
)

// Scheduling is the part of Service that says when epochs are computed.
type Scheduling interface {
	// Schedule says when the next epoch is computed.
	Schedule(context.Context, ScheduleQuery) (Schedule, error)
	// SetSchedule changes how often epochs are computed, at once and until it is changed
	// again: it stands in the database, before the setting reputation.schedule.
	SetSchedule(context.Context, ScheduleDraft) (Schedule, error)
}

// The bounds of a schedule other than never.
const (
	LeastInterval = time.Second
	MostInterval  = 366 * 24 * time.Hour
)

// ScheduleQuery asks for the schedule.
type ScheduleQuery struct{}

// Schedule says when epochs are computed.
type Schedule struct {
	Seconds   int64  `json:"seconds"`              // between two; 0 = only when an operator asks
	NextMS    int64  `json:"next_ms,omitempty"`    // of the next, UTC; 0 = none is planned
	Setting   bool   `json:"setting"`              // it is the setting reputation.schedule
	ChangedMS int64  `json:"changed_ms,omitempty"` // by an operator, UTC
	ChangedBy string `json:"changed_by,omitempty"`
}

// ScheduleDraft is a schedule as it shall be.
type ScheduleDraft struct {
	Seconds *int64 `json:"seconds"` // 0 = never; null = as reputation.schedule says again
}

// Validate refuses intervals out of range.
func (q ScheduleDraft) Validate() error {
	least, most := int64(LeastInterval/time.Second), int64(MostInterval/time.Second)
	if q.Seconds == nil || *q.Seconds == 0 || *q.Seconds >= least && *q.Seconds <= most {
		return nil
	}
	return fault.New(fault.Invalid, "the schedule is out of range").
		With(fault.Field{Name: "seconds", Message: "must be 0 for never, or from 1 second to 366 days"})
}

var (
	schedule = seam.Read[ScheduleQuery, Schedule](Contract, "schedule", "GET /schedule", seam.Public,
		"When the next epoch is computed")
	setSchedule = seam.Write[ScheduleDraft, Schedule](Contract, "setSchedule", "PUT /schedule", seam.Operators,
		"Change how often epochs are computed", seam.Idempotent())
)

// Schedule implements Scheduling.
func (c Client) Schedule(ctx context.Context, q ScheduleQuery) (Schedule, error) {
	return schedule.Call(ctx, c.route, q)
}

// SetSchedule implements Scheduling.
func (c Client) SetSchedule(ctx context.Context, q ScheduleDraft) (Schedule, error) {
	return setSchedule.Call(ctx, c.route, q)
}
