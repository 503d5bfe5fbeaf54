package rollout

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// seen is a module with its rates of the last half minute.
func seen(name string, here, there float64) *moduleView {
	return &moduleView{Name: name, Here: sideView{PerSecond: here}, There: sideView{PerSecond: there}}
}

func TestTheHistoryIsBounded(t *testing.T) {
	at := time.UnixMilli(1772366400000)
	kept := history{now: func() time.Time { return at }}
	for i := range 400 {
		kept.add(seen("reputation", float64(i), 0))
		at = at.Add(500 * time.Millisecond)
	}
	points := kept.modules["reputation"]
	if len(points) != historyLength {
		t.Errorf("%d points are kept, want %d", len(points), historyLength)
	}
	if last := points[len(points)-1].here; last != 398 {
		t.Errorf("the last point is of %v, want 398: one a second, and the newest", last)
	}
	for i := range 200 {
		kept.add(seen(fmt.Sprint("module ", i), 1, 1))
	}
	if len(kept.modules) != historyModules {
		t.Errorf("%d modules are remembered, want %d", len(kept.modules), historyModules)
	}
}

func TestTheChartEndsAfterItsWindow(t *testing.T) {
	at := time.UnixMilli(1772366400000)
	kept := history{now: func() time.Time { return at }}
	draw := func(there float64) string {
		v := seen("m", 10, there)
		kept.add(v)
		return string(v.History)
	}
	draw(0)
	at = at.Add(time.Second)
	if drawn := draw(10); !strings.Contains(drawn, `class="calls-there"`) {
		t.Errorf("two points are not drawn as a curve: %s", drawn)
	}
	at = at.Add(10 * time.Minute)
	if drawn := draw(10); strings.Contains(drawn, "calls-here") {
		t.Errorf("what is ten minutes old is drawn: %s", drawn)
	}
}

// TestRatesAreOfTheLastSeconds: what a step has done is seen at once, and
// counters that jump are not believed.
func TestRatesAreOfTheLastSeconds(t *testing.T) {
	const before = 1_000_000
	for name, c := range map[string]struct {
		calls uint64 // two seconds later
		after time.Duration
		want  float64
	}{
		"nothing is answered here any more": {before, 2 * time.Second, 0},
		"half of it":                        {before + 1000, 2 * time.Second, 500},
		"looked at again at once":           {before + 10, time.Millisecond, 1000},
		"looked at again after a while":     {before + 1000, time.Minute, 1000},
		"the process was started again":     {12, 2 * time.Second, 1000},
		"another replica answered":          {before + 900_000, 2 * time.Second, 1000},
	} {
		t.Run(name, func(t *testing.T) {
			at := time.UnixMilli(1772366400000)
			kept := history{now: func() time.Time { return at }}
			v := seen("m", 1000, 0)
			v.Here.Window, v.Here.Calls = 30_000, before
			kept.add(v)
			at = at.Add(c.after)
			v = seen("m", 1000, 0)
			v.Here.Window, v.Here.Calls = 30_000, c.calls
			kept.add(v)
			if v.Here.PerSecond != c.want {
				t.Errorf("%v calls a second, want %v", v.Here.PerSecond, c.want)
			}
		})
	}
}

func TestJSONLinesKeepWhatTheyCannotRead(t *testing.T) {
	for raw, want := range map[string]string{
		``:                    "nothing",
		`{"a":[1,2`:           `{"a":[1,2`,
		`"cut off…"`:          `"cut off…"`,
		`{"b":null,"a":true}`: "{|  b: null|  a: true|}",
	} {
		var lines []string
		for _, line := range jsonLines([]byte(raw), nil) {
			lines = append(lines, line.Text)
		}
		if got := strings.Join(lines, "|"); got != want {
			t.Errorf("%s is shown as %s, want %s", raw, got, want)
		}
	}
	// A list of another length marks the list; what only begins alike is not marked.
	for _, line := range jsonLines([]byte(`{"list":[1],"lists":2}`), []string{"list.length"}) {
		if line.Differs != (line.Text == "  list: [") {
			t.Errorf("%q is marked: %v", line.Text, line.Differs)
		}
	}
}
