package analysis

import (
	"strings"
	"testing"
	"time"
)

func TestTheVerdict(t *testing.T) {
	const ms = time.Millisecond
	shadow := Plan{Mode: ModeShadow, Percent: 10, Epoch: 3}
	canary := Plan{Mode: ModeCanary, Percent: 10}
	good := func() OperationEvidence {
		return OperationEvidence{Operation: "ask", Repeatable: true, Counts: Counts{
			Matched: 1000, Local: counted(10_000, 0, ms), Shadow: counted(1000, 0, 2*ms),
		}}
	}
	with := func(change func(*OperationEvidence)) []OperationEvidence {
		op := good()
		change(&op)
		return []OperationEvidence{op}
	}
	led := func(change func(*OperationEvidence)) []OperationEvidence {
		return with(func(o *OperationEvidence) {
			o.Canary, o.Remote = 1000, counted(1000, 0, 2*ms)
			change(o)
		})
	}
	nothing := func(*OperationEvidence) {}
	for _, c := range []struct {
		name    string
		Plan    Plan
		unknown bool // no remote
		seen    []OperationEvidence
		Alarms  []string
		step    string
		missing []string // parts; none = safe
		reason  string   // a part
	}{
		{name: "local", Plan: Plan{Mode: ModeLocal}, step: "shadow 10 %", reason: "answers no caller"},
		{name: "local and nowhere to go", Plan: Plan{Mode: ModeLocal}, unknown: true, step: "shadow 10 %", missing: []string{"no remote is known"}},
		{name: "a good shadow", Plan: shadow, seen: with(nothing), step: "canary 10 %", reason: "100.00 % of the answers match"},
		{name: "a shadow without reads", Plan: shadow, step: "canary 10 %", missing: []string{"0 of 1000 comparisons"}},
		{name: "too few", Plan: shadow, seen: with(func(o *OperationEvidence) { o.Matched = 999 }), step: "canary 10 %", missing: []string{"999 of 1000"}},
		{
			name: "a persistent difference among a million", Plan: shadow, step: "canary 10 %",
			seen:    with(func(o *OperationEvidence) { o.Matched, o.Persistent = 1_000_000, 1 }),
			missing: []string{"ask: 1 persistent difference"},
		},
		{
			name: "few transient differences", Plan: shadow, step: "canary 10 %", reason: "99.90 % of the answers match",
			seen: with(func(o *OperationEvidence) { o.Matched, o.Transient = 999, 1 }),
		},
		{
			name: "many transient differences", Plan: shadow, step: "canary 10 %",
			seen:    with(func(o *OperationEvidence) { o.Matched, o.Transient = 1000, 2 }),
			missing: []string{"99.80 % of the answers match"},
		},
		{
			name: "a failure", Plan: shadow, step: "canary 10 %",
			seen:    with(func(o *OperationEvidence) { o.Failed = 1 }),
			missing: []string{"ask: the remote failed 1 times"},
		},
		{
			name: "a slow remote", Plan: shadow, step: "canary 10 %",
			seen:    with(func(o *OperationEvidence) { o.Shadow = counted(1000, 0, 50*ms) }),
			missing: []string{"ask: p99 at the remote"},
		},
		{
			name: "an operation that is hardly compared", Plan: shadow, step: "canary 10 %",
			seen: append(with(nothing), OperationEvidence{
				Operation: "list", Repeatable: true,
				Counts: Counts{Matched: 19, Local: counted(100, 0, ms)},
			}),
			missing: []string{"list: 19 of 20 equal answers"},
		},
		{
			name: "an operation that is asked seldom", Plan: shadow, step: "canary 10 %", missing: []string{"list: 0 of 20 equal answers"},
			seen: append(with(nothing), OperationEvidence{Operation: "list", Repeatable: true, Counts: Counts{Local: counted(1, 0, ms)}}),
		},
		{
			name: "an operation that is not asked", Plan: shadow, step: "canary 10 %", reason: "no persistent difference",
			seen: append(with(nothing), OperationEvidence{Operation: "list", Repeatable: true}),
		},
		{
			name: "an empty database on both sides", Plan: shadow, step: "canary 10 %",
			seen: []OperationEvidence{{Operation: "claim", Repeatable: true, Counts: Counts{
				Errors: 1302, Local: counted(1302, 0, ms), Shadow: counted(1302, 0, 2*ms),
			}}},
			missing: []string{"claim: 0 of 20 equal answers (1302 equal errors are not evidence", "0 of 1000 comparisons are made (1302 equal errors"},
		},
		{
			name: "one operation that both refuse beside a good one", Plan: shadow, step: "canary 10 %",
			seen: append(with(nothing), OperationEvidence{Operation: "claim", Repeatable: true, Counts: Counts{
				Matched: 19, Errors: 5000, Local: counted(5019, 0, ms),
			}}),
			missing: []string{"claim: 19 of 20 equal answers (5000 equal errors"},
		},
		{
			name: "writes are not compared", Plan: shadow, step: "canary 10 %", reason: "no persistent difference",
			seen: append(with(nothing), OperationEvidence{Operation: "tell", Counts: Counts{Local: counted(5000, 0, ms)}}),
		},
		{name: "a small canary", Plan: Plan{Mode: ModeCanary, Percent: 1}, seen: led(nothing), step: "canary 10 %", reason: "1000 reads"},
		{name: "a good canary", Plan: canary, seen: led(nothing), step: "canary 50 %", reason: "0 of 1000 reads failed"},
		{name: "a good half", Plan: Plan{Mode: ModeCanary, Percent: 50}, seen: led(nothing), step: "remote", reason: "1000 reads"},
		{name: "too few led", Plan: canary, seen: led(func(o *OperationEvidence) { o.Canary = 12 }), step: "canary 50 %", missing: []string{"12 of 1000 reads"}},
		{
			name: "a remote that refuses everything", Plan: canary, step: "canary 50 %",
			seen:    led(func(o *OperationEvidence) { o.Remote.Refusals = 1000 }),
			missing: []string{"ask: 0 of 20 good answers", "0 of 1000 reads at this percentage, beside 1000 that the remote refused"},
		},
		{
			name: "one operation that the remote refuses", Plan: canary, step: "canary 50 %",
			seen: append(led(nothing), OperationEvidence{Operation: "claim", Repeatable: true, Counts: Counts{
				Canary: 30, Remote: SideCounts{Refusals: 11, Latencies: counted(30, 0, ms).Latencies},
			}}),
			missing: []string{"claim: 19 of 20 good answers"},
		},
		{
			name: "fall-backs", Plan: canary, step: "canary 50 %",
			seen:    led(func(o *OperationEvidence) { o.Fallbacks = 21 }),
			missing: []string{"21 of 1000 reads failed"},
		},
		{
			name: "a slow canary", Plan: canary, step: "canary 50 %",
			seen:    led(func(o *OperationEvidence) { o.Remote = counted(1000, 0, 50*ms) }),
			missing: []string{"ask: p99"},
		},
		{name: "an alarm", Plan: canary, seen: led(nothing), Alarms: []string{"ask: bad"}, step: "canary 50 %", missing: []string{"the guard says: ask: bad"}},
		{name: "at the end", Plan: Plan{Mode: ModeRemote}, step: "", reason: "runs at the remote", missing: []string{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := Bounds{}.WithDefaults().Judge(Evidence{Plan: c.Plan, RemoteKnown: !c.unknown, Operations: c.seen, Alarms: c.Alarms}, GuardOptions{}.WithDefaults())
			if v.Step != c.step || v.Safe != (c.missing == nil) || len(v.Missing) != len(c.missing) {
				t.Fatalf("verdict %+v", v)
			}
			for i, part := range c.missing {
				if !strings.Contains(v.Missing[i], part) {
					t.Errorf("missing %q, want %q", v.Missing[i], part)
				}
			}
			if all := strings.Join(v.Reasons, "\n"); !strings.Contains(all, c.reason) {
				t.Errorf("reasons %q, want %q", all, c.reason)
			}
			if v.Next != nil && v.Next.Epoch != c.Plan.Epoch {
				t.Errorf("the next plan lacks the epoch: %+v", v.Next)
			}
		})
	}
}

func TestAModuleIsUnusedUntilItIsAskedForSomethingToCompare(t *testing.T) {
	op := func(repeatable bool, calls int) OperationEvidence {
		return OperationEvidence{Operation: "ask", Repeatable: repeatable, HereEver: counted(calls, 0, time.Millisecond)}
	}
	for name, c := range map[string]struct {
		mode Mode
		seen []OperationEvidence
		want bool
	}{
		"nothing asked":        {ModeLocal, []OperationEvidence{op(true, 0)}, true},
		"writes alone":         {ModeLocal, []OperationEvidence{op(true, 0), op(false, 9)}, true},
		"one read":             {ModeLocal, []OperationEvidence{op(true, 1)}, false},
		"in shadow without it": {ModeShadow, []OperationEvidence{op(true, 0)}, false},
	} {
		if v := (Bounds{}).WithDefaults().Judge(Evidence{Plan: Plan{Mode: c.mode}, RemoteKnown: true, Operations: c.seen}, GuardOptions{}); v.Unused != c.want {
			t.Errorf("%s: unused is %t", name, v.Unused)
		}
	}
}
