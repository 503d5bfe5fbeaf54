package seam

import "fmt"

// Bounds say how much must be known before the next step is called safe; zero
// values stand for the defaults.
type Bounds struct {
	Comparisons  uint64  // in shadow, of answers, of all operations together; 1,000
	PerOperation uint64  // in shadow, of good answers, of each operation that is asked, and in canary likewise; 20
	Match        float64 // least share of comparisons without any difference; 0.999
	CanaryCalls  uint64  // reads led to the remote at the present percentage, without those that it refused; 1,000
	Shadow       float64 // percentage of the first step; 10
}

func (b Bounds) orDefaults() Bounds {
	if b.Comparisons == 0 {
		b.Comparisons = 1000
	}
	if b.PerOperation == 0 {
		b.PerOperation = 20
	}
	if b.Match <= 0 {
		b.Match = 0.999
	}
	if b.CanaryCalls == 0 {
		b.CanaryCalls = 1000
	}
	if b.Shadow <= 0 {
		b.Shadow = 10
	}
	return b
}

// Verdict says whether the next step is safe by what is known.
type Verdict struct {
	Next    *Plan    `json:"next,omitempty"` // nil in remote: there is none
	Step    string   `json:"step"`           // Next for people: "canary 10 %"
	Safe    bool     `json:"safe"`
	Reasons []string `json:"reasons"` // what speaks for it, or what is to be known beside it
	Missing []string `json:"missing"` // what stands against it; empty when safe
}

// evidence is what a verdict is made from: the figures since they began to
// count for the present step.
type evidence struct {
	plan        Plan
	remoteKnown bool
	operations  []operationEvidence
	alarms      []string // the guard's
}

type operationEvidence struct {
	operation  string
	repeatable bool
	operationCounts
	hereEver sideCounts // this process since its start
}

// Verdict judges the next step of this route.
func (r *Route) Verdict() Verdict {
	return r.verdict(r.state.Load(), r.counts())
}

func (r *Route) verdict(s *state, counts []operationCounts) Verdict {
	e := evidence{plan: s.plan, remoteKnown: s.remote != nil}
	for i, d := range r.contract.operations {
		e.operations = append(e.operations, operationEvidence{d.id, d.repeatable, counts[i].since(&s.base[i]), counts[i].local})
	}
	r.guard.mu.Lock()
	e.alarms = r.guard.alarms
	r.guard.mu.Unlock()
	return r.options.Bounds.judge(e, r.options.Guard)
}

// judge is the verdict on a body of evidence.
func (b Bounds) judge(e evidence, g GuardOptions) Verdict {
	v := Verdict{Reasons: []string{}, Missing: []string{}}
	next, more := b.next(e.plan)
	if !more {
		v.Reasons = append(v.Reasons, "the module runs at the remote")
		v.Missing = append(v.Missing, e.alarms...)
		return v
	}
	next.Epoch = e.plan.Epoch
	v.Next, v.Step = &next, next.String()
	switch e.plan.Mode {
	case ModeLocal:
		if !e.remoteKnown {
			v.Missing = append(v.Missing, "no remote is known: give the address at which the module runs")
			break
		}
		v.Reasons = append(v.Reasons, "a shadow answers nobody: callers hear this process only")
	case ModeShadow:
		b.judgeShadow(&v, e, g)
	case ModeCanary:
		b.judgeCanary(&v, e, g)
	}
	v.Safe = len(v.Missing) == 0
	return v
}

// next is the step after a plan: canaries of 10 and 50 %, then the remote.
func (b Bounds) next(p Plan) (next Plan, more bool) {
	switch {
	case p.Mode == ModeLocal:
		return Plan{Mode: ModeShadow, Percent: b.Shadow}, true
	case p.Mode == ModeShadow:
		return Plan{Mode: ModeCanary, Percent: 10}, true
	case p.Mode == ModeCanary && p.Percent < 10:
		return Plan{Mode: ModeCanary, Percent: 10}, true
	case p.Mode == ModeCanary && p.Percent < 50:
		return Plan{Mode: ModeCanary, Percent: 50}, true
	case p.Mode == ModeCanary:
		return Plan{Mode: ModeRemote}, true
	}
	return p, false
}

const countAnew = "make the route local and then shadow again to count anew when the cause is mended"

func (b Bounds) judgeShadow(v *Verdict, e evidence, g GuardOptions) {
	var all operationCounts
	for i := range e.operations {
		op := &e.operations[i]
		if !op.repeatable {
			continue
		}
		all.matched, all.passing, all.lasting, all.failed = all.matched+op.matched, all.passing+op.passing, all.lasting+op.lasting, all.failed+op.failed
		all.errors += op.errors
		switch {
		case op.lasting > 0:
			v.missing("%s: %d lasting differences; %s", op.operation, op.lasting, countAnew)
		case op.matched < b.PerOperation && op.local.calls() > 0:
			v.missing("%s: %d of %d equal answers%s; raise the percentage to see more of them", op.operation, op.matched, b.PerOperation, noEvidence(op.errors))
		}
		if op.failed > 0 {
			v.missing("%s: the remote failed %d times; %s", op.operation, op.failed, countAnew)
		}
		if op.shadow.calls() >= g.MinCalls {
			v.missingText(g.slower(op.operation, op.usual(g.MinCalls), &op.shadow))
		}
	}
	compared := all.compared()
	if compared < b.Comparisons {
		v.missing("%d of %d comparisons are made%s", compared, b.Comparisons, noEvidence(all.errors))
	} else {
		v.reason("%d comparisons are made, at least %d are needed", compared, b.Comparisons)
	}
	if compared == 0 {
		return
	}
	match := float64(all.matched) / float64(compared)
	if match < b.Match {
		v.missing("%.2f %% of the answers match, at least %.2f %% must", 100*match, 100*b.Match)
	} else {
		v.reason("%.2f %% of the answers match", 100*match)
	}
	if all.lasting == 0 {
		v.reason("no lasting difference")
	}
	if all.failed == 0 {
		v.reason("the remote has answered every time")
	}
}

// noEvidence speaks of pairs of equal errors, if there are any.
func noEvidence(errors uint64) string {
	if errors == 0 {
		return ""
	}
	return fmt.Sprintf(" (%d equal errors are no evidence: a database without the data refuses in the same way)", errors)
}

func (b Bounds) judgeCanary(v *Verdict, e evidence, g GuardOptions) {
	var led, failed, refused uint64
	for i := range e.operations {
		op := &e.operations[i]
		led += op.canary
		failed += max(op.remote.failures, op.fallbacks)
		refused += op.remote.refusals
		if good := op.remote.good(); op.canary > 0 && good < b.PerOperation {
			v.missing("%s: %d of %d good answers of the remote", op.operation, good, b.PerOperation)
		}
		if op.remote.calls() >= g.MinCalls {
			v.missingText(g.slower(op.operation, op.usual(g.MinCalls), &op.remote))
		}
	}
	for _, alarm := range e.alarms {
		v.missing("the guard says: %s", alarm)
	}
	if good := led - min(refused, led); good < b.CanaryCalls {
		v.missing("%d of %d reads at this percentage, beside %d that the remote refused", good, b.CanaryCalls, refused)
	} else {
		v.reason("%d reads at this percentage, at least %d are needed", led, b.CanaryCalls)
	}
	switch rate := float64(failed) / float64(max(led, 1)); {
	case rate > g.Failures:
		v.missing("%d of %d reads failed at the remote (%.1f %%, at most %.1f %% may)", failed, led, 100*rate, 100*g.Failures)
	case led > 0:
		v.reason("%d of %d reads failed at the remote and were answered here", failed, led)
	}
}

func (c *operationCounts) compared() uint64 { return c.matched + c.passing + c.lasting }

// good are the answers without an error.
func (c *sideCounts) good() uint64 { return c.calls() - min(c.failures+c.refusals, c.calls()) }

// usual is this process to compare with, as in guarded.
func (o *operationEvidence) usual(enough uint64) *sideCounts {
	if o.local.calls() >= enough {
		return &o.local
	}
	return &o.hereEver
}

func (v *Verdict) reason(format string, args ...any) {
	v.Reasons = append(v.Reasons, fmt.Sprintf(format, args...))
}

func (v *Verdict) missing(format string, args ...any) { v.missingText(fmt.Sprintf(format, args...)) }

func (v *Verdict) missingText(text string) {
	if text != "" {
		v.Missing = append(v.Missing, text)
	}
}
