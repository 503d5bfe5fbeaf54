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
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"banyan/modules/airdrop"
	"banyan/modules/exchangereview"
	"banyan/modules/reputation"
	"banyan/platform/config"
	"banyan/platform/database"
	"banyan/platform/events"
	"banyan/platform/httpserver"
	"banyan/platform/identity"
	"banyan/platform/seam"
	"banyan/platform/telemetry"
	"banyan/web"
)

//go:embed config.yaml
var defaults []byte

// version is set by the Makefile.
var version = "unknown"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
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

	reputation reputation.Client
	exchanges  exchangereview.Client
	airdrop    airdrop.Client
	routes     []*seam.Route // in the order of the modules' floors

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
		h.buildIdentity,
		h.buildReputation,
		h.buildExchangeReview,
		h.buildAirdrop,
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
		h.verifier = identity.NewVerifier(h.clock, identity.Trusted{Issuer: identity.TrunkIssuer, Keys: h.keysAt(h.cfg.Identity.TrunkURL)})
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
	h.sessions, err = identity.NewSessions(db, identity.SessionOptions{
		Origin: h.cfg.PublicURL, Operators: h.cfg.Identity.Operators,
		Idle: h.cfg.Identity.SessionIdle, Absolute: h.cfg.Identity.SessionAbsolute, Now: h.clock,
	})
	if err != nil {
		return err
	}
	h.tokens, h.jwks = keys, identity.JWKSHandler(keys)
	h.verifier = identity.NewVerifier(h.clock, identity.Trusted{Issuer: identity.TrunkIssuer, Keys: keys})
	h.api = identity.NewAPI(identity.APIOptions{Sessions: h.sessions, Keys: keys, Verifier: h.verifier, RequestID: telemetry.RequestID})
	h.authenticate = h.api.Authenticate
	h.begin("identity", identity.Housekeeping{Keys: keys, Sessions: h.sessions, Log: h.log}.Run)
	return nil
}

func (h *house) keysAt(url string) identity.KeySource {
	return identity.NewRemoteKeys(url+identity.JWKSPath, identity.RemoteKeysOptions{Now: h.clock})
}

func (h *house) buildReputation(ctx context.Context) error {
	route, err := h.route(ctx, reputation.Contract, func(db *database.DB) (*seam.Local, error) {
		o := reputation.Options{
			DB: db, Log: h.log, Clock: h.clock,
			Seeds: h.cfg.Reputation.Seeds, Alpha: h.cfg.Reputation.Alpha, Epsilon: h.cfg.Reputation.Epsilon,
		}
		service := reputation.New(o)
		h.relay(db) // publishes nothing yet; its relay keeps the inbox short
		h.begin("epochs", reputation.NewJobs(service, h.log, time.Duration(h.cfg.Reputation.Schedule)).Run)
		return reputation.Bind(service), nil
	})
	h.reputation = reputation.NewClient(route)
	return err
}

func (h *house) buildExchangeReview(ctx context.Context) error {
	route, err := h.route(ctx, exchangereview.Contract, func(db *database.DB) (*seam.Local, error) {
		o := exchangereview.Options{DB: db, Log: h.log, Clock: h.clock, Site: h.cfg.Domain(), Reputation: h.reputation}
		service := exchangereview.New(o)
		h.begin("review weights", exchangereview.NewJobs(o).Run)
		h.relay(db, events.Consumer{
			Name: reputation.Name, Topic: reputation.ActivityTopic.Name(),
			Deliver: func(ctx context.Context, batch events.Batch) (events.Receipt, error) {
				return h.reputation.Record(identity.AsService(ctx, exchangereview.Name), batch)
			},
		})
		added, err := exchangereview.LoadStarter(ctx, o)
		if added > 0 {
			h.log.InfoContext(ctx, "the directory begins with well-known exchanges", "exchanges", added)
		}
		return exchangereview.Bind(service), err
	})
	h.exchanges = exchangereview.NewClient(route)
	return err
}

func (h *house) buildAirdrop(ctx context.Context) error {
	route, err := h.route(ctx, airdrop.Contract, func(db *database.DB) (*seam.Local, error) {
		o := airdrop.Options{DB: db, Log: h.log, Clock: h.clock, MaxRows: h.cfg.Airdrop.MaxRows}
		h.relay(db)
		h.begin("left-over uploads", airdrop.NewJobs(o).Run)
		return airdrop.Bind(airdrop.New(o)), nil
	})
	h.airdrop = airdrop.NewClient(route)
	return err
}

// buildServer stands last: what it serves is there.
func (h *house) buildServer(o web.Options) error {
	h.registry.MustRegister(seam.Collector(h.routes), events.Collector(h.publishers))
	options := httpserver.Options{
		Listen: h.cfg.Listen, PublicURL: h.cfg.PublicURL, Limits: h.cfg.HTTP, Logger: h.log, Requests: h.cfg.Log.Requests,
		Metrics: telemetry.NewHTTPMetrics(h.registry), Tracing: h.tracing, Health: h.health, Internal: h.cfg.Module != "",
		AdminListen:  h.cfg.Admin.Listen,
		Admin:        telemetry.Admin(telemetry.AdminOptions{Gatherer: h.registry, Health: h.health, Pprof: h.cfg.Admin.Pprof}),
		Authenticate: h.authenticate, Wallet: signedInWallet, Now: h.clock,
	}
	var pages *web.Web
	if h.cfg.Module == "" {
		o.Reputation, o.Exchanges, o.Airdrop = h.reputation, h.exchanges, h.airdrop
		o.Sessions, o.Routes, o.PublicURL = h.sessions, h.status, h.cfg.PublicURL
		var err error
		if pages, err = web.New(o); err != nil {
			return err
		}
		options.Page = pages.Page
	}
	server, err := httpserver.New(options)
	if err != nil {
		return err
	}
	h.server = server
	h.mountAPI(server.Router())
	if pages != nil {
		h.api.Mount(server.Router())
		pages.Mount(server.Router())
	}
	return nil
}

// status is what the operator sees of the modules.
func (h *house) status() []seam.Status {
	list := make([]seam.Status, len(h.routes))
	for i, r := range h.routes {
		list[i] = r.Status()
	}
	return list
}

// signedInWallet is whom the rate limit per wallet counts.
func signedInWallet(ctx context.Context) string {
	if w := identity.From(ctx).Wallet; !w.IsZero() {
		return w.String()
	}
	return ""
}
