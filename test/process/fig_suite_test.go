package process_test

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// otherSuites is what the tests and benchmarks of other packages show; they are
// run as they are, by the full version only.
var otherSuites = []proof{
	{"never two writers, in simulated schedules", tested("./platform/ownership", "TestNoScheduleHasTwoWriters", "schedules:",
		"pauses, restarts, late and lost news: one owner and one writer in each epoch")},
	{"the history of two processes is linearizable", tested("./platform/ownership", "TestTheHistoryOfTwoProcessesIsLinearizable", "operations",
		"SQLite and PostgreSQL, looked through by porcupine")},
	{"an operator moves reputation on the page", tested("./web/browser", "TestAnOperatorMovesTheRealModuleUnderLoad", "",
		"local, shadow, canary, remote and back by its buttons in Chromium while 4 people read; no error, and the figures move")},
	{"what it costs, each beside its baseline", costs},
}

// logged is a line of a test's log, without its place.
var logged = regexp.MustCompile(`(?m)^\s+\w+_test\.go:\d+: (.*)$`)

// tested runs a test, takes over its lines with a word, and says what it is.
func tested(pkg, name, word, says string) func(*testing.T, *figures) {
	return func(t *testing.T, f *figures) {
		said := goTest(t, pkg, "-run", "^"+name+"$", "-v")
		isSkipped := strings.Contains(said, "--- SKIP: "+name)
		if !isSkipped && !strings.Contains(said, "--- PASS: "+name) {
			t.Fatalf("%s has no %s any more:\n%s", pkg, name, said)
		}
		for _, line := range logged.FindAllStringSubmatch(said, -1) {
			if isSkipped || word != "" && strings.Contains(line[1], word) {
				f.say(t, "%s", line[1])
			}
		}
		if isSkipped {
			t.SkipNow()
		}
		f.say(t, "%s (%s in %s)", says, name, pkg)
	}
}

// goTest returns what a run says, and fails the test if it does.
func goTest(t *testing.T, pkg string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"test", pkg, "-count=1"}, args...)...)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go test %s %v: %v\n%s", pkg, args, err, out)
	}
	return string(out)
}

// costs runs the benchmarks of the seam and of the hand-over. Their figures are
// this machine's and of this moment: nothing is asserted of them.
func costs(t *testing.T, f *figures) {
	seam := goTest(t, "./platform/seam", "-run", "^$", "-bench", "^Benchmark(LocalRoute|ShadowedRoute|RemoteCall)$")
	f.say(t, "a local route adds %s ns to a bare call, one that shadows 10 %% %s ns (at most 250 are allowed)",
		figure(t, seam, "LocalRoute", "over-bare-ns"), figure(t, seam, "ShadowedRoute/with_room", "over-bare-ns"))
	f.say(t, "a remote call is at %s %% of hand-written net/http, by processor time at %s %% (90 at least)",
		figure(t, seam, "RemoteCall", "%-of-hand-written"), figure(t, seam, "RemoteCall", "%-of-hand-written-by-CPU"))
	handOver := goTest(t, "./platform/ownership", "-run", "^$", "-bench", "^BenchmarkHandOver$")
	for _, dialect := range []string{"sqlite", "postgres"} {
		f.say(t, "handing over on %s pauses the writes of 64 callers for %s ms, at most %s ms (10); without it the disk does for %s ms",
			dialect, figure(t, handOver, "HandOver/"+dialect, "pause_p50_ms"), figure(t, handOver, "HandOver/"+dialect, "pause_max_ms"),
			figure(t, handOver, "HandOver/"+dialect, "without_max_ms"))
	}
}

// figure finds "76.27 over-bare-ns" in a benchmark's line.
func figure(t *testing.T, said, benchmark, unit string) string {
	t.Helper()
	line := regexp.MustCompile(`(?m)^Benchmark` + regexp.QuoteMeta(benchmark) + `(-\d+)?\s.*$`).FindString(said)
	found := regexp.MustCompile(`([0-9.]+) ` + regexp.QuoteMeta(unit) + `(\s|$)`).FindStringSubmatch(line)
	if found == nil {
		t.Errorf("no %s of %s in:\n%s", unit, benchmark, said)
		return "?"
	}
	return found[1]
}
