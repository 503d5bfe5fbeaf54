package process_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"banyan/platform/rollout"
	"banyan/platform/testenv/testneeds"
	"banyan/platform/transfer"
)

// others are processes of the modules, each over an empty folder of its own, as on other
// hosts.
func (g *cluster) startOthers() {
	g.t.Helper()
	g.at, g.url, g.alone = make(map[string]string), make(map[string]string), make(map[string]*process)
	g.folders = make(map[string]string)
	for _, m := range modules {
		g.at[m], g.folders[m] = testneeds.Address(g.t), g.t.TempDir()
		g.url[m] = "http://" + g.at[m]
		g.startOther(m)
	}
}

// startOther starts the process of a module over its own folder, the first time or again.
func (g *cluster) startOther(module string) {
	g.t.Helper()
	env := append(slices.Clone(g.env), "BANYAN_DATA="+g.folders[module], "BANYAN_IDENTITY_TRUNK_URL="+g.trunk.url)
	g.alone[module] = g.start(g.t, env, "--module", module, "--listen", g.at[module])
}

// moveToHostsUnderLoad: each module's data goes to a process with a folder of its own, and
// back: no request fails, and each acknowledged write is there once.
func moveToHostsUnderLoad(t *testing.T, f *figures) {
	g := place{[]string{"BANYAN_DATA=" + t.TempDir()}}.startAlone(t)
	g.startOthers()
	c := g.newLoad()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	wait := c.start(ctx)
	var moves []rollout.MoveState
	rounds := either(1, 5)
	for n := range 2 * rounds {
		for _, module := range modules {
			to := g.url[module]
			if n%2 == 1 {
				to = rollout.Home
			}
			g.beginMove(module, to)
			state := g.awaitMove(module)
			moves = append(moves, state)
			t.Logf("%s to %s: %d rows, %d rounds, writes waited %d ms", module, state.To, state.Rows, state.Rounds, state.PauseMS)
		}
		pause(either(200*time.Millisecond, time.Second))
	}
	g.beginMove(modules[0], g.url[modules[0]]) // it stays there
	g.awaitMove(modules[0])
	stop()
	wait()
	written := c.audit(g)
	if err := g.trunk.stop(); err != nil {
		t.Fatal(err)
	}
	g.again() // it finds the data where it is
	c.audit(g)
	pauses := make([]int64, len(moves))
	rows := int64(0)
	for i, m := range moves {
		pauses[i], rows = m.PauseMS, rows+m.Rows
	}
	slices.Sort(pauses)
	f.say(t, "%d moves, %d rows; writes waited %d ms (median), %d ms (longest)", len(moves), rows, pauses[len(pauses)/2], pauses[len(pauses)-1])
	f.say(t, "%d requests of %d callers, %d failed; %d writes acknowledged, each there once; longest %s, %s",
		c.requests(), callers, c.failed, written, c.slowest("write"), c.slowest("read"))
}

// disturbHosts kills or stops either process at random moments of moves to other hosts and
// back: the move goes on, or the same command makes it again, and each write that was
// acknowledged is there once.
func disturbHosts(t *testing.T, f *figures) {
	rounds := either(6, 20)
	disturb(t, f, 18, rounds, func(t *testing.T, moments *rand.Rand, d *disturbances) {
		g := place{[]string{"BANYAN_DATA=" + t.TempDir()}}.startAlone(t, "BANYAN_MOVE_RATE=4MiB")
		g.startOthers()
		end := g.disturbedLoad(d)
		for n := range rounds {
			module := modules[n%len(modules)]
			to := []string{g.url[module], rollout.Home}[(n/len(modules))%2]
			g.beginMove(module, to)
			pause(time.Duration(moments.Int64N(int64(1500 * time.Millisecond))))
			d.at[g.moveOf(module).Step]++
			what := []string{"trunk killed", "module's process killed", "module's process stopped for a while"}[moments.IntN(3)]
			d.how[what]++
			switch other := g.alone[module]; what {
			case "trunk killed":
				g.trunk.kill()
				g.again()
			case "module's process killed":
				other.kill()
				g.startOther(module)
			default:
				g.freeze(other, time.Duration(moments.Int64N(int64(3*time.Second))))
			}
			g.finishHostMove(module, to)
		}
		end()
	})
}

// freeze stops a process for a while, which its connections do not notice.
func (g *cluster) freeze(p *process, d time.Duration) {
	g.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		g.t.Fatal(err)
	}
	pause(d)
	if err := p.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		g.t.Fatal(err)
	}
}

// finishHostMove waits for the move that goes on, and has the same command make it again
// as long as it has not.
func (g *cluster) finishHostMove(module, to string) {
	g.t.Helper()
	for range 10 {
		var state rollout.MoveState
		eventually(g.t, "the move of "+module+" ends", func() bool {
			state = g.moveOf(module)
			return state.Step == "" || state.Ended
		})
		if state.Step == transfer.StepDone {
			return
		}
		status, text, err := call(g.t.Context(), "POST", g.trunk.url+"/api/v1/operator/modules/"+module+"/move", g.token, strings.NewReader(fmt.Sprintf(`{"to":%q}`, to)), nil)
		switch {
		case err == nil && status == 409 && (strings.Contains(text, "bring it home first") || strings.Contains(text, "nothing to move back")):
			return // it was made
		case err != nil || status != 200 && status != 409 && status != 503:
			g.t.Fatalf("the same move again: %d %s %v", status, text, err)
		case status != 200:
			g.t.Logf("%s to %s again: %d %s", module, to, status, text)
			pause(time.Second)
		}
	}
	g.t.Fatalf("the move of %s to %s does not end: %+v", module, to, g.moveOf(module))
}
