package host

import (
	"context"
	"fmt"
	"slices"

	"banyan/platform/database"
	"banyan/platform/identity"
	"banyan/platform/ownership"
	"banyan/platform/rollout"
	"banyan/platform/seam"
	"banyan/platform/upkeep"
	"banyan/platform/webhooks"
)

// slot is one module as this process has it: the route that leads its calls,
// and, where this process can reach the module's data, the module itself.
type slot struct {
	process    *Process
	module     Module
	configured rollout.Settings
	route      *seam.Route

	db    *database.DB         // nil where the module is not held
	owner *ownership.Ownership // likewise

	handover *rollout.HandoverContract
	upkeep   *upkeep.Contract
	hooks    *webhooks.Hooks // nil where the module is not held
	kept     *seam.Route     // of upkeep, to the owner of the writes; nil where the module is not held
	mover    *rollout.Mover  // nil but in the trunk, which moves modules
	data     *dataMove       // nil where the module is not held

	dataContract *rollout.DataContract // nil where the module is not held
	dataEnd      rollout.DataEnd

	fixed *seam.Remote // where the module is while this process runs; nil but in a module that runs alone
}

func (s *slot) name() string { return s.module.Name() }

// addModule makes the slot of a module. The trunk always holds the module itself,
// because the data is shared; a process of one module holds that one only.
func (p *Process) addModule(ctx context.Context, m Module) error {
	s := &slot{
		process: p, module: m, handover: rollout.NewHandoverContract(m.Name()), upkeep: upkeep.NewContract(m.Name()), configured: p.settings.Modules[m.Name()],
	}
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
	if err = s.openOwner(ctx); err != nil {
		return err
	}
	p.addTask("the owner of "+s.name(), s.owner.Watch)
	s.openWebhooks()
	here, err := s.module.Start(ctx, &Env{
		DB: s.db, Log: p.log, Clock: p.clock, Data: p.settings.Data, Site: p.settings.Domain(), Contracts: p.contracts(), Chains: p.chains, slot: s,
	})
	if err != nil {
		return err
	}
	s.route, s.kept = seam.NewRoute(here), seam.NewRoute(s.upkeep.Bind(s.db, s.hooks))
	if err := s.openData(ctx); err != nil {
		return err
	}
	if !p.isTrunk() { // a write refused here is for the trunk's route to send elsewhere
		s.route.With(seam.RouteOptions{Admit: s.db.Admit})
		return nil
	}
	s.route.With(seam.RouteOptions{Lost: ownership.IsLost, Action: p.recordAction, Admit: s.db.Admit, Uploads: p.uploads})
	s.kept.With(seam.RouteOptions{Lost: ownership.IsLost, Action: p.recordAction})
	s.mover = rollout.NewMover(rollout.MoverOptions{
		Route: s.route, Upkeep: s.kept, Owner: s.owner, Configured: s.configured.Place(), Timeout: s.configured.Timeout,
		Dial: s.dial, Trust: s.trust, Log: p.log,
	})
	return s.mover.Start(ctx)
}

// openWebhooks adds the task that sends the module's public events to others.
func (s *slot) openWebhooks() {
	s.hooks = webhooks.New(webhooks.Options{DB: s.db, Kinds: s.module.Webhooks, Log: s.process.log, Clock: s.process.clock})
	s.process.hooks = append(s.process.hooks, s.hooks)
	s.process.addTask("webhooks of "+s.name(), func(ctx context.Context) error {
		return s.owner.WhileOwner(ctx, "webhooks of "+s.name(), s.hooks.Run)
	})
}

// openElsewhere makes the route of a module that another process holds: at its own
// address, or in the whole program.
func (s *slot) openElsewhere() error {
	urls := s.configured.URL
	if s.configured.Mode == rollout.StartLocal {
		urls = []string{s.process.settings.Identity.TrunkURL}
	}
	peer := s.peerAt(urls)
	o, err := s.remoteOptions(urls, peer)
	if err != nil {
		return err
	}
	if s.fixed, err = seam.NewRemote(s.module.Contract, o); err != nil {
		return err
	}
	if peer != rollout.Trunk {
		keys, err := s.process.keysAt(urls, peer)
		if err != nil {
			return err
		}
		s.trust(keys)
	}
	s.route = seam.NewRemoteRoute(s.module.Contract, s.fixed)
	return nil
}

// dial makes the remotes at these addresses.
func (s *slot) dial(urls []string) (*rollout.Remote, error) {
	peer := s.peerAt(urls)
	o, err := s.remoteOptions(urls, peer)
	if err != nil {
		return nil, err
	}
	var remote rollout.Remote
	if peer != rollout.Trunk {
		if remote.Keys, err = s.process.keysAt(urls, peer); err != nil {
			return nil, err
		}
	}
	// The hand-over is spoken with processes over other data as well, to find them.
	if remote.Peer, err = s.handover.Peer(o); err != nil {
		return nil, err
	}
	o.Data = s.owner.DataID()
	if remote.Module, err = seam.NewRemote(s.module.Contract, o); err != nil {
		remote.Peer.Close()
		return nil, err
	}
	if remote.Upkeep, err = seam.NewRemote(s.upkeep.Seam(), o); err != nil {
		remote.Peer.Close()
		remote.Module.Close()
		return nil, err
	}
	return &remote, nil
}

// peerAt is whose process is at these addresses.
func (s *slot) peerAt(urls []string) string {
	if slices.Equal(urls, []string{s.process.settings.Identity.TrunkURL}) {
		return rollout.Trunk
	}
	return s.name()
}

func (s *slot) remoteOptions(urls []string, peer string) (seam.RemoteOptions, error) {
	transport, err := s.process.transportTo(urls)
	return seam.RemoteOptions{
		URLs: urls, Tokens: s.process.tokens, Timeout: s.configured.Timeout, TLS: s.process.tlsTo(peer), Transport: transport, Log: s.process.log,
	}, err
}

// trust makes these keys the only ones that count for the module; nil: no keys do.
func (s *slot) trust(keys identity.KeySource) {
	if keys == nil {
		s.process.verifier.Distrust(s.name())
		return
	}
	s.process.verifier.Trust(identity.Trusted{Issuer: s.name(), Keys: keys, OnlyService: s.name()})
}

// close closes the remotes that open has made.
func (s *slot) close() {
	s.closeData()
	if s.mover != nil {
		s.mover.Close()
	}
	if s.fixed != nil {
		s.fixed.Close()
	}
}
