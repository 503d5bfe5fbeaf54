package analysis

import (
	"context"
	"strings"
	"testing"
	"time"

	"banyan/platform/fault"
)

func observe(m *SideMeter, calls int, took time.Duration, err error) {
	for range calls {
		m.Observe(context.Background(), took, err)
	}
}

// counted makes figures: calls of a duration, some of them failed.
func counted(calls, failed int, took time.Duration) SideCounts {
	var m SideMeter
	observe(&m, calls-failed, took, nil)
	observe(&m, failed, took, fault.New(fault.Unavailable, "away"))
	return m.Counts()
}

func TestWhatTheGuardFinds(t *testing.T) {
	const ms = time.Millisecond
	plain := func(here, there SideCounts) Observed {
		return Observed{Operation: "ask", Here: here, There: there, HereEver: here}
	}
	for _, c := range []struct {
		name string
		seen []Observed
		want []string // beginnings
	}{
		{"nothing", nil, nil},
		{"a good remote", []Observed{plain(counted(500, 0, ms), counted(500, 0, 2*ms))}, nil},
		{"failures within the bound", []Observed{plain(counted(500, 0, ms), counted(100, 2, ms))}, nil},
		{"failures beyond it", []Observed{plain(counted(500, 0, ms), counted(100, 3, ms))}, []string{"ask: 3 of 100 calls failed at the remote (3.0 %, here 0.0 %)"}},
		{"failures on both sides alike", []Observed{plain(counted(500, 50, ms), counted(100, 11, ms))}, nil},
		{"too few calls to judge", []Observed{plain(counted(500, 0, ms), counted(49, 49, ms))}, nil},
		{"fall-backs that were no failures", []Observed{{Operation: "ask", Here: counted(500, 0, ms), There: counted(100, 0, ms), Fallbacks: 3}}, []string{"ask: 3 of 100"}},
		{"slow within factor and slack", []Observed{plain(counted(500, 0, 20*ms), counted(100, 0, 60*ms))}, nil},
		{"slow beyond", []Observed{plain(counted(500, 0, 20*ms), counted(100, 0, 150*ms))}, []string{"ask: p99 at the remote is 201 ms, here 25.2 ms"}},
		{
			"slow against how it was, when nobody is left here",
			[]Observed{{Operation: "ask", There: counted(100, 0, 150*ms), HereEver: counted(500, 0, ms)}},
			[]string{"ask: p99 at the remote"},
		},
		{"slow with nothing to compare with", []Observed{{Operation: "ask", There: counted(100, 0, time.Second)}}, nil},
		{
			"one operation of two, which hides in the sum",
			[]Observed{plain(counted(500, 0, ms), counted(5000, 0, ms)), {Operation: "tell", There: counted(50, 50, ms)}},
			[]string{"tell: 50 of 50"},
		},
		{
			"many operations, each too seldom",
			[]Observed{plain(counted(20, 0, ms), counted(30, 30, ms)), {Operation: "tell", There: counted(30, 0, ms)}},
			[]string{"all operations: 30 of 60"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := GuardOptions{}.WithDefaults().Judge(c.seen)
			if len(got) != len(c.want) {
				t.Fatalf("got %q, want %q", got, c.want)
			}
			for i := range got {
				if !strings.HasPrefix(got[i], c.want[i]) {
					t.Errorf("got %q, want %q", got[i], c.want[i])
				}
			}
		})
	}
}
