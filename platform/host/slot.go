package host

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/handover"
	"banyan/platform/identity"
	"banyan/platform/ownership"
	"banyan/platform/periodic"
	"banyan/platform/seam"
	"banyan/platform/seam/analysis"
	"banyan/platform/seam/client"
	"banyan/platform/strangler/control"
)

// slot is one module as this process knows it: the route that leads its calls,
// and, where this process can reach the module's data, the module itself.
type slot struct {
	process    *Process
	module     Module
	handover   *handover.Contract
	configured control.Settings
	route      *seam.Route

	db    *database.DB         // nil where the module is not held
	owner *ownership.Ownership // likewise

	remotes *remoteSet
	data    dataCheck
}

func (s *slot) name() string { return s.module.Name() }

// addModule makes the slot of a module. The trunk always holds the module itself,
// because the data is shared; a process of one module holds that one only.
func (p *Process) addModule(ctx context.Context, m Module) error {
	s := &slot{
		process: p, module: m, handover: handover.NewContract(m.Name()), configured: p.settings.Modules[m.Name()],
	}
	s.remotes = newRemoteSet(s.trust)
	p.slots = append(p.slots, s)
	if err := s.open(ctx); err != nil {
		return fmt.Errorf("start the module %s: %w", m.Name(), err)
	}
	p.addTask("the route of "+m.Name(), s.route.Run)
	return nil
}

func (s *slot) open(ctx context.Context) error {
	p := s.process
	if !p.isTrunk() && p.settings.Module != s.name() {
		return s.openElsewhere()
	}
	var err error
	if s.db, err = p.openDatabase(ctx, s.name()); err != nil {
		return err
	}
	s.owner, err = ownership.Open(ctx, s.db, ownership.Process{Name: p.name(), URL: p.address(), Log: p.log})
	if err != nil {
		return err
	}
	p.addTask("the owner of "+s.name(), s.owner.Watch)
	here, err := s.module.Start(ctx, &Env{
		DB: s.db, Log: p.log, Clock: p.clock, Data: p.settings.Data, Site: p.settings.Domain(), slot: s,
	})
	if err != nil {
		return err
	}
	s.route = seam.NewRoute(here)
	if !p.isTrunk() {
		return nil // a write refused here is for the trunk's route to send elsewhere
	}
	s.route.With(seam.RouteOptions{Lost: ownership.IsLost})
	p.addTask("the hand-over of "+s.name(), s.settle)
	if s.configured.Mode != control.Remote {
		return nil
	}
	return s.lead(ctx, control.Plan{Place: s.configuredPlace()})
}

// openElsewhere makes the route of a module that another process holds: at its own
// address, or in the whole program.
func (s *slot) openElsewhere() error {
	urls := s.configured.URL
	if s.configured.Mode == control.Local {
		urls = []string{s.process.settings.Identity.TrunkURL}
	}
	far, err := s.reach(urls)
	if err != nil {
		return err
	}
	s.remotes.use(control.Place{Mode: seam.ModeRemote, URLs: urls})
	s.route = seam.NewRemoteRoute(s.module.Contract, far.module)
	return nil
}

// reach returns the remotes at these addresses.
func (s *slot) reach(urls []string) (remotes, error) { return s.remotes.reach(urls, s.openRemotes) }

func (s *slot) openRemotes(urls []string) (opened, error) {
	peer := s.name()
	if slices.Equal(urls, []string{s.process.settings.Identity.TrunkURL}) {
		peer = handover.Trunk
	}
	o := seam.RemoteOptions{
		URLs: urls, Tokens: s.process.tokens, Timeout: s.configured.Timeout, TLS: s.process.tlsTo(peer), Log: s.process.log,
	}
	var far opened
	var err error
	// The hand-over is spoken with processes over other data as well, to find them.
	if far.handover, err = seam.NewRemote(s.handover.Seam(), o); err != nil {
		return far, err
	}
	if s.owner != nil {
		o.Data = s.owner.DataID()
	}
	if far.module, err = seam.NewRemote(s.module.Contract, o); err != nil {
		far.handover.Close()
		return far, err
	}
	if peer != handover.Trunk {
		far.keys = s.process.keysAt(urls, peer)
	}
	return far, nil
}

// trust has these keys speak for the module and nobody else; nil: no keys do.
func (s *slot) trust(keys identity.KeySource) {
	if keys == nil {
		s.process.verifier.Distrust(s.name())
		return
	}
	s.process.verifier.Trust(identity.Trusted{Issuer: s.name(), Keys: keys, OnlyService: s.name()})
}

// close closes what reach has opened.
func (s *slot) close() { s.remotes.close() }

// configuredPlace is what config.yaml says of the module.
func (s *slot) configuredPlace() control.Place {
	p := control.Place{Mode: seam.ModeLocal, URLs: s.configured.URL}
	if s.configured.Mode == control.Remote {
		p.Mode = seam.ModeRemote
	}
	return p
}

// Apply makes a change of the route and hands the ownership of writes over
// where it asks for that: to the remote, which takes it when it is told, or
// back to this process. Between the take and the new route, writes that arrive
// here are refused by the fence without effect and wait for the route.
func (s *slot) Apply(ctx context.Context, p control.Plan) error {
	defer s.remotes.keepInUse()
	far, err := s.farOf(p)
	if err != nil {
		return err
	}
	found, err := s.checkStep(ctx, p, far)
	if err != nil {
		return err
	}
	claim, err := s.owner.Current(ctx)
	if err != nil {
		return err
	}
	switch {
	case p.Mode == seam.ModeRemote && claim.Owner == s.process.name():
		claim, err = s.handOver(ctx, far, claim.Epoch, found)
	case p.Mode != seam.ModeRemote && claim.Owner != s.process.name():
		claim, err = s.owner.Take(ctx, claim.Epoch)
	}
	if err != nil {
		return err
	}
	return s.set(p, claim, far)
}

// handOver has the module's process take over the writes. It is asked something
// small before, which checkStep has done: a take may well wait for long writes to
// end, so one that hangs would be found out only when the caller's time is over,
// and until then nobody could lead the module elsewhere.
func (s *slot) handOver(ctx context.Context, far remotes, epoch int64, found handover.Verified) (ownership.Claim, error) {
	if found.Same == 0 { // nobody has said that it has the same data
		if found.Silent != nil {
			return ownership.Claim{}, found.Silent
		}
		return ownership.Claim{}, fault.Newf(fault.Internal, "the process of %s was to take the writes before it was asked which data it has", s.name())
	}
	client := s.handover.Client(seam.NewRemoteRoute(s.handover.Seam(), far.handover))
	taken, err := client.Take(identity.AsService(ctx, handover.Trunk), epoch, s.owner.DataID())
	if err != nil {
		return ownership.Claim{}, err
	}
	return handover.TakenHere(ctx, s.owner, taken)
}

// Follow sets the route to a plan whose ownership somebody else sees to.
func (s *slot) Follow(ctx context.Context, p control.Plan) error {
	defer s.remotes.keepInUse()
	far, err := s.farOf(p)
	if err != nil {
		return err
	}
	if err := s.checkFollowed(ctx, p, far); err != nil {
		return err
	}
	return s.leadTo(ctx, p, far)
}

// lead sets the route without asking the remote, which cannot be asked while
// this process does not serve yet: the remote checks who asks with keys of this
// process. settle asks it.
func (s *slot) lead(ctx context.Context, p control.Plan) error {
	far, err := s.farOf(p)
	if err != nil {
		return err
	}
	return s.leadTo(ctx, p, far)
}

func (s *slot) leadTo(ctx context.Context, p control.Plan, far remotes) error {
	claim, err := s.owner.Current(ctx)
	if err != nil {
		return err
	}
	return s.set(p, claim, far)
}

func (s *slot) set(p control.Plan, claim ownership.Claim, far remotes) error {
	if err := s.route.Set(seam.Plan{Mode: p.Mode, Percent: p.Percent, Epoch: claim.Epoch}, far.module); err != nil {
		return err
	}
	s.data.led(p.Mode, far)
	s.remotes.use(p.Place)
	return nil
}

// farOf reaches the remotes of a plan; a local one has none.
func (s *slot) farOf(p control.Plan) (far remotes, err error) {
	if p.Mode != seam.ModeLocal && len(p.URLs) > 0 {
		return s.reach(p.URLs)
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
func (s *slot) settle(ctx context.Context) error {
	apart := settlePatience - 1 // at the start nothing is being changed yet
	s.data.serving()
	periodic.Run(ctx, settleEvery, func(ctx context.Context) {
		s.recheckData(ctx)
		here := s.owner.Believed().Owner == s.process.name()
		if here != (s.route.Plan().Mode == seam.ModeRemote) {
			apart = 0
			return
		}
		if apart++; apart < settlePatience {
			return
		}
		apart = 0
		// In the control's turn: a change may be under way.
		if err := s.process.control.Reapply(ctx, s.name()); err != nil && ctx.Err() == nil {
			s.process.log.WarnContext(ctx, "the writes of a module are not owned where its calls go; trying again", "module", s.name(), "error", err)
		}
	}, periodic.AtOnce())
	return nil
}

// managed is the slot as the control of routes sees it.
func (s *slot) managed() control.Managed {
	return control.Managed{
		Name: s.name(), Configured: s.configuredPlace(), Apply: s.Apply, Follow: s.Follow,
		Status: func() any { return s.status() }, Verdict: s.route.Verdict,
		Differences: func(operation string) (any, error) {
			return s.route.Differences(operation)
		},
	}
}

// slotStatus is all that the operator sees of a module.
type slotStatus struct {
	seam.Status
	Endpoints []client.Status `json:"endpoints"`
	Ownership ownership.Claim `json:"ownership"`
}

func (s *slot) status() slotStatus {
	return slotStatus{Status: s.route.Status(), Endpoints: s.route.Endpoints(), Ownership: s.owner.Believed()}
}

// stepBack lets the control remember what a route's guard did.
func (s *slot) stepBack(ctx context.Context, b analysis.Rollback) {
	_, err := s.process.control.StepBack(ctx, b.Module, b.To.Mode, b.To.Percent, strings.Join(b.Why, "; "))
	if err != nil {
		s.process.log.ErrorContext(ctx, "the guard's step back was made, but could not be written down", "module", b.Module, "error", err)
	}
}
