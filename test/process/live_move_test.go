package process_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"banyan/platform/rollout"
	"banyan/platform/testenv/testneeds"
	"banyan/platform/transfer"
)

// startAlone starts a trunk with no module beside it.
func (p place) startAlone(t *testing.T, env ...string) *cluster {
	t.Helper()
	listen := testneeds.Address(t)
	g := &cluster{place: p, t: t}
	g.env = append(env, "BANYAN_PUBLIC_URL=http://"+listen,
		fmt.Sprintf("BANYAN_REPUTATION_SEEDS=%s,%s", newAuthor(0).address, newAuthor(1).address))
	g.trunk = p.start(t, g.env, "--listen", listen)
	g.token = p.token(t)
	return g
}

// again starts the trunk again at its address.
func (g *cluster) again() {
	g.t.Helper()
	g.trunk = g.start(g.t, g.env, "--listen", strings.TrimPrefix(g.trunk.url, "http://"))
}

// beginMove begins a move of a module's data; to may be home.
func (g *cluster) beginMove(module, to string) rollout.MoveState {
	g.t.Helper()
	body := fmt.Sprintf(`{"to":%q}`, to)
	var state rollout.MoveState
	g.trunk.must("POST", "/api/v1/operator/modules/"+module+"/move", g.token, strings.NewReader(body), &state)
	return state
}

// moveOf is where the move of a module's data is; without one it has no step.
func (g *cluster) moveOf(module string) rollout.MoveState {
	g.t.Helper()
	var state rollout.ModuleState
	g.trunk.must("GET", "/api/v1/operator/modules/"+module, g.token, nil, &state)
	if state.Move == nil {
		return rollout.MoveState{}
	}
	return *state.Move
}

// awaitMove waits until a move has ended well.
func (g *cluster) awaitMove(module string) (state rollout.MoveState) {
	g.t.Helper()
	eventually(g.t, "the move of "+module+" ends", func() bool {
		state = g.moveOf(module)
		return state.Ended
	})
	if state.Step != transfer.StepDone {
		var log []string
		for line := range strings.Lines(g.trunk.logged()) {
			if strings.Contains(line, "the move of a module's data") {
				log = append(log, line)
			}
		}
		g.t.Fatalf("the move of %s ended so: %+v\n%s", module, state, strings.Join(log, ""))
	}
	return state
}

// TestMove shows that a module's data moves while it is used. By itself it is short;
// `make move` runs it at full length and prints the table.
func TestMove(t *testing.T) {
	for _, p := range []proof{
		{"data of each module to PostgreSQL and back, under load", moveDataUnderLoad},
		{"killed at random moments of a move, under load", killDuringMoves},
		{"data of each module to another host and back, under load", moveToHostsUnderLoad},
		{"either process killed or stopped at random moments of a move to another host", disturbHosts},
	} {
		f := &figures{begun: time.Now(), mark: "FAILED"}
		ok := t.Run(p.name, func(t *testing.T) {
			p.shows(t, f)
			f.mark = "shown"
		})
		if *full {
			f.print(t, p.name, ok)
		}
	}
}

// moveDataUnderLoad: no request fails, and each acknowledged write is there once. The
// program is started again at the end, and follows.
func moveDataUnderLoad(t *testing.T, f *figures) {
	url := newPostgres(t)
	g := place{[]string{"BANYAN_DATA=" + t.TempDir(), "BANYAN_DATABASE_CONNECTIONS=5"}}.startAlone(t)
	c := g.newLoad()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	wait := c.start(ctx)
	ways := []string{url, rollout.Home}
	if *full {
		ways = slices.Repeat(ways, 5)
	}
	ways = append(ways, url) // there one module stays
	var moves []rollout.MoveState
	for n, to := range ways {
		moved := modules
		if n == len(ways)-1 {
			moved = modules[:1]
		}
		for _, module := range moved {
			g.beginMove(module, to)
			state := g.awaitMove(module)
			moves = append(moves, state)
			t.Logf("%s to %s: %d rows, %d rounds, writes waited %d ms", module, state.To, state.Rows, state.Rounds, state.PauseMS)
		}
		pause(either(200*time.Millisecond, time.Second))
	}
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

// disturbances are what moves were disturbed with, in several runs: each begins with new
// data, which grows by what its load writes.
type disturbances struct {
	count, written, repeated int
	at                       map[transfer.Step]int
	how                      map[string]int
}

// disturb has a run disturb some moves, several times at full length.
func disturb(t *testing.T, f *figures, stream uint64, each int, run func(t *testing.T, moments *rand.Rand, d *disturbances)) {
	d := disturbances{at: map[transfer.Step]int{}, how: map[string]int{}}
	moments := rand.New(rand.NewPCG(*figSeed, stream))
	for n := range either(1, 5) {
		if !t.Run(fmt.Sprintf("run %d", n+1), func(t *testing.T) {
			d.count += each
			run(t, moments, &d)
		}) {
			t.Fatalf("-fig.seed %d", *figSeed)
		}
	}
	f.say(t, "%d disturbances (%v), at these steps: %v; %d writes acknowledged, each there once (%d sent again); -fig.seed %d", d.count, d.how, d.at, d.written, d.repeated, *figSeed)
}

// disturbedLoad is one in which requests fail while a process is not there.
func (g *cluster) disturbedLoad(d *disturbances) (end func()) {
	c := g.newLoad()
	c.retryFor = time.Minute
	c.mayFail = func(string) func() bool { return func() bool { return true } }
	ctx, stop := context.WithCancel(g.t.Context())
	wait := c.start(ctx)
	pause(500 * time.Millisecond)
	return func() {
		stop()
		wait()
		d.written += c.audit(g)
		d.repeated += c.repeated
	}
}

// killDuringMoves kills the program at random moments of moves: it goes on when it is
// started again, or the same command finishes it, and each write that was acknowledged
// is there once.
func killDuringMoves(t *testing.T, f *figures) {
	kills := either(4, 20)
	disturb(t, f, 17, kills, func(t *testing.T, moments *rand.Rand, d *disturbances) {
		url := newPostgres(t)
		g := place{[]string{"BANYAN_DATA=" + t.TempDir(), "BANYAN_DATABASE_CONNECTIONS=5"}}.startAlone(t, "BANYAN_MOVE_RATE=4MiB")
		end := g.disturbedLoad(d)
		for n := range kills {
			module := modules[n%len(modules)]
			to := []string{url, rollout.Home}[(n/len(modules))%2]
			g.beginMove(module, to)
			pause(time.Duration(moments.Int64N(int64(1500 * time.Millisecond))))
			d.at[g.moveOf(module).Step]++
			d.how["program killed"]++
			g.trunk.kill()
			g.again()
			g.finishMove(module, to)
		}
		end()
	})
}

// finishMove waits for the move that goes on, or has the same command make it.
func (g *cluster) finishMove(module, to string) {
	g.t.Helper()
	state := g.moveOf(module)
	if state.Step == "" { // it was over, or had not begun
		status, text, err := call(g.t.Context(), "POST", g.trunk.url+"/api/v1/operator/modules/"+module+"/move", g.token, strings.NewReader(fmt.Sprintf(`{"to":%q}`, to)), nil)
		if err == nil && status == 409 && (strings.Contains(text, "already") || strings.Contains(text, "nothing to move back")) {
			return
		}
		if err != nil || status != 200 {
			g.t.Fatalf("the same move again: %d %s %v", status, text, err)
		}
	}
	g.awaitMove(module)
}

// TestCommandsReadDataWhereItIs: a file that a module's data has left is not migrated any
// longer, and says nothing about the data.
func TestCommandsReadDataWhereItIs(t *testing.T) {
	folder := t.TempDir()
	g := place{[]string{"BANYAN_DATA=" + folder, "BANYAN_DATABASE_CONNECTIONS=5"}}.startAlone(t)
	write(t, g.trunk, newAuthor(1), "kraken", 4)
	g.beginMove("exchange-review", newPostgres(t))
	g.awaitMove("exchange-review")
	write(t, g.trunk, newAuthor(2), "kraken", 5)
	left, err := sql.Open("sqlite3", filepath.Join(folder, "exchange-review.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = left.Close() }()
	// What a newer program's migration of the data leaves behind.
	if _, err := left.ExecContext(t.Context(), `DELETE FROM goose_events`); err != nil {
		t.Fatal(err)
	}
	g.command(t, true, `{"n":2}`, "database", "shell", "exchange-review", "--json", "SELECT COUNT(*) AS n FROM review")
	g.command(t, true, "exchange-review: nothing is wrong", "database", "check", "exchange-review")
	g.command(t, true, "exchange-review is up to date", "migrate", "up")
	g.command(t, true, "reputation.activity", "events", "status")
	g.command(t, true, "database exchange-review", "doctor")
}
