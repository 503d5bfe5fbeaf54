package process_test

import (
	"context"
	"strings"
	"syscall"
	"testing"
	"time"

	"banyan/modules/reputation"
	seamclient "banyan/platform/seam/client"
)

// steps are a module's states on the way out and back.
var steps = []step{{"shadow", 20}, {"canary", 10}, {"canary", 50}, {"remote", 0}, {"local", 0}}

// moveAll moves each module out of the running program step by step and back,
// and then all of them together, while the load reads and writes: no call
// fails, every write is there exactly once, and each module ends where the
// operator put it.
func moveAll(t *testing.T, p place, f *figures) {
	g := p.startCluster(t, nil)
	c := g.newLoad()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	wait := c.start(ctx)
	stay := either(150*time.Millisecond, 3*time.Second)
	pause(stay)
	for _, together := range [][]string{modules[:1], modules[1:2], modules[2:], modules} {
		for _, to := range steps {
			for _, m := range together {
				if err := g.setState(m, to); err != nil {
					t.Fatal(err)
				}
			}
			pause(stay)
		}
	}
	stop()
	wait()
	written := c.audit(g)
	rollbacks := 0
	for _, m := range modules {
		rollbacks += g.checkLocal(m, 2)
	}
	f.say(t, "%d requests of %d callers, %d failed; %d writes acknowledged, each there once", c.requests(), callers, c.failed, written)
	f.say(t, "12 hand-overs; longest pause of a %s, of a %s; the guard rolled back %d times", c.slowest("write"), c.slowest("read"), rollbacks)
}

// checkLocal looks at what the operator sees of a module that has been moved out and
// back a number of times, and returns the rollbacks of its guard: on a busy
// machine a remote may look too slow.
func (g *cluster) checkLocal(module string, times int) (automatic int) {
	g.t.Helper()
	var state struct {
		Plan  struct{ Mode string }
		Route struct {
			Mode      string
			Endpoints []seamclient.Status
			Ownership struct {
				Owner string
				Epoch int
			}
		}
	}
	g.trunk.must("GET", "/api/v1/operator/modules/"+module, g.token, nil, &state)
	r := state.Route
	if state.Plan.Mode != "local" || r.Mode != "local" || r.Ownership.Owner != "trunk" || r.Ownership.Epoch != 1+2*times {
		g.t.Errorf("%s after all the steps: %+v", module, state)
	}
	if len(r.Endpoints) != 1 || r.Endpoints[0].URL != g.url[module] || r.Endpoints[0].Calls == 0 {
		g.t.Errorf("the endpoints of %s: %+v", module, r.Endpoints)
	}
	entries, automatic := g.history(module)
	if byHand := len(entries) - automatic; byHand != times*len(steps) {
		g.t.Errorf("the audit of %s has %d changes by the operator, want %d", module, byHand, times*len(steps))
	}
	return automatic
}

// TestAModuleThatHangsIsNotHandedOver: the operator is told after the time
// of one call, and can move the module to another state.
func TestAModuleThatHangsIsNotHandedOver(t *testing.T) {
	g := place{[]string{"BANYAN_DATA=" + t.TempDir()}}.startCluster(t, nil, "BANYAN_MODULES_REPUTATION_TIMEOUT=1s", "BANYAN_HTTP_WRITE_TIMEOUT=10m")
	frozen := g.alone[reputation.Name]
	if err := frozen.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := g.setState(reputation.Name, step{"remote", 0}); err == nil || !strings.Contains(err.Error(), "deadline_exceeded") {
		t.Errorf("the writes went to a process that hangs: %v", err)
	}
	if err := g.setState(reputation.Name, step{"shadow", 10}); err != nil {
		t.Error(err)
	}
	if err := frozen.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if err := g.setState(reputation.Name, step{"remote", 0}); err != nil {
		t.Error(err)
	}
}
