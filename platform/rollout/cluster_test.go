package rollout_test

import (
	"context"
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
	"banyan/platform/seam/client"
	"banyan/platform/testenv/databasetest"
)

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
		return rollout.Verified{}, client.OtherData(module, dataID, strings.Repeat("0", 32))
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
