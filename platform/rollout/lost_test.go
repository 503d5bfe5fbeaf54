package rollout_test

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"banyan/migrations"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/ownership"
	"banyan/platform/rollout"
	"banyan/platform/seam"
	"banyan/platform/testenv/databasetest"
)

// The two halves of a hand-over, and what becomes of one without the other: with
// the real claim in a database, and a peer that loses what it is made to lose.

const (
	addressA = "http://127.0.0.1:1" // nothing is sent there
	addressB = "http://127.0.0.1:2"
	// manyLooks is more than Reconcile waits before it acts.
	manyLooks = 12
)

// fakePeer is the module's process at one address.
type fakePeer struct {
	own    *ownership.Ownership // that process's
	takes  int                  // that it was asked for
	closed bool
	silent error // why it does not answer; nil = it does
	other  bool  // it has other data
	// take is what becomes of a request to take; nil = it arrives, and so does the
	// answer.
	take func(arrive func() (ownership.Claim, error)) (ownership.Claim, error)
}

func (p *fakePeer) Verify(_ context.Context, dataID string, _ time.Duration) (rollout.Verified, error) {
	switch {
	case p.silent != nil:
		return rollout.Verified{Silent: p.silent}, nil
	case p.other || p.own.DataID() != dataID:
		return rollout.Verified{}, seam.OtherData(module, dataID, strings.Repeat("0", 32))
	}
	return rollout.Verified{Same: 1}, nil
}

func (p *fakePeer) Take(ctx context.Context, expected int64, _ string) (ownership.Claim, error) {
	p.takes++
	arrive := func() (ownership.Claim, error) { return p.own.Take(context.WithoutCancel(ctx), expected) }
	if p.take == nil {
		return arrive()
	}
	return p.take(arrive)
}

func (p *fakePeer) Close() { p.closed = true }

var errNoAnswer = fault.New(fault.Unavailable, "no answer came")

// cluster is a trunk and the module's process over one database.
type cluster struct {
	t         *testing.T
	moduleDB  *database.DB // the module's, as the trunk has it
	processDB *database.DB // the same, as the module's process has it
	routesDB  *database.DB
	peers     map[string]*fakePeer

	configured rollout.Place
	owner      *ownership.Ownership // the trunk's view
	route      *seam.Route
	mover      *rollout.Mover
	controller *rollout.Controller
	trusted    identity.KeySource
}

type note struct{}

var (
	notes     = seam.NewContract(module, 1, "Notes.")
	readNotes = seam.Read[note, note](notes, "notes", "GET /notes", seam.Public, "Nothing")
)

func newCluster(t *testing.T) *cluster {
	t.Helper()
	db := databasetest.Open(t, database.Options{
		Module: module, URL: "sqlite:" + t.TempDir(), Migrations: migrations.FS, Sets: []string{"ownership"},
	})
	c := &cluster{
		t: t, moduleDB: db, processDB: databasetest.Again(t, db), routesDB: databasetest.SQLite(t, "routes"),
		configured: local(), peers: map[string]*fakePeer{},
	}
	openAs(t, db, rollout.Trunk) // the first to come owns
	own := openAs(t, c.processDB, module)
	for _, at := range []string{addressA, addressB} {
		c.peers[at] = &fakePeer{own: own}
	}
	c.startTrunk()
	return c
}

// startTrunk starts the trunk's part, also after it has ended at any point: what
// it knew in memory is gone.
func (c *cluster) startTrunk() {
	c.t.Helper()
	c.owner = openAs(c.t, c.moduleDB, rollout.Trunk)
	c.route = seam.NewRoute(notes.Bind(readNotes.To(func(context.Context, note) (note, error) { return note{}, nil })))
	c.route.With(seam.RouteOptions{Lost: ownership.IsLost})
	c.mover = rollout.NewMover(rollout.MoverOptions{
		Route: c.route, Owner: c.owner, Configured: c.configured, Timeout: time.Second, Log: quiet,
		Dial:  c.dial,
		Trust: func(keys identity.KeySource) { c.trusted = keys },
	})
	if err := c.mover.Start(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	var err error
	managed := c.mover.Managed()
	managed.Verdict = nil // every step may be taken
	c.controller, err = rollout.Open(c.t.Context(), c.routesDB, rollout.Options{Modules: []rollout.Managed{managed}, Log: quiet})
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) dial(urls []string) (*rollout.Remote, error) {
	remote, err := seam.NewRemote(notes, seam.RemoteOptions{URLs: urls})
	if err != nil {
		return nil, err
	}
	peer := c.peers[urls[0]]
	peer.closed = false
	return &rollout.Remote{Module: remote, Peer: peer, Keys: keysOf(urls[0])}, nil
}

func (c *cluster) set(mode seam.Mode, urls ...string) error {
	_, err := c.controller.Set(c.t.Context(), operator, module, rollout.Change{Mode: mode, URLs: urls, Anyway: true})
	return err
}

// look is what the controller does once a second, after the trunk has read the
// claim.
func (c *cluster) look() {
	c.t.Helper()
	if _, err := c.owner.Current(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	c.mover.Reconcile(c.t.Context(), c.controller)
}

// looksUntil counts the looks until the epoch is reached.
func (c *cluster) looksUntil(epoch int64) (looks int) {
	c.t.Helper()
	for c.owner.Epoch() != epoch {
		if looks++; looks > manyLooks {
			c.t.Fatalf("after %d looks the claim is %+v", manyLooks, c.owner.Believed())
		}
		c.look()
	}
	return looks
}

// writers are those whose writes the fence lets through.
func (c *cluster) writers() (names []string) {
	for name, db := range map[string]*database.DB{rollout.Trunk: c.moduleDB, module: c.processDB} {
		err := db.Write(c.t.Context(), func(tx *database.Tx) error {
			_, err := tx.Exec(c.t.Context(), `UPDATE data_identity SET id = id WHERE 1 = 0`)
			return err
		})
		switch {
		case err == nil:
			names = append(names, name)
		case !ownership.IsLost(err):
			c.t.Errorf("a write by %s: %v", name, err)
		}
	}
	slices.Sort(names)
	return names
}

// want checks plan, route, claim and fence together.
func (c *cluster) want(when string, mode seam.Mode, epoch int64, writer string) {
	c.t.Helper()
	plan, err := c.controller.Plan(c.t.Context(), module)
	if err != nil {
		c.t.Fatal(err)
	}
	claim, err := c.owner.Current(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	if plan.Mode != mode || claim.Epoch != epoch || claim.Owner != writer {
		c.t.Errorf("%s: the plan is %s, the claim %+v; want %s, epoch %d of %s", when, plan.Mode, claim, mode, epoch, writer)
	}
	if got := c.route.Plan(); got.Mode != mode || mode == seam.ModeRemote && got.Epoch != epoch {
		c.t.Errorf("%s: the route is %+v, want %s in epoch %d", when, got, mode, epoch)
	}
	if got := c.writers(); !slices.Equal(got, []string{writer}) {
		c.t.Errorf("%s: %v may write, want %s alone", when, got, writer)
	}
}

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

// config.yaml says remote, and the module's process starts after the trunk.
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
