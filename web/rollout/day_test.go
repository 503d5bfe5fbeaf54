package rollout

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"banyan/platform/seam"
	"banyan/platform/seam/analysis"
)

var noon = time.UnixMilli(1772366400000).UTC()

// routeAt is a route that has counted so much since its start.
func routeAt(module string, here, there, failures uint64, p99 float64) *seam.Status {
	return &seam.Status{Module: module, Operations: []analysis.OperationStats{{
		Local: analysis.SideStats{Calls: here}, Remote: analysis.SideStats{Calls: there, Failures: failures},
		Recent: analysis.RecentStats{Local: analysis.RecentSide{PerSecond: 1, P99: p99}},
	}}}
}

func TestADayIsBounded(t *testing.T) {
	var d day
	at := noon
	for i := range uint64(3 * 24 * 360) { // three days of samples
		d.note(routeAt("reputation", i*100, i*50, i, 0.001), at)
		at = at.Add(sampling)
	}
	spans := d.of("reputation", at)
	if len(spans) == 0 || len(spans) > daySpans {
		t.Fatalf("%d spans are kept, want at most %d", len(spans), daySpans)
	}
	if age := at.Sub(spans[0].begin); age > dayLength || age < dayLength-2*spanLength {
		t.Errorf("the oldest is of %s before now, want nearly %s", age, dayLength)
	}
	whole := spans[1]
	if whole.here != 6000 || whole.there != 3000 || whole.failures != 60 || math.Abs(whole.seconds-600) > 1 {
		t.Errorf("ten minutes have %+v, want 6000 calls here, 3000 there, 60 failures", whole)
	}
	for i := range 2 * dayModules {
		d.note(routeAt(fmt.Sprint("module-", i), 1, 1, 0, 0), at)
	}
	if len(d.modules) != dayModules {
		t.Errorf("%d modules are kept, want %d", len(d.modules), dayModules)
	}
}

func TestWhatWasCountedBeforeAnybodyLookedIsOfNoTime(t *testing.T) {
	var d day
	d.note(routeAt("m", 1_000_000, 0, 0, 0), noon)
	if spans := d.of("m", noon); len(spans) != 0 {
		t.Fatalf("the first look has %+v", spans)
	}
	d.note(routeAt("m", 1_000_010, 0, 0, 0.2), noon.Add(sampling))
	d.note(routeAt("m", 3, 0, 0, 0), noon.Add(2*sampling)) // counted again from zero
	d.note(routeAt("m", 8, 0, 0, 0.1), noon.Add(3*sampling))
	spans := d.of("m", noon.Add(3*sampling))
	if len(spans) != 1 || spans[0].here != 15 || spans[0].p99 != 0.2 {
		t.Errorf("%+v, want one span of 15 calls, and the highest p99", spans)
	}
	if left := d.of("m", noon.Add(25*time.Hour)); len(left) != 0 {
		t.Errorf("a day later there is %+v", left)
	}
}

func TestTheDayIsDrawnAndSaid(t *testing.T) {
	spans := []span{
		{begin: noon.Add(-2 * time.Hour), seconds: 600, here: 6000, failures: 60, p99: 0.25},
		{begin: noon.Add(-10 * time.Minute), seconds: 600, here: 600, there: 1200, p99: 0.004},
	}
	steps := []auditLine{{AtMS: noon.Add(-time.Hour).UnixMilli(), Automatic: true}, {AtMS: noon.Add(-30 * time.Hour).UnixMilli()}}
	v := dayOf("Reputation <1>", spans, steps, noon)
	drawn := string(v.Chart)
	for _, want := range []string{
		"Reputation &lt;1&gt; in the last 24 hours: 7,800 calls, at most 10 calls a second; p99 at most 250 ms; 0.769 % of the calls failed, at most 1.00 % in ten minutes; 1 step.",
		`class="step automatic"`, `class="calls-there"`, `class="failed"`, `class="took"`, ">12:00<", ">06:00<",
	} {
		if !strings.Contains(drawn, want) {
			t.Errorf("the drawing has no %s: %s", want, drawn)
		}
	}
	if strings.Count(drawn, `class="step`) != 1 || len(v.Steps) != 1 {
		t.Error("a step of the day before is marked")
	}
	if len(v.Hours) != 2 || v.Hours[0].Calls != 1800 || v.Hours[0].Remote != "66.7 %" || v.Hours[1].Errors != "1.00 %" || v.Hours[1].P99 != "250 ms" {
		t.Errorf("the table has %+v", v.Hours)
	}
}
