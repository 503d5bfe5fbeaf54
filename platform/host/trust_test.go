package host

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/rollout"
	"banyan/platform/seam"
)

// moduleProcess is a process of the module as far as its keys go: it publishes
// them, and refuses everything else.
type moduleProcess struct {
	url   string
	token string // signed by it
	asked atomic.Pointer[func()]
}

const audience = "ledger" // another module, which the process calls

func newModuleProcess(t *testing.T) *moduleProcess {
	t.Helper()
	ring, err := identity.NewKeyring(identity.KeyringOptions{Module: notes.Module})
	if err != nil {
		t.Fatal(err)
	}
	m := &moduleProcess{}
	if m.token, err = ring.Token(identity.Caller{Service: notes.Module}, audience); err != nil {
		t.Fatal(err)
	}
	keys := identity.JWKSHandler(ring)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == identity.JWKSPath {
			keys.ServeHTTP(w, r)
			return
		}
		if asked := m.asked.Load(); asked != nil {
			(*asked)()
		}
		http.Error(w, "no", http.StatusForbidden)
	}))
	t.Cleanup(server.Close)
	m.url = server.URL
	return m
}

// isTrusted reports whether the process may act for its module.
func (m *moduleProcess) isTrusted(t *testing.T, p *Process) bool {
	t.Helper()
	check, err := p.verifier.VerifyFor(context.Background(), m.token, audience, audience)
	if err != nil && !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("verify: %v", err)
	}
	return err == nil && check.Caller.Service == notes.Module
}

func planAt(mode seam.Mode, at ...*moduleProcess) rollout.Plan {
	p := rollout.Plan{Module: notes.Module, Place: rollout.Place{Mode: mode}}
	for _, m := range at {
		p.URLs = append(p.URLs, m.url)
	}
	if mode == seam.ModeShadow || mode == seam.ModeCanary {
		p.Percent = 10
	}
	return p
}

// Whose tokens this process takes is what the plan in force says, whatever way led
// there.
func TestTrustFollowsThePlanInForce(t *testing.T) {
	p := newProcess(t)
	mover := p.slots[0].mover
	a, b := newModuleProcess(t), newModuleProcess(t)
	for i, step := range []struct {
		plan    rollout.Plan
		trusted []*moduleProcess
	}{
		{planAt(seam.ModeRemote, a), []*moduleProcess{a}},
		{planAt(seam.ModeRemote, b), []*moduleProcess{b}},
		{planAt(seam.ModeRemote, a), []*moduleProcess{a}}, // A → B → A
		{planAt(seam.ModeLocal, a), nil},                  // its address is kept for the next step out
		{planAt(seam.ModeShadow, b), []*moduleProcess{b}},
		{planAt(seam.ModeCanary, b), []*moduleProcess{b}},
		{planAt(seam.ModeRemote, a, b), []*moduleProcess{a, b}},
		{planAt(seam.ModeRemote, b), []*moduleProcess{b}},
		{planAt(seam.ModeLocal), nil},
	} {
		if err := mover.Follow(t.Context(), step.plan); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		for name, one := range map[string]*moduleProcess{"A": a, "B": b} {
			if got, want := one.isTrusted(t, p), slices.Contains(step.trusted, one); got != want {
				t.Errorf("step %d, %s: %s is trusted: %t, want %t", i, step.plan.Mode, name, got, want)
			}
		}
	}
}

// The process that a change leads to is trusted while the change is made, since
// it may have to call this one, and not longer when the change fails.
func TestAChangeThatFailsLeavesNoTrust(t *testing.T) {
	p := newProcess(t)
	mover := p.slots[0].mover
	a, b := newModuleProcess(t), newModuleProcess(t)
	for _, before := range []rollout.Plan{planAt(seam.ModeLocal), planAt(seam.ModeCanary, a)} {
		if err := mover.Follow(t.Context(), before); err != nil {
			t.Fatal(err)
		}
		asked, trusted := false, false
		look := func() {
			asked = true
			trusted = b.isTrusted(t, p) && a.isTrusted(t, p) == (before.Mode != seam.ModeLocal)
		}
		b.asked.Store(&look)
		if err := mover.Apply(t.Context(), planAt(seam.ModeRemote, b)); err == nil {
			t.Fatal("the writes were handed to a process that refuses them")
		}
		b.asked.Store(nil)
		if !asked || !trusted {
			t.Errorf("from %s: while the change is made the trust is wrong (asked: %t)", before.Mode, asked)
		}
		if b.isTrusted(t, p) || a.isTrusted(t, p) != (before.Mode != seam.ModeLocal) {
			t.Errorf("from %s: after a change that failed the trust is another", before.Mode)
		}
	}
}
