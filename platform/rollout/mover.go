package rollout

import (
	"context"
	"log/slog"
	"time"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/ownership"
	"banyan/platform/seam"
)

// Mover moves one module as far as this process is concerned: it sets the
// module's route, and hands the ownership of the module's writes over. Which plan
// that follows is the Controller's decision.
//
// The two halves of a hand-over, the take and the route, can come apart: the
// take, or the answer to it, is lost, or a process ends between them. Until they
// are together again a write is refused by the fence wherever it is not owned, so
// that it waits and is never made twice; Reconcile brings them together.
type Mover struct {
	route      *seam.Route
	upkeep     *seam.Route
	owner      *ownership.Ownership
	configured Place
	timeout    time.Duration
	log        *slog.Logger

	remotes *remoteSet
	data    dataCheck
	apart   int // looks in a row at which the owner was not where the plan says
}

// MoverOptions are what a module is moved with; all are needed but Log.
type MoverOptions struct {
	Route      *seam.Route          // of the module; its RouteOptions.Lost must be ownership.IsLost
	Upkeep     *seam.Route          // of what operators do about its events and jobs, which the owner of the writes answers; nil = there is none
	Owner      *ownership.Ownership // this process's view of who owns the module's writes
	Configured Place                // what the settings say
	Timeout    time.Duration        // of one call to the module's process
	// Dial returns the module at these addresses without waiting for it. The Mover
	// closes it when no plan needs it any longer.
	Dial func(urls []string) (*Remote, error)
	// Trust makes these keys the only ones that count for the module; nil: no keys
	// do.
	Trust func(identity.KeySource)
	Log   *slog.Logger // nil = slog.Default
}

// NewMover does not set the route: Start does.
func NewMover(o MoverOptions) *Mover {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Mover{
		route: o.Route, upkeep: o.Upkeep, owner: o.Owner, configured: o.Configured, timeout: o.Timeout, log: o.Log,
		remotes: newRemoteSet(o.Dial, o.Trust),
		apart:   reconcileAfter - 1, // at the start no change is under way that a look could fall into
	}
}

func (m *Mover) name() string { return m.owner.Module() }

// isOwner reports whether this process owned the writes by a claim.
func (m *Mover) isOwner(c ownership.Claim) bool { return c.Owner == m.owner.Self().Name }

// Start sets the route to where the settings say, without asking the remote,
// which cannot be asked while this process does not serve yet: the remote checks
// who asks with keys of this process. Reconcile asks it.
func (m *Mover) Start(ctx context.Context) error {
	if m.configured.Mode == seam.ModeLocal {
		return nil // a route begins so
	}
	remote, err := m.remoteOf(Plan{Place: m.configured})
	if err != nil {
		return err
	}
	return m.setRoute(ctx, Plan{Place: m.configured}, remote)
}

// Close closes the remotes. Calls under way go on.
func (m *Mover) Close() { m.remotes.close() }

// Managed is the module as the Controller sees it.
func (m *Mover) Managed() Managed {
	return Managed{
		Name: m.name(), Configured: m.configured, Apply: m.Apply, Check: m.Check, Follow: m.Follow, Lead: m.Lead, Prepare: m.Prepare, Reconcile: m.Reconcile,
		Status: m.status, Verdict: m.route.Verdict, Differences: m.route.Differences,
	}
}

func (m *Mover) status() Status {
	return Status{Status: m.route.Status(), Endpoints: m.route.Endpoints(), Ownership: m.owner.Believed()}
}

// Apply makes a change of the route and hands the ownership of writes over
// where it asks for that: to the remote, which takes it when it is asked, or
// back to this process. Between the take and the new route, writes that arrive
// here are refused by the fence without effect and wait for the route.
func (m *Mover) Apply(ctx context.Context, p Plan) error {
	defer m.remotes.closeUnused()
	remote, err := m.remoteOf(p)
	if err != nil {
		return err
	}
	found, err := m.checkStep(ctx, p, remote)
	if err != nil {
		return err
	}
	claim, err := m.owner.Current(ctx)
	if err != nil {
		return err
	}
	switch {
	case p.Mode == seam.ModeRemote && m.isOwner(claim):
		claim, err = m.handOver(ctx, remote, claim.Epoch, found)
	case p.Mode != seam.ModeRemote && !m.isOwner(claim):
		claim, err = m.owner.Take(ctx, claim.Epoch)
	}
	if err != nil {
		return err
	}
	return m.setRouteAt(p, claim, remote)
}

// Lead sets the route to where the data of the module was moved: the process there has
// claimed it, so nobody is asked which data it has.
func (m *Mover) Lead(ctx context.Context, p Plan) error {
	defer m.remotes.closeUnused()
	remote, err := m.remoteOf(p)
	if err != nil {
		return err
	}
	claim, err := m.owner.Current(ctx)
	if err != nil {
		return err
	}
	if p.Mode != seam.ModeRemote && !m.isOwner(claim) {
		if claim, err = m.owner.Take(ctx, claim.Epoch); err != nil {
			return err
		}
	}
	return m.setRouteAt(p, claim, remote)
}

// warmConnections is how many connections are opened to a process that the calls of a
// module are about to be led to.
const warmConnections = 8

// Prepare opens the remote of a plan and connects to it.
func (m *Mover) Prepare(ctx context.Context, p Plan) error {
	remote, err := m.remoteOf(p)
	if err != nil || remote == nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, m.shortWait())
	defer cancel()
	remote.Module.Warm(ctx, warmConnections)
	return nil
}

// Check asks what Apply asks before it makes a change.
func (m *Mover) Check(ctx context.Context, p Plan) error {
	defer m.remotes.closeUnused()
	remote, err := m.remoteOf(p)
	if err != nil {
		return err
	}
	found, err := m.checkStep(ctx, p, remote)
	if err == nil && p.Mode == seam.ModeRemote && found.Same == 0 {
		err = found.Silent
	}
	return err
}

// handOver has the module's process take over the writes. It was asked something
// small before, by checkStep: a take may well wait for long writes to end, so one
// that hangs would be found out only when the caller's time is over, and until
// then nobody could move the module elsewhere.
func (m *Mover) handOver(ctx context.Context, remote *Remote, epoch int64, found Verified) (ownership.Claim, error) {
	if found.Same == 0 { // nobody has said that it has the same data
		if found.Silent != nil {
			return ownership.Claim{}, found.Silent
		}
		return ownership.Claim{}, fault.Newf(fault.Internal, "the process of %s was to take the writes before it was asked which data it has", m.name())
	}
	taken, err := remote.Peer.Take(ctx, epoch, m.owner.DataID())
	if err != nil {
		return ownership.Claim{}, err
	}
	return TakenHere(ctx, m.owner, taken)
}

// Follow sets the route to a plan whose ownership another process looks after.
func (m *Mover) Follow(ctx context.Context, p Plan) error {
	defer m.remotes.closeUnused()
	remote, err := m.remoteOf(p)
	if err != nil {
		return err
	}
	if err := m.checkFollowed(ctx, p, remote); err != nil {
		return err
	}
	return m.setRoute(ctx, p, remote)
}

func (m *Mover) setRoute(ctx context.Context, p Plan, remote *Remote) error {
	claim, err := m.owner.Current(ctx)
	if err != nil {
		return err
	}
	return m.setRouteAt(p, claim, remote)
}

func (m *Mover) setRouteAt(p Plan, claim ownership.Claim, remote *Remote) error {
	var module *seam.Remote
	if remote != nil {
		module = remote.Module
	}
	epoch := claim.Epoch
	if claim.Elsewhere() { // the epochs of a process with a database of its own are its own
		epoch = 0
	}
	if err := m.route.Set(seam.Plan{Mode: p.Mode, Percent: p.Percent, Epoch: epoch}, module); err != nil {
		return err
	}
	m.data.setRoute(p.Mode, remote)
	m.remotes.use(p.Place)
	return m.setUpkeep(p, epoch, remote)
}

// setUpkeep leads the upkeep to the owner of the writes.
func (m *Mover) setUpkeep(p Plan, epoch int64, remote *Remote) error {
	if m.upkeep == nil {
		return nil
	}
	if p.Mode == seam.ModeRemote && remote != nil && remote.Upkeep != nil {
		return m.upkeep.Set(seam.Plan{Mode: seam.ModeRemote, Epoch: epoch}, remote.Upkeep)
	}
	return m.upkeep.Set(seam.Plan{Mode: seam.ModeLocal}, nil)
}

// remoteOf returns the remote of a plan, which is nil for a local one.
func (m *Mover) remoteOf(p Plan) (*Remote, error) {
	switch {
	case p.Mode == seam.ModeLocal:
		return nil, nil
	case len(p.URLs) == 0:
		return nil, fault.New(fault.Invalid, "the change needs to know where the module runs").With(
			fault.Field{Name: "urls", Message: "name at least one, like http://127.0.0.1:8081"})
	}
	return m.remotes.at(p.URLs)
}
