package web

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestTrailsAreBounded(t *testing.T) {
	at := time.UnixMilli(1772366400000)
	trails := trails{now: func() time.Time { return at }}
	for i := range 400 {
		trails.add("reputation", float64(i), 0)
		at = at.Add(500 * time.Millisecond)
	}
	points := trails.kept["reputation"]
	if len(points) != trailLength {
		t.Errorf("%d points are kept, want %d", len(points), trailLength)
	}
	if last := points[len(points)-1].here; last != 398 {
		t.Errorf("the last point is of %v, want 398: one a second, and the newest", last)
	}
	for i := range 200 {
		trails.add(fmt.Sprint("module ", i), 1, 1)
	}
	if len(trails.kept) != trailModules {
		t.Errorf("%d modules are remembered, want %d", len(trails.kept), trailModules)
	}
}

func TestATrailEndsAfterItsWindow(t *testing.T) {
	at := time.UnixMilli(1772366400000)
	trails := trails{now: func() time.Time { return at }}
	trails.add("m", 10, 0)
	at = at.Add(time.Second)
	if drawn := string(trails.add("m", 10, 10)); !strings.Contains(drawn, `class="trail-there"`) {
		t.Errorf("two points are no curve: %s", drawn)
	}
	at = at.Add(10 * time.Minute)
	if drawn := string(trails.add("m", 10, 10)); strings.Contains(drawn, "trail-here") {
		t.Errorf("what is ten minutes old is drawn: %s", drawn)
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
