package seam

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"banyan/platform/periodic"
)

// GuardOptions say when a remote is worse than this process; zero values stand
// for the defaults. An operation is judged when it was asked often enough in
// the window. Calls that ended for their callers' reasons, and those that a side
// was too busy for, are in no window on either side.
type GuardOptions struct {
	Window    time.Duration // looked at; 30 s
	MinCalls  uint64        // at the remote within the window, below which nothing is judged; 50
	Failures  float64       // share of failed calls at the remote above that of this process; 0.02
	P99Factor float64       // of this process's p99, and
	P99Slack  time.Duration // on top of it: the p99 that the remote may have; 3 and 20 ms
}

func (o GuardOptions) orDefaults() GuardOptions {
	if o.Window <= 0 {
		o.Window = 30 * time.Second
	}
	if o.MinCalls == 0 {
		o.MinCalls = 50
	}
	if o.Failures <= 0 {
		o.Failures = 0.02
	}
	if o.P99Factor <= 0 {
		o.P99Factor = 3
	}
	if o.P99Slack <= 0 {
		o.P99Slack = 20 * time.Millisecond
	}
	return o
}

// StepBack is what a guard did, and why.
type StepBack struct {
	Module string    `json:"module"`
	From   Plan      `json:"from"`
	To     Plan      `json:"to"`
	Why    []string  `json:"why"`
	At     time.Time `json:"at"`
}

// guardMemory is what the guard has found.
type guardMemory struct {
	mu     sync.Mutex
	alarms []string
	last   *StepBack
	steps  uint64
	tell   []func(context.Context, StepBack)
}

// OnStepBack has f called by Run after the guard has moved the route. The
// context is Run's.
func (r *Route) OnStepBack(f func(context.Context, StepBack)) {
	r.guard.mu.Lock()
	defer r.guard.mu.Unlock()
	r.guard.tell = append(r.guard.tell, f)
}

func (g *guardMemory) clear() { g.note(nil) }

func (g *guardMemory) note(alarms []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.alarms = alarms
}

// watch samples the figures and keeps the guard until the context ends.
func (r *Route) watch(ctx context.Context) {
	periodic.Run(ctx, max(r.options.Guard.Window/30, time.Millisecond), r.look)
}

// look is one look at the figures. In canary the guard steps the route back to
// the shadow, which keeps asking the remote at nobody's risk. In remote it only
// says what is wrong: going back there means to take over the writes, too,
// which is an operator's decision.
func (r *Route) look(ctx context.Context) {
	now, counts, s := r.options.Clock(), r.counts(), r.state.Load()
	r.samples.take(now, counts)
	if s.plan.Mode != ModeCanary && s.plan.Mode != ModeRemote {
		r.guard.clear()
		return
	}
	alarms := r.options.Guard.judge(r.guarded(s, counts))
	r.guard.note(alarms)
	if len(alarms) == 0 || s.plan.Mode != ModeCanary {
		return
	}
	back := Plan{Mode: ModeShadow, Percent: s.plan.Percent, Epoch: s.plan.Epoch}
	if !r.move(s, back, s.remote) {
		return // an operator was faster
	}
	done := StepBack{Module: r.contract.Module, From: s.plan, To: back, Why: alarms, At: now.UTC()}
	r.guard.mu.Lock()
	r.guard.last = &done
	r.guard.steps++
	tell := slices.Clone(r.guard.tell)
	r.guard.mu.Unlock()
	for _, f := range tell {
		f(ctx, done)
	}
}

// guarded is what the guard sees of one operation: both sides within the
// window, and this process since its start for operations that it hardly does
// any more.
type guarded struct {
	operation    string
	here, there  sideCounts
	fallbacks    uint64
	hereEverSeen sideCounts
}

func (r *Route) guarded(s *state, counts []operationCounts) []guarded {
	from := r.samples.oldest()
	if !s.judged.Before(from.at) { // what was before belongs to another state
		from = sample{s.judged, s.base}
	}
	var all []guarded
	for i, d := range r.contract.operations {
		if s.plan.Mode == ModeCanary && !d.repeatable {
			continue
		}
		lately := counts[i].since(&from.counts[i])
		all = append(all, guarded{d.id, lately.local, lately.remote, lately.fallbacks, counts[i].local})
	}
	return all
}

// judge gives the reasons against the remote, none when it is as good as this
// process.
func (o GuardOptions) judge(all []guarded) (alarms []string) {
	var sum guarded
	for i := range all {
		g := &all[i]
		if alarm := o.failing(g.operation, g); alarm != "" {
			alarms = append(alarms, alarm)
		}
		if g.there.calls() >= o.MinCalls {
			if alarm := o.slower(g.operation, g.usual(o.MinCalls), &g.there); alarm != "" {
				alarms = append(alarms, alarm)
			}
		}
		sum.add(g)
	}
	if alarm := o.failing("all operations", &sum); alarm != "" && len(alarms) == 0 {
		alarms = append(alarms, alarm) // each was asked too seldom to be judged alone
	}
	return alarms
}

// usual is this process to compare with: lately, or ever when that is too
// little.
func (g *guarded) usual(enough uint64) *sideCounts {
	if g.here.calls() >= enough {
		return &g.here
	}
	return &g.hereEverSeen
}

func (o GuardOptions) failing(name string, g *guarded) string {
	calls := g.there.calls()
	if calls < o.MinCalls {
		return ""
	}
	// A fall-back may be for an error that is no failure in the meter: a remote
	// of another release.
	failed := max(g.there.failures, g.fallbacks)
	there, here := float64(failed)/float64(calls), g.usual(o.MinCalls).failureRate()
	if there <= here+o.Failures {
		return ""
	}
	return fmt.Sprintf("%s: %d of %d calls failed at the remote (%.1f %%, here %.1f %%)", name, failed, calls, 100*there, 100*here)
}

// slower compares p99s; without calls here there is nothing to compare with.
func (o GuardOptions) slower(name string, here, there *sideCounts) string {
	if here.calls() < o.MinCalls {
		return ""
	}
	p99, usual := there.quantile(0.99), here.quantile(0.99)
	if p99 <= usual*o.P99Factor+o.P99Slack.Seconds() {
		return ""
	}
	return fmt.Sprintf("%s: p99 at the remote is %s, here %s", name, milliseconds(p99), milliseconds(usual))
}

func milliseconds(seconds float64) string { return fmt.Sprintf("%.3g ms", seconds*1000) }

func (c *sideCounts) failureRate() float64 {
	if calls := c.calls(); calls > 0 {
		return float64(c.failures) / float64(calls)
	}
	return 0
}

func (c *sideCounts) add(more *sideCounts) {
	for i, n := range more.latencies {
		c.latencies[i] += n
	}
	c.failures += more.failures
	c.refusals += more.refusals
}

func (g *guarded) add(more *guarded) {
	g.here.add(&more.here)
	g.there.add(&more.there)
	g.hereEverSeen.add(&more.hereEverSeen)
	g.fallbacks += more.fallbacks
}
