package rollout

import (
	"banyan/platform/fault"
	"banyan/platform/seam"
	"banyan/platform/seam/analysis"
)

// judge asks what is known of the next step before an operator leads callers
// further away: a canary and the remote answer them, a shadow answers nobody. It
// reports whether the step is taken although it is not shown to be safe. Fails
// with fault.Conflict, saying what stands against it, when it is not and the
// operator has not said that they go on anyway.
//
// A module of which nothing was asked since the start has no answers to compare, so
// it may go straight to where Apply finds the same data.
func (m *module) judge(s step, present, next Place) (anyway bool, err error) {
	further := nearer(present.Mode, present.Percent, next)
	if s.automatic || m.Verdict == nil || !further || next.Mode == seam.ModeShadow {
		return false, nil
	}
	v := m.Verdict()
	if present.Mode == seam.ModeLocal && v.Unused {
		return false, nil
	}
	against := v.Missing
	if v.Next == nil || nearer(v.Next.Mode, v.Next.Percent, next) {
		against = append([]string{"nothing is known of so large a step: the next one is " + stepText(v)}, against...)
	}
	switch {
	case len(against) == 0:
		return false, nil
	case s.anyway:
		return true, nil
	}
	return false, unsafe(m.Name, against)
}

// MissingPoint names the fields of a refusal by judge: each is a point that stands
// against the step.
const MissingPoint = "missing"

func unsafe(name string, against []string) *fault.Fault {
	f := fault.Newf(fault.Conflict, "it is not shown that this step of %s is safe. Wait until it is, or go on anyway (--anyway), which stands in the audit", name)
	for _, point := range against {
		f = f.With(fault.Field{Name: MissingPoint, Message: point})
	}
	return f
}

func stepText(v analysis.Verdict) string {
	if v.Next == nil {
		return "not known"
	}
	return v.Step
}
