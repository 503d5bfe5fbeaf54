package rollout_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"slices"
	"testing"

	"banyan/platform/identity"
	"banyan/platform/ownership"
	"banyan/platform/rollout"
	"banyan/platform/seam"
)

// keysOf are the keys of the process at an address.
type keysOf string

func (k keysOf) Holds(kid string) bool { return kid == string(k) }

func (k keysOf) PublicKey(context.Context, string) (ed25519.PublicKey, error) {
	return nil, fmt.Errorf("the keys of %s are not asked for", string(k))
}

// trusts are the addresses whose keys are trusted.
func (c *cluster) trusts() (at []string) {
	for _, address := range []string{addressA, addressB} {
		if c.trusted != nil && c.trusted.(identity.ManyKeys).Holds(address) {
			at = append(at, address)
		}
	}
	return at
}

// opened are the addresses that are connected.
func (c *cluster) opened(known ...string) (at []string) {
	for _, address := range known {
		if !c.peers[address].closed {
			at = append(at, address)
		}
	}
	return at
}

// Whose keys are trusted, and which remotes are open, is what the plan in force
// says, whatever way led there.
func TestTrustFollowsThePlanInForce(t *testing.T) {
	c := newCluster(t)
	for _, p := range c.peers {
		p.closed = true
	}
	for i, step := range []struct {
		mode    seam.Mode
		at      string
		trusted []string
	}{
		{seam.ModeRemote, addressA, []string{addressA}},
		{seam.ModeRemote, addressB, []string{addressB}},
		{seam.ModeRemote, addressA, []string{addressA}}, // A → B → A
		{seam.ModeLocal, addressA, nil},                 // its address is kept for the next step out
		{seam.ModeShadow, addressB, []string{addressB}},
		{seam.ModeCanary, addressB, []string{addressB}},
		{seam.ModeRemote, addressA, []string{addressA}},
		{seam.ModeLocal, addressA, nil},
	} {
		plan := rollout.Plan{Module: module, Place: rollout.Place{Mode: step.mode, URLs: []string{step.at}}}
		if step.mode == seam.ModeShadow || step.mode == seam.ModeCanary {
			plan.Percent = 10
		}
		if err := c.mover.Follow(t.Context(), plan); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		if got := c.trusts(); !slices.Equal(got, step.trusted) {
			t.Errorf("step %d, %s at %s: trusted are %v, want %v", i, step.mode, step.at, got, step.trusted)
		}
		if got := c.opened(addressA, addressB); !slices.Equal(got, step.trusted) {
			t.Errorf("step %d, %s at %s: open are %v, want %v", i, step.mode, step.at, got, step.trusted)
		}
	}
}

// The process that a change leads to is trusted while the change is made, since
// it may have to call this one, and not longer when the change fails.
func TestAChangeThatFailsLeavesNoTrust(t *testing.T) {
	for _, before := range []seam.Mode{seam.ModeLocal, seam.ModeCanary} {
		t.Run(string(before), func(t *testing.T) {
			c := newCluster(t)
			var want []string
			if before == seam.ModeCanary {
				want = []string{addressA}
				if err := c.set(before, addressA); err != nil {
					t.Fatal(err)
				}
			}
			var during []string
			c.peers[addressB].take = func(func() (ownership.Claim, error)) (ownership.Claim, error) {
				during = c.trusts()
				return ownership.Claim{}, errNoAnswer
			}
			if err := c.set(seam.ModeRemote, addressB); err == nil {
				t.Fatal("the writes were handed to a process that does not take them")
			}
			if !slices.Equal(during, append(slices.Clone(want), addressB)) {
				t.Errorf("while the change is made %v are trusted", during)
			}
			if got := c.trusts(); !slices.Equal(got, want) {
				t.Errorf("after a change that failed %v are trusted, want %v", got, want)
			}
			if !c.peers[addressB].closed {
				t.Error("the remote that no plan names is open")
			}
		})
	}
}
