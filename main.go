// Banyan: one binary, three modules, one seam.
//
// This file is the way in: it puts the parts together in the order in which
// they start. The commands are in commands.go; what the program does is in
// modules/, and what it stands on in platform/.
package main

import (
	"context"
	_ "embed"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"banyan/modules/airdrop"
	"banyan/modules/exchangereview"
	"banyan/modules/reputation"
	"banyan/platform/certificates"
	"banyan/platform/config"
	"banyan/platform/database"
	"banyan/platform/events"
	"banyan/platform/handover"
	"banyan/platform/httpserver"
	"banyan/platform/identity"
	"banyan/platform/seam"
	"banyan/platform/strangler/control"
	"banyan/platform/strangler/legacy"
	"banyan/platform/telemetry"
	"banyan/web"
)

//go:embed config.yaml
var defaults []byte

// version is set by the Makefile.
var version = "unknown"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // whoever asks a second time does not want to wait
	os.Exit(execute(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// house is the program put together, before it runs.
type house struct {
	cfg   config.Config
	clock func() time.Time
	log   *slog.Logger

	registry *prometheus.Registry
	health   *telemetry.Health
	tracing  *telemetry.Tracing

	tokens       identity.Issuer // signs this process's calls to others
	verifier     *identity.Verifier
	jwks         http.Handler
	authenticate func(http.Handler) http.Handler
	api          *identity.API      // nil in a module that runs alone
	sessions     *identity.Sessions // likewise

	certificates *certificates.Source // nil: plain http between processes
	legacy       *legacy.Legacy       // nil: there is no other system behind this one

	reputation reputation.Client
	exchanges  exchangereview.Client
	airdrop    airdrop.Client
	roots      []*root          // the modules, in the order of their floors
	control    *control.Control // of their routes; nil in a module that runs alone

	server     *httpserver.Server
	databases  []*database.DB
	publishers []*database.DB // those with a relay
	tasks      []task
}

// task is work beside the server; it ends when its context does.
type task struct {
	name string
	run  func(context.Context) error
}

// build puts the program together in the order in which it starts. What it has
// opened is closed by close, also when it fails half-way.
func build(ctx context.Context, cfg config.Config, clock func() time.Time, pages web.Options) (*house, error) {
	h := &house{cfg: cfg, clock: clock, log: telemetry.NewLogger(os.Stderr, cfg.Log)}
	for _, step := range []func(context.Context) error{
		h.buildTelemetry,
		h.buildCertificates,
		h.buildIdentity,
		h.buildReputation,
		h.buildExchangeReview,
		h.buildAirdrop,
		h.buildControl,
		func(context.Context) error { return h.buildServer(pages) },
	} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, h.close())
		}
	}
	return h, nil
}

func (h *house) buildTelemetry(ctx context.Context) (err error) {
	slog.SetDefault(h.log) // for libraries that log by themselves
	h.registry, h.health = telemetry.NewRegistry(), telemetry.NewHealth()
	service := "banyan"
	if h.cfg.Module != "" {
		service += "-" + h.cfg.Module
	}
	h.tracing, err = telemetry.Setup(ctx, h.cfg.Tracing, service, version, h.log)
	return err
}

func (h *house) buildCertificates(context.Context) (err error) {
	if !h.cfg.TLS.Enabled() {
		return nil
	}
	files := certificates.Files{Cert: h.cfg.TLS.Cert, Key: h.cfg.TLS.Key, CA: h.cfg.TLS.CA}
	h.certificates, err = certificates.Open(files, certificates.Options{Name: h.name(), Now: h.clock, Log: h.log})
	if err != nil {
		return err
	}
	h.registry.MustRegister(certificates.Collector(h.certificates))
	h.begin("certificates", h.certificates.Watch)
	return nil
}

// buildIdentity: the whole program knows people by its own database; a module
// that runs alone knows them by the trunk's public keys, and has a key of its
// own that speaks for nobody but itself.
func (h *house) buildIdentity(ctx context.Context) error {
	if h.cfg.Module != "" {
		ring, err := identity.NewKeyring(identity.KeyringOptions{Module: h.cfg.Module, Now: h.clock})
		if err != nil {
			return err
		}
		h.tokens, h.jwks = ring, identity.JWKSHandler(ring)
		h.verifier = identity.NewVerifier(h.clock, identity.Trusted{Issuer: identity.TrunkIssuer, Keys: h.keysAt([]string{h.cfg.Identity.TrunkURL}, handover.Trunk)})
		h.authenticate = identity.BearerOnly(h.verifier, h.cfg.Module, telemetry.RequestID)
		return nil
	}
	db, err := h.open(ctx, "identity")
	if err != nil {
		return err
	}
	keys, err := identity.OpenKeys(ctx, db, identity.KeysOptions{TokenTTL: h.cfg.Identity.TokenTTL, Now: h.clock})
	if err != nil {
		return err
	}
	operators, isOperators, err := h.openSessions(db)
	if err != nil {
		return err
	}
	h.tokens, h.jwks = keys, identity.JWKSHandler(keys)
	h.verifier = identity.NewVerifier(h.clock, identity.Trusted{Issuer: identity.TrunkIssuer, Keys: keys})
	h.api = identity.NewAPI(identity.APIOptions{
		Sessions: h.sessions, Operators: operators, IsOperators: isOperators,
		Keys: keys, Verifier: h.verifier, RequestID: telemetry.RequestID,
	})
	h.authenticate = h.api.Authenticate
	h.begin("identity", identity.Housekeeping{Keys: keys, Sessions: h.sessions, Log: h.log}.Run)
	return nil
}

func (h *house) buildReputation(ctx context.Context) error {
	r, err := h.plant(ctx, reputation.Contract, func(r *root) (*seam.Local, error) {
		o := reputation.Options{
			DB: r.db, Log: h.log, Clock: h.clock,
			Seeds: h.cfg.Reputation.Seeds, Alpha: h.cfg.Reputation.Alpha, Epsilon: h.cfg.Reputation.Epsilon,
		}
		service := reputation.New(o)
		r.relay() // publishes nothing yet; its relay keeps the inbox short
		r.whileOwner("epochs", reputation.NewJobs(service, h.log, time.Duration(h.cfg.Reputation.Schedule)).Run)
		return reputation.Bind(service), nil
	})
	if err != nil {
		return err
	}
	h.reputation = reputation.NewClient(r.route)
	return nil
}

func (h *house) buildExchangeReview(ctx context.Context) error {
	r, err := h.plant(ctx, exchangereview.Contract, func(r *root) (*seam.Local, error) {
		o := exchangereview.Options{DB: r.db, Log: h.log, Clock: h.clock, Site: h.cfg.Domain(), Reputation: h.reputation}
		service := exchangereview.New(o)
		r.relay(events.Consumer{
			Name: reputation.Name, Topic: reputation.ActivityTopic.Name(),
			Deliver: func(ctx context.Context, batch events.Batch) (events.Receipt, error) {
				return h.reputation.Record(identity.AsService(ctx, exchangereview.Name), batch)
			},
		})
		r.whileOwner("review weights", exchangereview.NewJobs(o).Run)
		if !r.owner.IsOwner() {
			return exchangereview.Bind(service), nil
		}
		added, err := exchangereview.LoadStarter(ctx, o)
		if added > 0 {
			h.log.InfoContext(ctx, "the directory begins with well-known exchanges", "exchanges", added)
		}
		return exchangereview.Bind(service), err
	})
	if err != nil {
		return err
	}
	h.exchanges = exchangereview.NewClient(r.route)
	return nil
}

func (h *house) buildAirdrop(ctx context.Context) error {
	r, err := h.plant(ctx, airdrop.Contract, func(r *root) (*seam.Local, error) {
		o := airdrop.Options{
			DB: r.db, Log: h.log, Clock: h.clock, MaxRows: h.cfg.Airdrop.MaxRows,
			Trees: filepath.Join(h.cfg.Data, "trees"),
		}
		r.relay()
		r.whileOwner("left-over uploads", airdrop.NewJobs(o).Run)
		return airdrop.Bind(airdrop.New(o)), nil
	})
	if err != nil {
		return err
	}
	h.airdrop = airdrop.NewClient(r.route)
	return nil
}

// buildControl takes up the routes where operators left them.
func (h *house) buildControl(ctx context.Context) error {
	if h.cfg.Module != "" {
		return nil
	}
	db, err := h.open(ctx, "routes")
	if err != nil {
		return err
	}
	managed := make([]control.Managed, len(h.roots))
	for i, r := range h.roots {
		managed[i] = r.managed()
		r.route.OnStepBack(r.stepBack)
	}
	h.control, err = control.Open(ctx, db, control.Options{Modules: managed, Clock: h.clock, Log: h.log})
	if err != nil {
		return err
	}
	h.begin("routes", h.control.Run)
	return nil
}

// buildServer stands last: what it serves is there.
func (h *house) buildServer(o web.Options) error {
	h.registry.MustRegister(seam.Collector(h.routes()), events.Collector(h.publishers))
	options := httpserver.Options{
		Listen: h.cfg.Listen, PublicURL: h.cfg.PublicURL, OperatorURL: h.cfg.Strangler.OperatorURL, Limits: h.cfg.HTTP, Logger: h.log, Requests: h.cfg.Log.Requests,
		Metrics: telemetry.NewHTTPMetrics(h.registry), Tracing: h.tracing, Health: h.health, Internal: h.cfg.Module != "",
		AdminListen:  h.cfg.Admin.Listen,
		Admin:        telemetry.Admin(telemetry.AdminOptions{Gatherer: h.registry, Health: h.health, Pprof: h.cfg.Admin.Pprof}),
		Authenticate: h.authenticate, Wallet: signedInWallet, Now: h.clock,
	}
	switch {
	case h.certificates == nil:
	case h.cfg.Module != "":
		options.TLS = h.certificates.ServerConfig()
	case h.cfg.TLS.Listen != "": // otherwise it shows its certificate to modules, and serves people only
		options.TLS, options.TLSListen = h.certificates.ServerConfig(), h.cfg.TLS.Listen
	}
	if err := h.buildLegacy(&options); err != nil {
		return err
	}
	if h.cfg.Module == "" {
		return h.serveTrunk(options, o)
	}
	server, err := httpserver.New(options)
	if err != nil {
		return err
	}
	h.server = server
	h.mountAPI(server.Router())
	return nil
}

// serveTrunk adds what only the whole program has: pages, sign-in, and the
// control of the routes.
func (h *house) serveTrunk(options httpserver.Options, o web.Options) error {
	operator := seam.NewRoute(control.Bind(h.control))
	o.Reputation, o.Exchanges, o.Airdrop, o.Modules = h.reputation, h.exchanges, h.airdrop, control.NewClient(operator)
	o.Sessions, o.Routes, o.PublicURL, o.EventLag = h.sessions, h.status, h.cfg.PublicURL, h.eventLag
	if h.legacy != nil {
		o.Prefix, o.Taken, o.OperatorURL = h.cfg.Strangler.Prefix, h.legacy.Taken, h.cfg.Strangler.OperatorURL
	}
	pages, err := web.New(o)
	if err != nil {
		return err
	}
	options.Page = pages.Page
	if h.server, err = httpserver.New(options); err != nil {
		return err
	}
	h.mountAPI(h.server.Router())
	operator.Mount(h.server.Router(), seam.MountOptions{Timeout: h.cfg.HTTP.WriteTimeout})
	h.api.Mount(h.server.Router())
	pages.Mount(h.server.Router())
	if h.legacy != nil {
		return h.legacy.Serve(h.server.Router())
	}
	return nil
}

// signedInWallet is whom the rate limit per wallet counts.
func signedInWallet(ctx context.Context) string {
	if w := identity.From(ctx).Wallet; !w.IsZero() {
		return w.String()
	}
	return ""
}
