package process_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"banyan/modules/reputation"
	"banyan/platform/rollout"
)

// otherHost is a network namespace: a host of its own, with a cable to this one. No packet
// leaves the machine.
type otherHost struct {
	t            *testing.T
	name, cable  string
	here, there  string // the addresses at both ends of the cable
	program      string // the program, as it starts there
	disconnected int
}

// newOtherHost skips the test where no namespaces can be made.
func newOtherHost(t *testing.T) *otherHost {
	t.Helper()
	n := rand.IntN(200)
	h := &otherHost{
		t: t, name: fmt.Sprintf("banyan%d", n), cable: fmt.Sprintf("by%d", n),
		here: fmt.Sprintf("10.77.%d.1", n), there: fmt.Sprintf("10.77.%d.2", n),
	}
	if err := h.try("netns", "add", h.name); err != nil {
		t.Skip("no network namespace can be made (needs root and ip of iproute2): " + err.Error())
	}
	t.Cleanup(func() { _ = h.try("netns", "del", h.name) }) // the cable goes with it
	h.ip("link", "add", h.cable, "type", "veth", "peer", "name", "cable", "netns", h.name)
	h.ip("addr", "add", h.here+"/30", "dev", h.cable)
	h.ip("link", "set", h.cable, "up")
	h.ip("-n", h.name, "addr", "add", h.there+"/30", "dev", "cable")
	h.ip("-n", h.name, "link", "set", "cable", "up")
	h.ip("-n", h.name, "link", "set", "lo", "up")
	h.program = filepath.Join(t.TempDir(), "banyan")
	script := fmt.Sprintf("#!/bin/sh\nexec ip netns exec %s %s \"$@\"\n", h.name, banyanPath)
	if err := os.WriteFile(h.program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *otherHost) try(args ...string) error {
	out, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

func (h *otherHost) ip(args ...string) {
	h.t.Helper()
	if err := h.try(args...); err != nil {
		h.t.Fatal(err)
	}
}

// unplug takes the cable out for a while. Nobody is told: packets are lost.
func (h *otherHost) unplug(d time.Duration) {
	h.t.Helper()
	h.ip("link", "set", h.cable, "down")
	pause(d)
	h.ip("link", "set", h.cable, "up")
	h.disconnected++
}

// freePort is a port of this host that nobody uses.
func (h *otherHost) freePort() string {
	h.t.Helper()
	l, err := new(net.ListenConfig).Listen(h.t.Context(), "tcp", net.JoinHostPort(h.here, "0"))
	if err != nil {
		h.t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err := errors.Join(err, l.Close()); err != nil {
		h.t.Fatal(err)
	}
	return port
}

// TestMoveBetweenTwoHosts moves a module to a process in another network namespace and back
// under load, while the cable is taken out now and then: the move goes on, or the same command
// makes it again, and each write that was acknowledged is there once.
func TestMoveBetweenTwoHosts(t *testing.T) {
	h := newOtherHost(t)
	port := h.freePort()
	p := place{[]string{"BANYAN_DATA=" + t.TempDir()}}
	g := &cluster{place: p, t: t, alone: map[string]*process{}}
	g.env = []string{
		"BANYAN_PUBLIC_URL=http://127.0.0.1:" + port, "BANYAN_IDENTITY_TRUNK_URL=http://" + net.JoinHostPort(h.here, port),
		"BANYAN_PEERS_PLAIN_HTTP=true", "BANYAN_PEERS_ALLOW=10.77.0.0/16", "BANYAN_MOVE_RATE=256KiB",
		fmt.Sprintf("BANYAN_REPUTATION_SEEDS=%s,%s", newAuthor(0).address, newAuthor(1).address),
	}
	g.trunk = p.start(t, g.env, "--listen", "0.0.0.0:"+port)
	g.trunk.url = "http://127.0.0.1:" + port
	g.token = p.token(t)
	const module = reputation.Name
	g.at = map[string]string{module: net.JoinHostPort(h.there, "8081")}
	g.url = map[string]string{module: "http://" + g.at[module]}
	usual := banyanPath
	banyanPath = h.program
	g.alone[module] = p.start(t, append(slices.Clone(g.env), "BANYAN_DATA="+t.TempDir()), "--module", module, "--listen", g.at[module])
	banyanPath = usual

	c := g.newLoad()
	c.retryFor = time.Minute
	c.mayFail = func(string) func() bool { return func() bool { return true } } // the module is not there for a while
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	wait := c.start(ctx)
	pause(time.Second)
	for range either(1, 5) {
		for _, to := range []string{g.url[module], rollout.Home} {
			g.beginMove(module, to)
			pause(time.Duration(rand.Int64N(int64(time.Second))))
			at := g.moveOf(module).Step
			h.unplug(2 * time.Second)
			g.finishHostMove(module, to)
			t.Logf("the cable was out for 2 s at the step %q of the move to %s: %+v", at, to, g.moveOf(module))
			h.unplug(time.Second) // and once more after it
			eventually(t, "the module answers again", func() bool {
				status, _, err := call(ctx, "GET", g.trunk.url+"/api/v1/reputation/leaderboard", "", nil, nil)
				return err == nil && status == 200
			})
		}
	}
	stop()
	wait()
	written := c.audit(g)
	t.Logf("the cable was out %d times; %d writes acknowledged, each there once (%d sent again)", h.disconnected, written, c.repeated)
}
