package analysis

import (
	"fmt"
	"slices"
)

// Bounds say how much must be known before the next step is called safe; zero
// values stand for the defaults.
type Bounds struct {
	Comparisons  uint64  // in shadow, of answers, of all operations together; 1,000
	PerOperation uint64  // in shadow, of good answers, of each operation that is asked, and in canary likewise; 20
	Match        float64 // least share of comparisons without any difference; 0.999
	CanaryCalls  uint64  // reads led to the remote at the present percentage, without those that it refused; 1,000
	Shadow       float64 // percentage of the first step; 10
}

// WithDefaults puts the defaults in the place of zero values.
func (b Bounds) WithDefaults() Bounds {
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
	Reasons []string `json:"reasons"` // reasons for it, or what is to be known beside it
	Missing []string `json:"missing"` // what stands against it; empty when safe
	// Unused: the module is local, and nobody has asked it for anything that could be
	// compared since this process started.
	Unused bool `json:"unused,omitempty"`
}

// Evidence is what a verdict is made from: the figures since they started to
// count for the present step.
type Evidence struct {
	Plan        Plan
	RemoteKnown bool
	Operations  []OperationEvidence
	Alarms      []string // the guard's
}

// OperationEvidence are the figures of one operation.
type OperationEvidence struct {
	Operation  string
	Repeatable bool // a read without streams: only these are compared
	Counts
	HereEver SideCounts // this process since its start
}

// Judge returns the verdict on a body of evidence.
func (b Bounds) Judge(e Evidence, g GuardOptions) Verdict {
	v := Verdict{Reasons: []string{}, Missing: []string{}}
	next, more := e.Plan.next(b.Shadow)
	if !more {
		v.Reasons = append(v.Reasons, "the module runs at the remote")
		v.Missing = append(v.Missing, e.Alarms...)
		return v
	}
	v.Next, v.Step = &next, next.String()
	switch e.Plan.Mode {
	case ModeLocal:
		v.Unused = !slices.ContainsFunc(e.Operations, func(o OperationEvidence) bool { return o.Repeatable && o.HereEver.Calls() > 0 })
		if !e.RemoteKnown {
			v.Missing = append(v.Missing, "no remote is known: say at which address the module runs")
			break
		}
		v.Reasons = append(v.Reasons, "a shadow answers no caller: every answer still comes from this process")
	case ModeShadow:
		b.judgeShadow(&v, e, g)
	case ModeCanary:
		b.judgeCanary(&v, e, g)
	}
	v.Safe = len(v.Missing) == 0
	return v
}

const countAgain = "fix the cause, then make the route local and shadow again to start counting from zero"

func (b Bounds) judgeShadow(v *Verdict, e Evidence, g GuardOptions) {
	var all Counts
	for i := range e.Operations {
		op := &e.Operations[i]
		if !op.Repeatable {
			continue
		}
		all.Matched, all.Transient, all.Persistent, all.Failed = all.Matched+op.Matched, all.Transient+op.Transient, all.Persistent+op.Persistent, all.Failed+op.Failed
		all.Errors += op.Errors
		switch {
		case op.Persistent > 0:
			v.missing("%s: %d persistent differences; %s", op.Operation, op.Persistent, countAgain)
		case op.Matched < b.PerOperation && op.Local.Calls() > 0:
			v.missing("%s: %d of %d equal answers%s; raise the percentage to see more of them", op.Operation, op.Matched, b.PerOperation, noEvidence(op.Errors))
		}
		if op.Failed > 0 {
			v.missing("%s: the remote failed %d times; %s", op.Operation, op.Failed, countAgain)
		}
		if op.Shadow.Calls() >= g.MinCalls {
			v.missingText(g.slower(op.Operation, op.usual(g.MinCalls), &op.Shadow))
		}
	}
	compared := all.compared()
	if compared < b.Comparisons {
		v.missing("%d of %d comparisons are made%s", compared, b.Comparisons, noEvidence(all.Errors))
	} else {
		v.reason("%d comparisons are made, at least %d are needed", compared, b.Comparisons)
	}
	if compared == 0 {
		return
	}
	match := float64(all.Matched) / float64(compared)
	if match < b.Match {
		v.missing("%.2f %% of the answers match, at least %.2f %% must", 100*match, 100*b.Match)
	} else {
		v.reason("%.2f %% of the answers match", 100*match)
	}
	if all.Persistent == 0 {
		v.reason("no persistent difference")
	}
	if all.Failed == 0 {
		v.reason("the remote has answered every time")
	}
}

// noEvidence mentions pairs of equal errors, if there are any.
func noEvidence(errors uint64) string {
	if errors == 0 {
		return ""
	}
	return fmt.Sprintf(" (%d equal errors are not evidence: a database without the data refuses in the same way)", errors)
}

func (b Bounds) judgeCanary(v *Verdict, e Evidence, g GuardOptions) {
	var led, failed, refused uint64
	for i := range e.Operations {
		op := &e.Operations[i]
		led += op.Canary
		failed += max(op.Remote.Failures, op.Fallbacks)
		refused += op.Remote.Refusals
		if good := op.Remote.good(); op.Canary > 0 && good < b.PerOperation {
			v.missing("%s: %d of %d good answers of the remote", op.Operation, good, b.PerOperation)
		}
		if op.Remote.Calls() >= g.MinCalls {
			v.missingText(g.slower(op.Operation, op.usual(g.MinCalls), &op.Remote))
		}
	}
	for _, alarm := range e.Alarms {
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

// usual is this process to compare with, as in Observed.
func (o *OperationEvidence) usual(enough uint64) *SideCounts {
	if o.Local.Calls() >= enough {
		return &o.Local
	}
	return &o.HereEver
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
