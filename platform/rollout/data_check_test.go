package rollout_test

import (
	"strings"
	"testing"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/rollout"
	"banyan/platform/seam"
)

// What was written over other data would be missing here: the process that has
// had the writes is asked before they are taken back.
func TestWritesThatWereMadeOverOtherDataAreNotLeftBehindUnsaid(t *testing.T) {
	c := newCluster(t)
	peer := c.peers[addressA]
	if err := c.set(seam.ModeRemote, addressA); err != nil {
		t.Fatal(err)
	}
	peer.other = true
	err := c.set(seam.ModeLocal)
	if !fault.Is(err, fault.OtherData) || !strings.Contains(err.Error(), "stop that process first") {
		t.Errorf("taking back from a process over other data: %v", err)
	}
	c.want("after it was refused", seam.ModeRemote, 2, module)
	peer.silent = errNoAnswer // it was stopped
	if err := c.set(seam.ModeLocal); err != nil {
		t.Fatal(err)
	}
	c.want("after that process was stopped", seam.ModeLocal, 3, rollout.Trunk)
	peer.silent = nil // it is there again, and has nothing to do with what follows
	if _, err := c.controller.Set(t.Context(), operator, module, rollout.Change{Mode: seam.ModeShadow, Percent: 10, URLs: []string{addressB}}); err != nil {
		t.Errorf("a shadow at another process: %v", err)
	}
}

func TestNoStepLeadsToAProcessOverOtherData(t *testing.T) {
	c := newCluster(t)
	c.peers[addressA].other = true
	for _, change := range []rollout.Change{
		{Mode: seam.ModeShadow, Percent: 10}, {Mode: seam.ModeCanary, Percent: 10}, {Mode: seam.ModeRemote},
	} {
		change.URLs, change.Anyway = []string{addressA}, true
		if _, err := c.controller.Set(t.Context(), operator, module, change); !fault.Is(err, fault.OtherData) {
			t.Errorf("%s: %v", change.Mode, err)
		}
	}
	c.want("after the refusals", seam.ModeLocal, 1, rollout.Trunk)
	if takes := c.peers[addressA].takes; takes != 0 {
		t.Errorf("a process over other data was asked for %d takes", takes)
	}
}

// problem is what the operator reads beside the module.
func (c *cluster) problem() string {
	c.t.Helper()
	state, err := clientOf(c.controller).Module(identity.With(c.t.Context(), operator), rollout.ModuleQuery{Name: module})
	if err != nil {
		c.t.Fatal(err)
	}
	return state.Problem
}

// The module's process is started again with other settings.
func TestAProcessThatComesBackOverOtherDataIsShown(t *testing.T) {
	c := newCluster(t)
	if err := c.set(seam.ModeRemote, addressA); err != nil {
		t.Fatal(err)
	}
	c.look()
	if problem := c.problem(); problem != "" {
		t.Fatalf("with the same data the state says %q", problem)
	}
	c.peers[addressA].other = true
	for looks := 0; c.problem() == ""; looks++ {
		if looks > manyLooks {
			t.Fatal("nothing is shown")
		}
		c.look()
	}
	if problem := c.problem(); !strings.Contains(problem, "other data") {
		t.Errorf("the state says %q", problem)
	}
	c.peers[addressA].other = false
	if err := c.controller.Recheck(t.Context(), module); err != nil || c.problem() != "" {
		t.Errorf("with the same data again the state says %q, %v", c.problem(), err)
	}
	c.want("all the time", seam.ModeRemote, 2, module)
}

// A rollback does not wait for the process that it leads away from.
func TestTheGuardAsksNobody(t *testing.T) {
	c := newCluster(t)
	if _, err := c.controller.Set(t.Context(), operator, module, rollout.Change{Mode: seam.ModeCanary, Percent: 10, URLs: []string{addressA}}); err != nil {
		t.Fatal(err)
	}
	c.peers[addressA].other = true
	if _, err := c.controller.Rollback(t.Context(), module, seam.ModeShadow, 10, "errors"); err != nil {
		t.Fatal(err)
	}
	if c.route.Plan().Mode != seam.ModeShadow {
		t.Errorf("the route is %+v", c.route.Plan())
	}
}
