package load

import (
	"context"
	"fmt"
	"time"

	"banyan/platform/periodic"
)

// Finding is a difference between a log and what is stored.
type Finding struct {
	Operation string `json:"operation"`
	Key       string `json:"key,omitempty"` // of the write; "" = nothing in the log belongs to it
	ID        string `json:"id"`            // of what is missing, there too often, or different
	Problem   string `json:"problem"`
	// Late is a difference that may end by itself: an event may still be on its way.
	Late bool `json:"-"`
}

// Found is a Finding about a write.
func Found(e Entry, format string, args ...any) Finding {
	id := e.ID
	if id == "" {
		id = e.About
	}
	return Finding{Operation: e.Operation, Key: e.Key, ID: id, Problem: fmt.Sprintf(format, args...)}
}

// Check compares what a module has with a log.
type Check func(context.Context, *Record) ([]Finding, error)

// Verdict is the result of an audit.
type Verdict struct {
	Server         string    `json:"server"`
	Run            string    `json:"run"`
	Whole          bool      `json:"whole_log"`
	Acknowledged   int       `json:"acknowledged_writes"`
	Unacknowledged int       `json:"unacknowledged_writes"` // each may be there, once
	Good           bool      `json:"good"`
	Findings       []Finding `json:"differences"`
}

// Audit makes the checks. One that finds nothing but what may still be on its way is
// made again, until wait is over.
func Audit(ctx context.Context, r *Record, wait time.Duration, checks []Check) (Verdict, error) {
	v := Verdict{Server: r.Server, Run: r.Run, Whole: r.Whole, Acknowledged: r.AcknowledgedWrites(), Findings: []Finding{}}
	v.Unacknowledged = len(r.Writes) - v.Acknowledged
	until := time.Now().Add(wait)
	for _, check := range checks {
		found, err := check(ctx, r)
		for err == nil && onlyLate(found) && time.Now().Before(until) {
			if err = periodic.Sleep(ctx, time.Second); err == nil {
				found, err = check(ctx, r)
			}
		}
		if err != nil {
			return v, err
		}
		v.Findings = append(v.Findings, found...)
	}
	v.Good = len(v.Findings) == 0
	return v, nil
}

func onlyLate(found []Finding) bool {
	for _, f := range found {
		if !f.Late {
			return false
		}
	}
	return len(found) > 0
}
