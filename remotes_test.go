package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"banyan/modules/airdrop"
	"banyan/modules/reputation"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/seam"
	"banyan/platform/strangler/control"
	"banyan/web"
)

// branch is a process of the reputation module as far as its keys go: it
// publishes them, and refuses everything else.
type branch struct {
	url   string
	token string // signed by it
	asked atomic.Pointer[func()]
}

func newBranch(t *testing.T) *branch {
	t.Helper()
	ring, err := identity.NewKeyring(identity.KeyringOptions{Module: reputation.Name})
	if err != nil {
		t.Fatal(err)
	}
	b := &branch{}
	if b.token, err = ring.Token(identity.Caller{Service: reputation.Name}, airdrop.Name); err != nil {
		t.Fatal(err)
	}
	keys := identity.JWKSHandler(ring)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == identity.JWKSPath {
			keys.ServeHTTP(w, r)
			return
		}
		if asked := b.asked.Load(); asked != nil {
			(*asked)()
		}
		http.Error(w, "no", http.StatusForbidden)
	}))
	t.Cleanup(server.Close)
	b.url = server.URL
	return b
}

// reputationRoot is that of a whole program, which does not run.
func reputationRoot(t *testing.T) *root {
	t.Helper()
	t.Chdir(t.TempDir())
	t.Setenv("BANYAN_DATA", t.TempDir())
	t.Setenv("BANYAN_LOG_LEVEL", "error")
	cfg, _, err := (&settings{}).load()
	if err != nil {
		t.Fatal(err)
	}
	h, err := build(t.Context(), cfg, time.Now, web.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.close(); err != nil {
			t.Error(err)
		}
	})
	i := slices.IndexFunc(h.roots, func(r *root) bool { return r.contract.Module == reputation.Name })
	return h.roots[i]
}

// isTrusted reports whether the branch may speak for its module.
func (b *branch) isTrusted(t *testing.T, r *root) bool {
	t.Helper()
	caller, err := r.house.verifier.Verify(context.Background(), b.token, airdrop.Name)
	if err != nil && !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("verify: %v", err)
	}
	return err == nil && caller.Service == reputation.Name
}

func placeAt(mode seam.Mode, at ...*branch) control.Plan {
	p := control.Plan{Place: control.Place{Mode: mode}}
	for _, b := range at {
		p.URLs = append(p.URLs, b.url)
	}
	if mode == seam.ModeShadow || mode == seam.ModeCanary {
		p.Percent = 10
	}
	return p
}

// Whose keys are trusted, and which remotes are open, is what the plan in force
// says, whatever way led there.
func TestTrustFollowsThePlanInForce(t *testing.T) {
	r := reputationRoot(t)
	a, b := newBranch(t), newBranch(t)
	for i, step := range []struct {
		plan    control.Plan
		trusted []*branch
	}{
		{placeAt(seam.ModeRemote, a), []*branch{a}},
		{placeAt(seam.ModeRemote, b), []*branch{b}},
		{placeAt(seam.ModeRemote, a), []*branch{a}}, // A → B → A
		{placeAt(seam.ModeLocal, a), nil},           // its address is kept for the next step out
		{placeAt(seam.ModeShadow, b), []*branch{b}},
		{placeAt(seam.ModeCanary, b), []*branch{b}},
		{placeAt(seam.ModeRemote, a, b), []*branch{a, b}},
		{placeAt(seam.ModeRemote, b), []*branch{b}},
		{placeAt(seam.ModeLocal), nil},
	} {
		if err := r.Follow(t.Context(), step.plan); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		for name, one := range map[string]*branch{"A": a, "B": b} {
			if got, want := one.isTrusted(t, r), slices.Contains(step.trusted, one); got != want {
				t.Errorf("step %d, %s: %s is trusted: %t, want %t", i, step.plan.Mode, name, got, want)
			}
		}
		if open := len(r.remotes.open); open != min(1, len(step.trusted)) {
			t.Errorf("step %d, %s: %d remotes are open", i, step.plan.Mode, open)
		}
	}
}

// The process that a change leads to is trusted while the change is made, since
// it may have to call this one, and not longer when the change fails.
func TestAChangeThatFailsLeavesNoTrust(t *testing.T) {
	r := reputationRoot(t)
	a, b := newBranch(t), newBranch(t)
	for _, before := range []control.Plan{placeAt(seam.ModeLocal), placeAt(seam.ModeCanary, a)} {
		if err := r.Follow(t.Context(), before); err != nil {
			t.Fatal(err)
		}
		asked, trusted := false, false
		look := func() {
			asked = true
			trusted = b.isTrusted(t, r) && a.isTrusted(t, r) == (before.Mode != seam.ModeLocal)
		}
		b.asked.Store(&look)
		if err := r.Apply(t.Context(), placeAt(seam.ModeRemote, b)); err == nil {
			t.Fatal("the writes were handed to a process that refuses them")
		}
		b.asked.Store(nil)
		if !asked || !trusted {
			t.Errorf("from %s: while the change is made the trust is wrong (asked: %t)", before.Mode, asked)
		}
		if b.isTrusted(t, r) || a.isTrusted(t, r) != (before.Mode != seam.ModeLocal) {
			t.Errorf("from %s: after a change that failed the trust is another", before.Mode)
		}
		if _, open := r.remotes.open[b.url]; open {
			t.Error("the remote that no plan names is open")
		}
	}
}
