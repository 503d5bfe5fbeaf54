package process_test

import (
	"context"
	"fmt"
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
		g.t.Fatalf("the move of %s ended so: %+v", module, state)
	}
	return state
}

// Each module's data moves to PostgreSQL and back while all of them are read and
// written: no request fails, and each acknowledged write is there once. The program is
// started again in between, and follows.
func TestDataMovesToPostgreSQLAndBackUnderLoad(t *testing.T) {
	url := newPostgres(t)
	g := place{[]string{"BANYAN_DATA=" + t.TempDir(), "BANYAN_DATABASE_CONNECTIONS=5"}}.startAlone(t)
	c := g.newLoad()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	wait := c.start(ctx)
	for _, to := range []string{url, rollout.Home, url} {
		for _, module := range modules {
			g.beginMove(module, to)
			state := g.awaitMove(module)
			t.Logf("%s to %s: %d rows, %d rounds, writes waited %d ms", module, state.To, state.Rows, state.Rounds, state.PauseMS)
		}
		pause(either(200*time.Millisecond, 3*time.Second))
	}
	stop()
	wait()
	c.audit(g)
	if err := g.trunk.stop(); err != nil {
		t.Fatal(err)
	}
	g.again() // it finds the data where it is
	c.audit(g)
	t.Logf("%d requests, %d failed; longest %s, %s", c.requests(), c.failed, c.slowest("write"), c.slowest("read"))
}
