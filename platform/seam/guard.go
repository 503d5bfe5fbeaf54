package seam

import (
	"context"
	"slices"
	"sync"
	"time"

	"banyan/platform/periodic"
	"banyan/platform/seam/analysis"
)

// guard is what the guard of a route has found.
type guard struct {
	mu        sync.Mutex
	alarms    []string
	last      *analysis.Rollback
	rollbacks uint64
	listeners []func(context.Context, analysis.Rollback)
}

// OnRollback has f called by Run after the guard has moved the route. The context
// is Run's.
func (r *Route) OnRollback(f func(context.Context, analysis.Rollback)) {
	r.guard.mu.Lock()
	defer r.guard.mu.Unlock()
	r.guard.listeners = append(r.guard.listeners, f)
}

func (g *guard) clear() { g.note(nil) }

func (g *guard) note(alarms []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.alarms = alarms
}

func (g *guard) status() analysis.GuardStatus {
	g.mu.Lock()
	defer g.mu.Unlock()
	return analysis.GuardStatus{Alarms: append([]string{}, g.alarms...), Rollback: g.last}
}

// watch samples the figures and keeps the guard until the context ends.
func (r *Route) watch(ctx context.Context) {
	periodic.Run(ctx, max(r.options.Guard.Window/30, time.Millisecond), r.check)
}

// check looks at the figures once. From canary the guard moves the route back to
// the shadow, which keeps asking the remote without a risk for callers. In remote
// it only says what is wrong: going back from there means to take over the writes
// as well, which is an operator's decision.
func (r *Route) check(ctx context.Context) {
	now, counts, s := r.options.Clock(), r.counts(), r.state.Load()
	r.window.Take(analysis.Sample{At: now, Counts: counts})
	if s.plan.Mode != ModeCanary && s.plan.Mode != ModeRemote {
		r.guard.clear()
		return
	}
	alarms := r.options.Guard.Judge(r.observed(s, counts))
	r.guard.note(alarms)
	if len(alarms) == 0 || s.plan.Mode != ModeCanary {
		return
	}
	back := Plan{Mode: ModeShadow, Percent: s.plan.Percent, Epoch: s.plan.Epoch}
	if !r.move(s, back, s.remote) {
		return // an operator was faster
	}
	done := analysis.Rollback{Module: r.contract.Module, From: s.plan, To: back, Why: alarms, At: now.UTC()}
	r.guard.mu.Lock()
	r.guard.last = &done
	r.guard.rollbacks++
	listeners := slices.Clone(r.guard.listeners)
	r.guard.mu.Unlock()
	for _, f := range listeners {
		f(ctx, done)
	}
}

// observed is what the guard judges: in canary reads alone, because writes are
// still done in this process.
func (r *Route) observed(s *state, counts []analysis.Counts) []analysis.Observed {
	from := r.window.Oldest()
	if !s.judged.Before(from.At) { // what was before belongs to another state
		from = analysis.Sample{At: s.judged, Counts: s.base}
	}
	var all []analysis.Observed
	for i, d := range r.contract.operations {
		if s.plan.Mode == ModeCanary && !d.repeatable {
			continue
		}
		lately := counts[i].Since(&from.Counts[i])
		all = append(all, analysis.Observed{
			Operation: d.id, Here: lately.Local, There: lately.Remote, Fallbacks: lately.Fallbacks, HereEver: counts[i].Local,
		})
	}
	return all
}
