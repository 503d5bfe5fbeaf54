package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"banyan/platform/config"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/handover"
	"banyan/platform/identity"
	"banyan/platform/ownership"
	"banyan/platform/seam"
	"banyan/platform/strangler/control"
)

// root is one module as this process knows it: the route that leads its calls,
// and, where this process can reach the module's data, the module itself.
type root struct {
	house    *house
	contract *seam.Contract
	handover *handover.Contract
	place    config.Module // by the settings
	route    *seam.Route

	db    *database.DB         // nil where the module is not held
	owner *ownership.Ownership // likewise

	remotes *remoteSet
}

// plant makes the root of a module. local makes the module itself, where this
// process holds it: the whole program always does, because the data is shared;
// a module that runs alone holds itself only.
func (h *house) plant(ctx context.Context, c *seam.Contract, local func(*root) (*seam.Local, error)) (*root, error) {
	place, _ := h.cfg.Modules.Named(c.Module)
	r := &root{house: h, contract: c, handover: handover.NewContract(c.Module), place: place}
	r.remotes = newRemoteSet(r.trust)
	h.roots = append(h.roots, r)
	if err := r.grow(ctx, local); err != nil {
		return nil, fmt.Errorf("start the module %s: %w", c.Module, err)
	}
	h.begin("the route of "+c.Module, r.route.Run)
	return r, nil
}

func (r *root) grow(ctx context.Context, local func(*root) (*seam.Local, error)) error {
	if h := r.house; h.cfg.Module != "" && h.cfg.Module != r.contract.Module {
		return r.elsewhere()
	}
	db, err := r.house.open(ctx, r.contract.Module)
	if err != nil {
		return err
	}
	r.db = db
	r.owner, err = ownership.Open(ctx, db, ownership.Process{Name: r.house.name(), URL: r.house.address(), Log: r.house.log})
	if err != nil {
		return err
	}
	r.house.begin("the owner of "+r.contract.Module, r.owner.Watch)
	here, err := local(r)
	if err != nil {
		return err
	}
	r.route = seam.NewRoute(here)
	if r.house.cfg.Module != "" {
		return nil // a write refused here is for the trunk's route to send elsewhere
	}
	r.route.With(seam.RouteOptions{Lost: ownership.IsLost})
	r.house.begin("the hand-over of "+r.contract.Module, r.settle)
	if r.place.Mode != config.Remote {
		return nil
	}
	return r.Follow(ctx, control.Plan{Place: r.configured()})
}

// elsewhere is the route of a module that another process holds: at its own
// address, or in the whole program.
func (r *root) elsewhere() error {
	urls := r.place.URL
	if r.place.Mode == config.Local {
		urls = []string{r.house.cfg.Identity.TrunkURL}
	}
	far, err := r.reach(urls)
	if err != nil {
		return err
	}
	r.remotes.use(control.Place{Mode: seam.ModeRemote, URLs: urls})
	r.route = seam.NewRemoteRoute(r.contract, far.module)
	return nil
}

// reach returns the remotes at these addresses.
func (r *root) reach(urls []string) (remotes, error) { return r.remotes.reach(urls, r.open) }

func (r *root) open(urls []string) (opened, error) {
	peer := r.contract.Module
	if slices.Equal(urls, []string{r.house.cfg.Identity.TrunkURL}) {
		peer = handover.Trunk
	}
	o := seam.RemoteOptions{
		URLs: urls, Tokens: r.house.tokens, Timeout: r.place.Timeout, TLS: r.house.tlsTo(peer), Log: r.house.log,
	}
	var far opened
	var err error
	if far.module, err = seam.NewRemote(r.contract, o); err != nil {
		return far, err
	}
	if far.handover, err = seam.NewRemote(r.handover.Seam(), o); err != nil {
		far.module.Close()
		return far, err
	}
	if peer != handover.Trunk {
		far.keys = r.house.keysAt(urls, peer)
	}
	return far, nil
}

// trust has these keys speak for the module and nobody else; nil: no keys do.
func (r *root) trust(keys identity.KeySource) {
	module := r.contract.Module
	if keys == nil {
		r.house.verifier.Distrust(module)
		return
	}
	r.house.verifier.Trust(identity.Trusted{Issuer: module, Keys: keys, OnlyService: module})
}

// close ends what reach began.
func (r *root) close() { r.remotes.close() }

// whileOwner begins a task that may run only where the module is owned.
func (r *root) whileOwner(name string, run func(context.Context) error) {
	r.house.begin(name, func(ctx context.Context) error { return r.owner.WhileOwner(ctx, name, run) })
}

// configured is what config.yaml says of the module.
func (r *root) configured() control.Place {
	p := control.Place{Mode: seam.ModeLocal, URLs: r.place.URL}
	if r.place.Mode == config.Remote {
		p.Mode = seam.ModeRemote
	}
	return p
}

// Apply makes a change of the route and hands the ownership of writes over
// where it asks for that: to the remote, which takes it when it is told, or
// back to this process. Between the take and the new route, writes that arrive
// here are refused by the fence without effect and wait for the route.
func (r *root) Apply(ctx context.Context, p control.Plan) error {
	defer r.remotes.keepInUse()
	far, err := r.farOf(p)
	if err != nil {
		return err
	}
	claim, err := r.owner.Current(ctx)
	if err != nil {
		return err
	}
	switch {
	case p.Mode == seam.ModeRemote && claim.Owner == r.house.name():
		claim, err = r.handOver(ctx, far, claim.Epoch)
	case p.Mode != seam.ModeRemote && claim.Owner != r.house.name():
		claim, err = r.owner.Take(ctx, claim.Epoch)
	}
	if err != nil {
		return err
	}
	return r.set(p, claim, far)
}

// set sets the route, and from then on what is open and trusted follows it.
func (r *root) set(p control.Plan, claim ownership.Claim, far remotes) error {
	if err := r.route.Set(seam.Plan{Mode: p.Mode, Percent: p.Percent, Epoch: claim.Epoch}, far.module); err != nil {
		return err
	}
	r.remotes.use(p.Place)
	return nil
}

// handOver has the module's process take over the writes. It is asked something
// small before: a take may well wait for long writes to end, so one that hangs
// would be found out only when the caller's time is over, and until then nobody
// could lead the module elsewhere.
func (r *root) handOver(ctx context.Context, far remotes, epoch int64) (ownership.Claim, error) {
	client := r.handover.Client(seam.NewRemoteRoute(r.handover.Seam(), far.handover))
	ctx = identity.AsService(ctx, handover.Trunk)
	asking, cancel := context.WithTimeout(ctx, r.place.Timeout)
	defer cancel()
	if _, err := client.State(asking); err != nil {
		return ownership.Claim{}, err
	}
	return client.Take(ctx, epoch)
}

// Follow sets the route to a plan whose ownership somebody else sees to.
func (r *root) Follow(ctx context.Context, p control.Plan) error {
	claim, err := r.owner.Current(ctx) // first: it may fail again and again
	if err != nil {
		return err
	}
	defer r.remotes.keepInUse()
	far, err := r.farOf(p)
	if err != nil {
		return err
	}
	return r.set(p, claim, far)
}

// farOf reaches the remotes of a plan; a local one has none.
func (r *root) farOf(p control.Plan) (far remotes, err error) {
	if p.Mode != seam.ModeLocal && len(p.URLs) > 0 {
		return r.reach(p.URLs)
	}
	if p.Mode != seam.ModeLocal {
		return far, fault.New(fault.Invalid, "the change needs to know where the module runs").With(
			fault.Field{Name: "urls", Message: "name at least one, like http://127.0.0.1:8081"})
	}
	return far, nil
}

const (
	settleEvery = time.Second
	// settlePatience is how many looks in a row have to find plan and ownership
	// apart: while a change is being made, or has just been made by another
	// replica, they are apart for a moment.
	settlePatience = 4
)

// settle brings the ownership of writes to where the plan says, when something
// kept them apart: the remote was not there when this process started, or a
// process died between the two halves of a change.
func (r *root) settle(ctx context.Context) error {
	ticker := time.NewTicker(settleEvery)
	defer ticker.Stop()
	apart := settlePatience - 1 // at the start nothing is being changed yet
	for ; ; r.wait(ctx, ticker) {
		if ctx.Err() != nil {
			return nil
		}
		here := r.owner.Believed().Owner == r.house.name()
		if here != (r.route.Plan().Mode == seam.ModeRemote) {
			apart = 0
			continue
		}
		if apart++; apart < settlePatience {
			continue
		}
		apart = 0
		// In the control's turn: a change may be under way.
		if err := r.house.control.Reapply(ctx, r.contract.Module); err != nil && ctx.Err() == nil {
			r.house.log.WarnContext(ctx, "the writes of a module are not owned where its calls go; trying again", "module", r.contract.Module, "error", err)
		}
	}
}

func (r *root) wait(ctx context.Context, ticker *time.Ticker) {
	select {
	case <-ctx.Done():
	case <-ticker.C:
	}
}

// managed is the root as the control of routes sees it.
func (r *root) managed() control.Managed {
	return control.Managed{
		Name: r.contract.Module, Configured: r.configured(), Apply: r.Apply, Follow: r.Follow,
		Status: func() any { return r.status() },
		Differences: func(operation string) (any, error) {
			return r.route.Differences(operation)
		},
	}
}

// rootStatus is all that the operator sees of a module.
type rootStatus struct {
	seam.Status
	Endpoints []seam.EndpointStatus `json:"endpoints"`
	Ownership ownership.Claim       `json:"ownership"`
}

func (r *root) status() rootStatus {
	return rootStatus{Status: r.route.Status(), Endpoints: r.route.Endpoints(), Ownership: r.owner.Believed()}
}

// stepBack lets the control remember what a route's guard did.
func (r *root) stepBack(ctx context.Context, s seam.StepBack) {
	_, err := r.house.control.StepBack(ctx, s.Module, s.To.Mode, s.To.Percent, strings.Join(s.Why, "; "))
	if err != nil {
		r.house.log.ErrorContext(ctx, "the guard's step back was made, but could not be written down", "module", s.Module, "error", err)
	}
}
