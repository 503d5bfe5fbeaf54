package process_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"banyan/modules/airdrop"
	"banyan/modules/exchangereview"
	"banyan/modules/reputation"
	"banyan/platform/rollout"
	"banyan/platform/testenv/testneeds"
)

// modules are all modules, in the order in which they start.
var modules = []string{reputation.Name, exchangereview.Name, airdrop.Name}

// cluster is a trunk that holds all modules and, ready beside it over the same
// data, each module in a process of its own.
type cluster struct {
	place
	t     *testing.T
	env   []string // the same settings for all
	trunk *process
	token string              // an operator's
	at    map[string]string   // where the modules' processes listen
	url   map[string]string   // where the trunk finds them
	alone map[string]*process // the modules' processes
	// folders are theirs, where each has its own (startOthers).
	folders map[string]string
}

// startCluster starts a cluster. through returns the address at which the trunk
// reaches a module; nil is the module's own.
func (p place) startCluster(t *testing.T, through func(module, address string) string, env ...string) *cluster {
	t.Helper()
	listen := testneeds.Address(t)
	g := &cluster{place: p, t: t, at: make(map[string]string), url: make(map[string]string), alone: make(map[string]*process)}
	g.env = append(env, "BANYAN_IDENTITY_TRUNK_URL=http://"+listen, "BANYAN_PUBLIC_URL=http://"+listen,
		fmt.Sprintf("BANYAN_REPUTATION_SEEDS=%s,%s", newAuthor(0).address, newAuthor(1).address))
	for _, m := range modules {
		g.at[m] = testneeds.Address(t)
		g.url[m] = "http://" + g.at[m]
		if through != nil {
			g.url[m] = "http://" + through(m, g.at[m])
		}
		g.env = append(g.env, "BANYAN_MODULES_"+strings.ToUpper(strings.ReplaceAll(m, "-", "_"))+"_URL="+g.url[m])
	}
	g.trunk = p.start(t, g.env, "--listen", listen) // first, so that it owns all writes
	g.token = p.token(t)
	for _, m := range modules {
		g.startModule(m)
	}
	return g
}

// startModule starts a module's process, the first time or again.
func (g *cluster) startModule(module string) {
	g.t.Helper()
	g.alone[module] = g.start(g.t, g.env, "--module", module, "--listen", g.at[module])
}

// step is a state on a module's way.
type step struct {
	mode    string
	percent int
}

func (s step) String() string {
	if s.percent > 0 {
		return fmt.Sprintf("%s %d %%", s.mode, s.percent)
	}
	return s.mode
}

// setState asks the operator's API to bring a module to a state.
func (g *cluster) setState(module string, to step) error {
	body := fmt.Sprintf(`{"mode":%q,"percent":%d,"urls":[%q],"why":"the test says so","anyway":true}`, to.mode, to.percent, g.url[module])
	status, text, err := call(g.t.Context(), "PUT", g.trunk.url+"/api/v1/operator/modules/"+module, g.token, strings.NewReader(body), nil)
	if err == nil && status != 200 {
		err = fmt.Errorf("%d %s", status, text)
	}
	if err != nil {
		return fmt.Errorf("%s to %s: %w", module, to, err)
	}
	return nil
}

// history are a module's last 200 changes, and how many of all were the guard's.
func (g *cluster) history(module string) (entries []rollout.Entry, automatic int) {
	g.t.Helper()
	var page rollout.AuditPage
	g.trunk.must("GET", "/api/v1/operator/modules/"+module+"/audit?limit=200", g.token, nil, &page)
	for _, e := range page.Entries {
		if e.Automatic {
			automatic++
		}
	}
	return page.Entries, automatic
}

// pause lets the traffic go on for a while; nothing is asserted of the time.
func pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
}
