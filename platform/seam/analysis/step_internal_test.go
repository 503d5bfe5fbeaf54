package analysis

import (
	"math"
	"testing"

	"banyan/platform/fault"
)

func TestModesAreOrdered(t *testing.T) {
	for i, a := range Modes() {
		for j, b := range Modes() {
			if got := a.Before(b); got != (i < j) {
				t.Errorf("%s before %s: %t", a, b, got)
			}
		}
	}
}

// TestTheStepsLeadToTheRemote: from every plan, each step comes later than the one
// before or has a larger share, and keeps the epoch.
func TestTheStepsLeadToTheRemote(t *testing.T) {
	p, steps := Plan{Mode: ModeLocal, Epoch: 7}, 0
	for {
		next, more := p.next(10)
		if !more {
			break
		}
		if !p.Mode.Before(next.Mode) && (next.Mode != p.Mode || next.Percent <= p.Percent) || next.Epoch != 7 || next.Check() != nil {
			t.Fatalf("after %v comes %+v", p, next)
		}
		if p, steps = next, steps+1; steps > 10 {
			t.Fatal("the steps never end")
		}
	}
	if p.Mode != ModeRemote || steps != 4 {
		t.Errorf("%d steps lead to %v", steps, p)
	}
}

func TestAPlanNamesTheFieldThatIsWrong(t *testing.T) {
	for field, p := range map[string]Plan{
		"mode":    {Mode: "away"},
		"percent": {Mode: ModeShadow, Percent: math.NaN()},
		"epoch":   {Mode: ModeLocal, Epoch: -1},
	} {
		f := fault.From(p.Check())
		if f == nil || f.Code != fault.Invalid || len(f.Fields) != 1 || f.Fields[0].Name != field {
			t.Errorf("%+v: %v", p, f)
		}
	}
}
