package seam

import (
	"strings"
	"testing"
	"time"
)

func TestTheVerdict(t *testing.T) {
	const ms = time.Millisecond
	shadow := Plan{Mode: ModeShadow, Percent: 10, Epoch: 3}
	canary := Plan{Mode: ModeCanary, Percent: 10}
	good := func() operationEvidence {
		return operationEvidence{operation: "ask", repeatable: true, operationCounts: operationCounts{
			matched: 1000, local: counted(10_000, 0, ms), shadow: counted(1000, 0, 2*ms),
		}}
	}
	with := func(change func(*operationEvidence)) []operationEvidence {
		op := good()
		change(&op)
		return []operationEvidence{op}
	}
	led := func(change func(*operationEvidence)) []operationEvidence {
		return with(func(o *operationEvidence) {
			o.canary, o.remote = 1000, counted(1000, 0, 2*ms)
			change(o)
		})
	}
	as := func(*operationEvidence) {}
	for _, c := range []struct {
		name    string
		plan    Plan
		unknown bool // no remote
		seen    []operationEvidence
		alarms  []string
		step    string
		missing []string // parts; none = safe
		reason  string   // a part
	}{
		{name: "local", plan: Plan{Mode: ModeLocal}, step: "shadow 10 %", reason: "answers nobody"},
		{name: "local and nowhere to go", plan: Plan{Mode: ModeLocal}, unknown: true, step: "shadow 10 %", missing: []string{"no remote is known"}},
		{name: "a good shadow", plan: shadow, seen: with(as), step: "canary 10 %", reason: "100.00 % of the answers match"},
		{name: "a shadow without reads", plan: shadow, step: "canary 10 %", missing: []string{"0 of 1000 comparisons"}},
		{name: "too few", plan: shadow, seen: with(func(o *operationEvidence) { o.matched = 999 }), step: "canary 10 %", missing: []string{"999 of 1000"}},
		{
			name: "a lasting difference among a million", plan: shadow, step: "canary 10 %",
			seen:    with(func(o *operationEvidence) { o.matched, o.lasting = 1_000_000, 1 }),
			missing: []string{"ask: 1 lasting difference"},
		},
		{
			name: "few that pass", plan: shadow, step: "canary 10 %", reason: "99.90 % of the answers match",
			seen: with(func(o *operationEvidence) { o.matched, o.passing = 999, 1 }),
		},
		{
			name: "many that pass", plan: shadow, step: "canary 10 %",
			seen:    with(func(o *operationEvidence) { o.matched, o.passing = 1000, 2 }),
			missing: []string{"99.80 % of the answers match"},
		},
		{
			name: "a failure", plan: shadow, step: "canary 10 %",
			seen:    with(func(o *operationEvidence) { o.failed = 1 }),
			missing: []string{"ask: the remote failed 1 times"},
		},
		{
			name: "a slow remote", plan: shadow, step: "canary 10 %",
			seen:    with(func(o *operationEvidence) { o.shadow = counted(1000, 0, 50*ms) }),
			missing: []string{"ask: p99 at the remote"},
		},
		{
			name: "an operation that is hardly compared", plan: shadow, step: "canary 10 %",
			seen: append(with(as), operationEvidence{
				operation: "list", repeatable: true,
				operationCounts: operationCounts{matched: 19, local: counted(100, 0, ms)},
			}),
			missing: []string{"list: 19 of 20 equal answers"},
		},
		{
			name: "an operation that is asked seldom", plan: shadow, step: "canary 10 %", missing: []string{"list: 0 of 20 equal answers"},
			seen: append(with(as), operationEvidence{operation: "list", repeatable: true, operationCounts: operationCounts{local: counted(1, 0, ms)}}),
		},
		{
			name: "an operation that is not asked", plan: shadow, step: "canary 10 %", reason: "no lasting difference",
			seen: append(with(as), operationEvidence{operation: "list", repeatable: true}),
		},
		{
			name: "an empty database on both sides", plan: shadow, step: "canary 10 %",
			seen: []operationEvidence{{operation: "claim", repeatable: true, operationCounts: operationCounts{
				errors: 1302, local: counted(1302, 0, ms), shadow: counted(1302, 0, 2*ms),
			}}},
			missing: []string{"claim: 0 of 20 equal answers (1302 equal errors are no evidence", "0 of 1000 comparisons are made (1302 equal errors"},
		},
		{
			name: "one operation that both refuse beside a good one", plan: shadow, step: "canary 10 %",
			seen: append(with(as), operationEvidence{operation: "claim", repeatable: true, operationCounts: operationCounts{
				matched: 19, errors: 5000, local: counted(5019, 0, ms),
			}}),
			missing: []string{"claim: 19 of 20 equal answers (5000 equal errors"},
		},
		{
			name: "writes are not compared", plan: shadow, step: "canary 10 %", reason: "no lasting difference",
			seen: append(with(as), operationEvidence{operation: "tell", operationCounts: operationCounts{local: counted(5000, 0, ms)}}),
		},
		{name: "a small canary", plan: Plan{Mode: ModeCanary, Percent: 1}, seen: led(as), step: "canary 10 %", reason: "1000 reads"},
		{name: "a good canary", plan: canary, seen: led(as), step: "canary 50 %", reason: "0 of 1000 reads failed"},
		{name: "a good half", plan: Plan{Mode: ModeCanary, Percent: 50}, seen: led(as), step: "remote", reason: "1000 reads"},
		{name: "too few led", plan: canary, seen: led(func(o *operationEvidence) { o.canary = 12 }), step: "canary 50 %", missing: []string{"12 of 1000 reads"}},
		{
			name: "a remote that refuses everything", plan: canary, step: "canary 50 %",
			seen:    led(func(o *operationEvidence) { o.remote.refusals = 1000 }),
			missing: []string{"ask: 0 of 20 good answers", "0 of 1000 reads at this percentage, beside 1000 that the remote refused"},
		},
		{
			name: "one operation that the remote refuses", plan: canary, step: "canary 50 %",
			seen: append(led(as), operationEvidence{operation: "claim", repeatable: true, operationCounts: operationCounts{
				canary: 30, remote: sideCounts{refusals: 11, latencies: counted(30, 0, ms).latencies},
			}}),
			missing: []string{"claim: 19 of 20 good answers"},
		},
		{
			name: "fall-backs", plan: canary, step: "canary 50 %",
			seen:    led(func(o *operationEvidence) { o.fallbacks = 21 }),
			missing: []string{"21 of 1000 reads failed"},
		},
		{
			name: "a slow canary", plan: canary, step: "canary 50 %",
			seen:    led(func(o *operationEvidence) { o.remote = counted(1000, 0, 50*ms) }),
			missing: []string{"ask: p99"},
		},
		{name: "an alarm", plan: canary, seen: led(as), alarms: []string{"ask: bad"}, step: "canary 50 %", missing: []string{"the guard says: ask: bad"}},
		{name: "at the end", plan: Plan{Mode: ModeRemote}, step: "", reason: "runs at the remote", missing: []string{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := Bounds{}.orDefaults().judge(evidence{plan: c.plan, remoteKnown: !c.unknown, operations: c.seen, alarms: c.alarms}, GuardOptions{}.orDefaults())
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
			if v.Next != nil && v.Next.Epoch != c.plan.Epoch {
				t.Errorf("the next plan forgets the epoch: %+v", v.Next)
			}
		})
	}
}
