package rollout

import (
	"context"
	"sync"
	"time"

	"banyan/platform/periodic"
	"banyan/platform/seam"
)

// day keeps what each module did in the last 24 hours, in spans of ten minutes: at
// most dayModules × daySpans of them. It begins with the process, whose figures
// they are: a Prometheus has what was before.
type day struct {
	mu      sync.Mutex
	modules map[string]*moduleDay
}

const (
	dayLength  = 24 * time.Hour
	spanLength = 10 * time.Minute
	daySpans   = int(dayLength/spanLength) + 1 // one has only begun
	dayModules = 64
	sampling   = 10 * time.Second
)

// moduleDay is one module's, its spans oldest first.
type moduleDay struct {
	spans []span
	last  totals
	at    time.Time // of last
}

// span is what happened from begin on, for ten minutes at most.
type span struct {
	begin    time.Time
	seconds  float64 // of it that were seen
	here     uint64  // calls
	there    uint64
	failures uint64
	p99      float64 // seconds: the highest that was seen, of the busiest operation
}

// totals are a route's counts since the start of the process.
type totals struct{ here, there, failures uint64 }

// Run samples the routes until the context ends.
func (p *Pages) Run(ctx context.Context) error {
	if p.o.Routes == nil {
		return nil
	}
	periodic.Run(ctx, sampling, func(context.Context) {
		now := p.now()
		for _, route := range p.o.Routes() {
			p.day.note(&route, now)
			for _, alarm := range route.Guard.Alarms {
				p.since.of(route.Module, alarm, now)
			}
		}
	}, periodic.AtOnce())
	return nil
}

// note adds what a route has done since it was looked at last.
func (d *day) note(route *seam.Status, now time.Time) {
	var sum totals
	busiest, p99 := 0.0, 0.0
	for i := range route.Operations {
		op := &route.Operations[i]
		sum.here += op.Local.Calls
		sum.there += op.Remote.Calls
		sum.failures += op.Local.Failures + op.Remote.Failures
		for _, side := range []struct{ rate, p99 float64 }{{op.Recent.Local.PerSecond, op.Recent.Local.P99}, {op.Recent.Remote.PerSecond, op.Recent.Remote.P99}} {
			if side.rate > busiest {
				busiest, p99 = side.rate, side.p99
			}
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	m := d.modules[route.Module]
	if m == nil {
		if len(d.modules) >= dayModules {
			return
		}
		if d.modules == nil {
			d.modules = map[string]*moduleDay{}
		}
		// What was counted before nobody looked at: it belongs to no time.
		d.modules[route.Module] = &moduleDay{last: sum, at: now}
		return
	}
	m.add(sum, p99, now)
}

func (m *moduleDay) add(sum totals, p99 float64, now time.Time) {
	since, before := m.last, m.at
	m.last, m.at = sum, now
	if sum.here < since.here || sum.there < since.there || sum.failures < since.failures {
		return // counted again from zero
	}
	if n := len(m.spans); n == 0 || before.Sub(m.spans[n-1].begin) >= spanLength {
		m.spans = append(m.spans, span{begin: before})
		if len(m.spans) > daySpans {
			m.spans = append(m.spans[:0:0], m.spans[len(m.spans)-daySpans:]...)
		}
	}
	s := &m.spans[len(m.spans)-1]
	s.seconds += now.Sub(before).Seconds()
	s.here += sum.here - since.here
	s.there += sum.there - since.there
	s.failures += sum.failures - since.failures
	s.p99 = max(s.p99, p99)
}

// of returns the spans of a module in the 24 hours before now.
func (d *day) of(module string, now time.Time) []span {
	d.mu.Lock()
	defer d.mu.Unlock()
	m := d.modules[module]
	if m == nil {
		return nil
	}
	var list []span
	for _, s := range m.spans {
		if now.Sub(s.begin) <= dayLength {
			list = append(list, s)
		}
	}
	return list
}
