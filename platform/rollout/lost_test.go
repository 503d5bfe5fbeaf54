package rollout_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/ownership"
	"banyan/platform/rollout"
	"banyan/platform/seam"
)

// The two halves of a hand-over, and what becomes of one without the other: with
// the real claim in a database, and a peer that loses what it is made to lose.

func TestAHandOverAndBack(t *testing.T) {
	c := newCluster(t)
	c.want("at the start", seam.ModeLocal, 1, rollout.Trunk)
	if err := c.set(seam.ModeRemote, addressA); err != nil {
		t.Fatal(err)
	}
	for range manyLooks {
		c.look()
	}
	c.want("handed over", seam.ModeRemote, 2, module)
	if err := c.set(seam.ModeLocal); err != nil {
		t.Fatal(err)
	}
	for range manyLooks {
		c.look()
	}
	c.want("taken back", seam.ModeLocal, 3, rollout.Trunk)
	if takes := c.peers[addressA].takes; takes != 1 {
		t.Errorf("the process was asked for %d takes", takes)
	}
}

// The request is lost on the way: nothing has happened, and asking again works.
func TestATakeThatIsLostChangesNothing(t *testing.T) {
	c := newCluster(t)
	peer := c.peers[addressA]
	peer.take = func(func() (ownership.Claim, error)) (ownership.Claim, error) { return ownership.Claim{}, errNoAnswer }
	if err := c.set(seam.ModeRemote, addressA); !fault.Is(err, fault.Unavailable) {
		t.Fatalf("the change: %v", err)
	}
	c.want("after the take was lost", seam.ModeLocal, 1, rollout.Trunk)
	if !peer.closed || c.trusted != nil {
		t.Error("the process that has not taken is connected or trusted still")
	}
	for range manyLooks {
		c.look()
	}
	c.want("some looks later", seam.ModeLocal, 1, rollout.Trunk)
	peer.take = nil
	if err := c.set(seam.ModeRemote, addressA); err != nil {
		t.Fatal(err)
	}
	c.want("asked again", seam.ModeRemote, 2, module)
}

// The request arrives when the trunk waits for it no longer: nobody writes twice,
// and the writes come home.
func TestATakeThatComesLateIsTakenBack(t *testing.T) {
	c := newCluster(t)
	var late func() (ownership.Claim, error)
	c.peers[addressA].take = func(arrive func() (ownership.Claim, error)) (ownership.Claim, error) {
		late = arrive
		return ownership.Claim{}, errNoAnswer
	}
	if err := c.set(seam.ModeRemote, addressA); err == nil {
		t.Fatal("a take that nobody answered passed")
	}
	c.look()
	if _, err := late(); err != nil {
		t.Fatal(err)
	}
	if got := c.writers(); !slices.Equal(got, []string{module}) {
		t.Errorf("after the late take %v may write", got)
	}
	if looks := c.looksUntil(3); looks < 2 {
		t.Errorf("the writes were taken back at look %d, when a change could still be under way", looks)
	}
	c.want("taken back", seam.ModeLocal, 3, rollout.Trunk)
	if _, err := late(); !fault.Is(err, fault.Conflict) {
		t.Errorf("the same take once more: %v", err)
	}
	c.want("after the same take once more", seam.ModeLocal, 3, rollout.Trunk)
}

// The request arrives after the writes have been elsewhere and back.
func TestATakeOfAnEpochThatIsOverHasNoEffect(t *testing.T) {
	c := newCluster(t)
	var late func() (ownership.Claim, error)
	c.peers[addressA].take = func(arrive func() (ownership.Claim, error)) (ownership.Claim, error) {
		late = arrive
		return ownership.Claim{}, errNoAnswer
	}
	if err := c.set(seam.ModeRemote, addressA); err == nil {
		t.Fatal("a take that nobody answered passed")
	}
	for _, mode := range []seam.Mode{seam.ModeRemote, seam.ModeLocal} {
		if err := c.set(mode, addressB); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := late(); !fault.Is(err, fault.Conflict) {
		t.Errorf("a take of epoch 1 in epoch 3: %v", err)
	}
	c.want("after the late take", seam.ModeLocal, 3, rollout.Trunk)
}

// loseAnswer has the take happen and its answer lost.
func loseAnswer(arrive func() (ownership.Claim, error)) (ownership.Claim, error) {
	if _, err := arrive(); err != nil {
		return ownership.Claim{}, err
	}
	return ownership.Claim{}, errNoAnswer
}

func TestATakeWhoseAnswerIsLostIsTakenBack(t *testing.T) {
	c := newCluster(t)
	c.look()
	c.peers[addressA].take = loseAnswer
	if err := c.set(seam.ModeRemote, addressA); !fault.Is(err, fault.Unavailable) {
		t.Fatalf("the change: %v", err)
	}
	if got := c.writers(); !slices.Equal(got, []string{module}) {
		t.Errorf("after the take %v may write", got)
	}
	c.looksUntil(3)
	c.want("taken back", seam.ModeLocal, 3, rollout.Trunk)
}

func TestATakeWhoseAnswerIsLostIsNotMadeTwice(t *testing.T) {
	c := newCluster(t)
	peer := c.peers[addressA]
	peer.take = loseAnswer
	if err := c.set(seam.ModeRemote, addressA); err == nil {
		t.Fatal("a take that nobody answered passed")
	}
	if err := c.set(seam.ModeRemote, addressA); err != nil {
		t.Fatal(err)
	}
	for range manyLooks {
		c.look()
	}
	c.want("asked again", seam.ModeRemote, 2, module)
	if peer.takes != 1 {
		t.Errorf("%d takes were made", peer.takes)
	}
}

// The operator names another address after the answer of the first was lost.
func TestTheAddressChangesAfterATakeWhoseAnswerIsLost(t *testing.T) {
	c := newCluster(t)
	a, b := c.peers[addressA], c.peers[addressB]
	a.take = loseAnswer
	if err := c.set(seam.ModeRemote, addressA); err == nil {
		t.Fatal("a take that nobody answered passed")
	}
	if err := c.set(seam.ModeRemote, addressB); err != nil {
		t.Fatal(err)
	}
	for range manyLooks {
		c.look()
	}
	c.want("at the other address", seam.ModeRemote, 2, module)
	if got := c.route.Endpoints(); len(got) != 1 || got[0].URL != addressB {
		t.Errorf("calls go to %+v", got)
	}
	if !a.closed || b.closed || !reflect.DeepEqual(c.trusted, identity.ManyKeys{keysOf(addressB)}) {
		t.Errorf("closed: A %t, B %t; trusted: %v", a.closed, b.closed, c.trusted)
	}
}

// The trunk ends between the take and the plan.
func TestARestartAfterTheTakeBringsTheWritesHomeAtOnce(t *testing.T) {
	c := newCluster(t)
	c.peers[addressA].take = loseAnswer
	if err := c.set(seam.ModeRemote, addressA); err == nil {
		t.Fatal("a take that nobody answered passed")
	}
	c.startTrunk()
	c.look() // no change of this process can be under way
	c.want("after the first look", seam.ModeLocal, 3, rollout.Trunk)
}

// The trunk ends after the plan: the hand-over is complete.
func TestARestartAfterThePlanLeavesTheWritesThere(t *testing.T) {
	c := newCluster(t)
	if err := c.set(seam.ModeRemote, addressA); err != nil {
		t.Fatal(err)
	}
	c.startTrunk()
	for range manyLooks {
		c.look()
	}
	c.want("after a restart", seam.ModeRemote, 2, module)
	if takes := c.peers[addressA].takes; takes != 1 {
		t.Errorf("%d takes were made", takes)
	}
}

// The plan cannot be written down after the take.
func TestATakeWithoutAPlanIsTakenBack(t *testing.T) {
	c := newCluster(t)
	c.look()
	exec(t, c.routesDB, `ALTER TABLE route_audit RENAME TO hidden`)
	if err := c.set(seam.ModeRemote, addressA); err == nil {
		t.Fatal("a change without an audit entry was made")
	}
	exec(t, c.routesDB, `ALTER TABLE hidden RENAME TO route_audit`)
	c.looksUntil(3)
	c.want("taken back", seam.ModeLocal, 3, rollout.Trunk)
}

// the settings say remote, and the module's process starts after the trunk.
func TestAModuleThatIsNotThereYetGetsTheWritesWhenItAnswers(t *testing.T) {
	c := newCluster(t)
	peer := c.peers[addressA]
	c.configured = rollout.Place{Mode: seam.ModeRemote, URLs: []string{addressA}}
	peer.silent = errNoAnswer
	c.startTrunk()
	for range manyLooks {
		c.look()
	}
	if claim := c.owner.Believed(); claim.Owner != rollout.Trunk || peer.takes != 0 {
		t.Errorf("the claim is %+v after %d takes of a process that does not answer", claim, peer.takes)
	}
	peer.silent = nil
	c.looksUntil(2)
	c.want("when it answers", seam.ModeRemote, 2, module)
}

// The process has a copy of the database: its take changes nothing here.
func TestATakeInACopyLeadsNoCallsThere(t *testing.T) {
	c := newCluster(t)
	c.peers[addressA].take = func(func() (ownership.Claim, error)) (ownership.Claim, error) {
		return ownership.Claim{Epoch: 2, Owner: module}, nil
	}
	if err := c.set(seam.ModeRemote, addressA); !fault.Is(err, fault.OtherData) || !strings.Contains(err.Error(), "copy") {
		t.Fatalf("the change: %v", err)
	}
	c.want("after a take in a copy", seam.ModeLocal, 1, rollout.Trunk)
}
