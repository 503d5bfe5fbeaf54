package seam

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"banyan/platform/fault"
	"banyan/platform/seam/analysis"
	"banyan/platform/seam/diff"
)

// tracerName is the instrumentation scope of the seam's spans.
const tracerName = "banyan/seam"

// Route leads every call of one module to where the module runs. It is always
// in place, so that moving the module changes one pointer and no caller.
//
//	local ⇄ shadow(p %) ⇄ canary(p %) ⇄ remote
//
//	        reads                                    writes
//	local   here                                     here
//	shadow  here; p % are also asked of the remote,  here
//	        after the caller has its answer
//	canary  p % of the callers at the remote, and    here
//	        here when it fails; all others here
//	remote  at the remote                            at the remote
//
// Set moves between any two states at once; calls under way end where they
// began. By itself a route only ever goes from canary back to shadow, when its
// guard says so. Who owns the writes is decided by the fence in the module's
// database, not here: a write that comes to a former owner is refused there
// without effect, and waits for the route's next state (see writes.go).
type Route struct {
	contract *Contract
	local    *Local // nil in a process that does not hold the module
	dialed   bool   // by Dial: who may call is the server's to decide, which has the token's keys
	options  RouteOptions
	state    atomic.Pointer[state]
	meters   []analysis.Meter  // one per operation
	found    []diff.Recent     // one per operation
	queue    chan shadowedCall // to Run's workers
	window   analysis.Window
	guard    guard
}

// state is what a route follows at one time. It never changes: a route moves
// by putting another one in its place.
type state struct {
	plan   Plan
	remote *Remote // nil until the first one is known
	share  float64 // plan.Percent / 100
	since  time.Time

	// base are the figures from which this state's evidence counts: they are
	// taken again when what they would prove has changed.
	base   []analysis.Counts
	judged time.Time     // when base was taken
	next   chan struct{} // closed when another state has taken this one's place
}

// RouteOptions are what may differ from the defaults; zero values stand for
// these.
type RouteOptions struct {
	Clock         func() time.Time // time.Now
	Random        func() float64   // in [0, 1), which reads are shadowed; math/rand/v2
	Shadow        ShadowOptions
	CanaryTimeout time.Duration // most that a canary read waits for the remote, and never over half of its caller's time; 2 s
	Guard         analysis.GuardOptions
	Bounds        analysis.Bounds // of the verdict

	// Action is called after each write that needs a role of its own, for the
	// record; nil: nothing is.
	Action func(context.Context, Action)

	// Lost reports whether an error is the fence's refusal of a write by a process
	// that is no longer the owner: such a write had no effect and is done at the
	// new owner. nil: no write is repeated.
	Lost func(error) bool

	// Admit is asked in this process before an upload that writes is read. It waits while
	// writes are held, and fails as the write would where they have left. nil: not asked.
	Admit func(context.Context) error

	// Uploads keep what is read of an upload that writes, so that it can be repeated.
	Uploads *Uploads
}

// Action is a write that a caller with a role has made, or tried to.
type Action struct {
	Operation string // reputation.importTrust
	Request   string // JSON of what was asked for, without a stream; cut if it is long
	Err       error  // nil = it was done
}

// NewRoute makes the route of a module that runs in this process; it begins
// local.
func NewRoute(local *Local) *Route {
	return newRoute(local.contract, local, Plan{Mode: ModeLocal}, nil)
}

// NewRemoteRoute makes the route of a module that this process does not hold.
func NewRemoteRoute(c *Contract, remote *Remote) *Route {
	return newRoute(c, nil, Plan{Mode: ModeRemote}, remote)
}

func newRoute(c *Contract, local *Local, p Plan, remote *Remote) *Route {
	n := len(c.operations)
	r := &Route{contract: c, local: local, meters: make([]analysis.Meter, n), found: make([]diff.Recent, n)}
	r.state.Store(&state{plan: p, remote: remote, base: make([]analysis.Counts, n), next: make(chan struct{})})
	return r.With(RouteOptions{})
}

// With sets what differs from the defaults. It is called before the first call
// and before Run.
func (r *Route) With(o RouteOptions) *Route {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
	if o.CanaryTimeout <= 0 {
		o.CanaryTimeout = defaultCanaryTimeout
	}
	o.Shadow, o.Guard, o.Bounds = o.Shadow.withDefaults(), o.Guard.WithDefaults(), o.Bounds.WithDefaults()
	r.options = o
	r.queue = make(chan shadowedCall, o.Shadow.Queue)
	begun := *r.state.Load()
	begun.since, begun.judged = o.Clock(), o.Clock()
	r.state.Store(&begun)
	r.window.Start(o.Guard.Window, analysis.Sample{At: begun.since, Counts: begun.base})
	return r
}

// Run does what a route needs beside its callers: it asks the remote for the
// shadowed reads, samples the figures and keeps the guard. It returns nil when
// the context ends and everything it began has ended. Run it once per route;
// without it shadowed reads are dropped and nobody watches a canary.
func (r *Route) Run(ctx context.Context) error {
	var own sync.WaitGroup
	if r.local != nil {
		for range r.options.Shadow.Workers {
			own.Go(func() { r.compareShadowed(ctx) })
		}
	}
	own.Go(func() { r.watch(ctx) })
	own.Wait()
	return nil
}

// Set leads new calls by another plan. A nil remote stands for the one that
// the route has already. Setting what is already so changes nothing. Fails with
// fault.Invalid for a wrong plan or when no remote is known, and with
// fault.Conflict when the plan needs the module in this process and it is not
// here.
func (r *Route) Set(p Plan, remote *Remote) error {
	if err := p.Check(); err != nil {
		return err
	}
	if p.Mode != ModeRemote && r.local == nil {
		return fault.Newf(fault.Conflict, "this process does not hold the module %s: it can only be remote here", r.contract.Module)
	}
	if p.Mode == ModeLocal || p.Mode == ModeRemote {
		p.Percent = 0
	}
	for {
		old := r.state.Load()
		to := remote
		if to == nil {
			to = old.remote
		}
		if to == nil && p.Mode != ModeLocal {
			return fault.Newf(fault.Invalid, "no address is known for the module %s: say where it runs to make it %s", r.contract.Module, p)
		}
		if old.plan == p && old.remote == to || r.move(old, p, to) {
			return nil
		}
	}
}

// move puts a new state in the old one's place and reports whether the old one
// was still there.
func (r *Route) move(old *state, p Plan, remote *Remote) bool {
	now := r.options.Clock()
	s := &state{
		plan: p, remote: remote, share: p.Percent / 100, since: now,
		base: old.base, judged: old.judged, next: make(chan struct{}),
	}
	// What a shadow has compared stays true when more or fewer reads are
	// compared; what a canary of 10 % has shown is not evidence for one of 50 %.
	restart := old.plan.Mode != p.Mode || old.remote != remote || p.Mode == ModeCanary && old.plan.Percent != p.Percent
	if restart {
		s.base, s.judged = r.counts(), now
	}
	if !r.state.CompareAndSwap(old, s) {
		return false
	}
	if restart {
		r.guard.clear()
	}
	close(old.next)
	return true
}

// Plan is what the route follows.
func (r *Route) Plan() Plan { return r.state.Load().plan }

// basePath is where a module's operations live, in every process.
func basePath(module string) string { return "/api/v1/" + strings.Trim(module, "/") }
