package process_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// chaosRounds is how many faults there are, each of another kind, module and moment.
const chaosRounds = 6

// TestChaos: processes are killed and frozen, connections slowed and cut, and writes
// handed over meanwhile, under the load that operators can make themselves; their audit
// finds every acknowledged write once.
func TestChaos(t *testing.T) {
	if !*full {
		t.Skip("SKIPPED: `make chaos` runs it (-fig), and TestFig what is like it")
	}
	eachPlace(t, func(t *testing.T, p place) {
		s := newFaultyCluster(t, p)
		log := filepath.Join(t.TempDir(), "load.ndjson")
		cmd := exec.Command(banyanPath, "load", "--server", s.trunk.url, "--duration", "1h", "--rate", "60", "--callers", "32", "--retry", "2m", "--log", log)
		cmd.Env, cmd.Dir, cmd.Stdout = append(os.Environ(), "BANYAN_TOKEN="+s.token), t.TempDir(), os.Stdout
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := false
		defer func() {
			if !ended {
				_ = cmd.Process.Kill() // the test has failed
				_ = cmd.Wait()
			}
		}()
		for n := range chaosRounds {
			s.round(n)
		}
		for _, m := range modules {
			s.must(m, step{"local", 0})
		}
		_ = cmd.Process.Signal(os.Interrupt) // it may have ended, which Wait says
		err := cmd.Wait()
		ended = true
		if err != nil {
			t.Fatalf("the load ends with %v", err)
		}
		t.Logf("%s (the same moments again: -fig.seed %d)", s.count, *figSeed)
		l := loaded{place: s.place, site: s.trunk, log: log, env: []string{"BANYAN_TOKEN=" + s.token}}
		for _, d := range l.audit(t, log) {
			t.Errorf("%+v", d)
		}
	})
}
