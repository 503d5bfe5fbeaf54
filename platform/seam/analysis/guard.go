package analysis

import (
	"fmt"
	"time"
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

// WithDefaults puts the defaults in the place of zero values.
func (o GuardOptions) WithDefaults() GuardOptions {
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

// Rollback is what a guard did, and why: it moved a route back.
type Rollback struct {
	Module string    `json:"module"`
	From   Plan      `json:"from"`
	To     Plan      `json:"to"`
	Why    []string  `json:"why"`
	At     time.Time `json:"at"`
}

// Observed is what the guard sees of one operation: both sides within the window,
// and this process since its start for operations that it hardly does any more.
type Observed struct {
	Operation   string
	Here, There SideCounts
	Fallbacks   uint64
	HereEver    SideCounts
}

// Judge returns the reasons against the remote, none when it is as good as this
// process.
func (o GuardOptions) Judge(all []Observed) (alarms []string) {
	var sum Observed
	for i := range all {
		g := &all[i]
		if alarm := o.failing(g.Operation, g); alarm != "" {
			alarms = append(alarms, alarm)
		}
		if g.There.Calls() >= o.MinCalls {
			if alarm := o.slower(g.Operation, g.usual(o.MinCalls), &g.There); alarm != "" {
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
func (g *Observed) usual(enough uint64) *SideCounts {
	if g.Here.Calls() >= enough {
		return &g.Here
	}
	return &g.HereEver
}

func (o GuardOptions) failing(name string, g *Observed) string {
	calls := g.There.Calls()
	if calls < o.MinCalls {
		return ""
	}
	// A fall-back may be for an error that the meter does not count as a failure: a remote
	// of another release.
	failed := max(g.There.Failures, g.Fallbacks)
	there, here := float64(failed)/float64(calls), g.usual(o.MinCalls).failureRate()
	if there <= here+o.Failures {
		return ""
	}
	return fmt.Sprintf("%s: %d of %d calls failed at the remote (%.1f %%, here %.1f %%)", name, failed, calls, 100*there, 100*here)
}

// slower compares p99s; without calls here there is nothing to compare with.
func (o GuardOptions) slower(name string, here, there *SideCounts) string {
	if here.Calls() < o.MinCalls {
		return ""
	}
	p99, usual := there.Quantile(0.99), here.Quantile(0.99)
	if p99 <= usual*o.P99Factor+o.P99Slack.Seconds() {
		return ""
	}
	return fmt.Sprintf("%s: p99 at the remote is %s, here %s", name, milliseconds(p99), milliseconds(usual))
}

func milliseconds(seconds float64) string { return fmt.Sprintf("%.3g ms", seconds*1000) }

func (g *Observed) add(more *Observed) {
	g.Here.add(&more.Here)
	g.There.add(&more.There)
	g.HereEver.add(&more.HereEver)
	g.Fallbacks += more.Fallbacks
}
