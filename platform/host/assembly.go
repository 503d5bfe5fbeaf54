package host

import (
	"context"
	"log/slog"
	"net/http"
	"sync"

	"github.com/go-chi/chi/v5"

	"banyan/platform/certificates"
	"banyan/platform/chain"
	"banyan/platform/config"
	"banyan/platform/database"
	"banyan/platform/events/outbox"
	"banyan/platform/feature"
	"banyan/platform/httpserver"
	"banyan/platform/identity"
	"banyan/platform/rollout"
	"banyan/platform/seam"
	"banyan/platform/signature"
	"banyan/platform/telemetry"
	"banyan/platform/webhooks"
)

func (p *Process) openTelemetry(ctx context.Context) (err error) {
	slog.SetDefault(p.log) // for libraries that log by themselves
	p.registry, p.health = telemetry.NewRegistry(), telemetry.NewHealth()
	service := "banyan"
	if !p.isTrunk() {
		service += "-" + p.settings.Module
	}
	p.tracing, err = telemetry.Setup(ctx, p.settings.Tracing, service, p.program.Version, p.log)
	return err
}

func (p *Process) openCertificates(context.Context) (err error) {
	tls := p.settings.TLS
	if !tls.Enabled() {
		return nil
	}
	files := certificates.Files{Cert: tls.Cert, Key: tls.Key, CA: tls.CA}
	p.certificates, err = certificates.Open(files, certificates.Options{Name: p.name(), Now: p.clock, Log: p.log})
	if err != nil {
		return err
	}
	p.registry.MustRegister(certificates.Collector(p.certificates))
	p.addTask("certificates", p.certificates.Watch)
	return nil
}

// openChains prepares the nodes of chains, if there are any.
func (p *Process) openChains(context.Context) error {
	if len(p.settings.Chain.Nodes) == 0 {
		return nil
	}
	p.chains = chain.Open(p.settings.Chain, p.log)
	p.addTask("the nodes of chains", p.chains.Connect)
	return nil
}

// contracts asks smart wallets about their signatures; nil without nodes.
func (p *Process) contracts() signature.Contracts {
	if p.chains == nil {
		return nil
	}
	return p.chains
}

// copyBeforeMigration makes a backup if the databases that this process opens are to be
// migrated: there is no other way back.
func (p *Process) copyBeforeMigration(ctx context.Context) error {
	names := p.program.Databases()
	if !p.isTrunk() {
		names = []string{p.settings.Module}
	}
	path, err := p.loaded().BackupBeforeMigration(ctx, names, p.clock())
	if err == nil && path != "" {
		p.log.InfoContext(ctx, "the databases are migrated; `banyan backup restore` with the program from before puts this copy back", "backup", path)
	}
	return err
}

// openRollout restores the routes that operators have set.
func (p *Process) openRollout(ctx context.Context) error {
	if !p.isTrunk() {
		return nil
	}
	db, err := p.openDatabase(ctx, routesDatabase)
	if err != nil {
		return err
	}
	managed := make([]rollout.Managed, len(p.slots))
	for i, s := range p.slots {
		managed[i] = s.mover.Managed()
		managed[i].Data = s.data
	}
	controller, err := rollout.Open(ctx, db, rollout.Options{Modules: managed, Clock: p.clock, Log: p.log})
	if err != nil {
		return err
	}
	for _, s := range p.slots {
		s.route.OnRollback(controller.NoteRollback)
		s.data.routes = controller
	}
	p.operate = seam.NewRoute(rollout.Bind(controller)).With(seam.RouteOptions{Action: p.recordAction})
	p.addTask("the rollout of modules", controller.Run)
	return nil
}

// openServer is called last, when everything that it serves is open.
func (p *Process) openServer(ctx context.Context, makePages func(*Process) (Pages, error)) (err error) {
	p.registry.MustRegister(seam.Collector(p.routes()), outbox.Collector(p.publishers), webhooks.Collector(p.hooks), database.Collector(p.databases))
	options := p.serverOptions()
	if err := p.openLegacy(&options); err != nil {
		return err
	}
	var pages Pages
	if p.isTrunk() && makePages != nil {
		if p.features, err = feature.New(ctx, p.settings.Flags); err != nil {
			return err
		}
		if pages, err = makePages(p); err != nil {
			return err
		}
		options.Page = pages.Page
		p.addTask("the pages", pages.Run)
	}
	if err := p.openSharedLimits(&options); err != nil {
		return err
	}
	if p.server, err = httpserver.New(options); err != nil {
		return err
	}
	p.addTask("the limits of all replicas", p.server.ShareLimits)
	p.registry.MustRegister(p.server)
	router := p.server.Router()
	p.mountAPI(router)
	if p.isTrunk() {
		p.operate.Mount(router, seam.MountOptions{Timeout: p.settings.HTTP.WriteTimeout})
		p.api.Mount(router)
	}
	if pages != nil {
		pages.Mount(router)
	}
	if p.legacy != nil {
		return p.legacy.Serve(router)
	}
	return nil
}

func (p *Process) serverOptions() httpserver.Options {
	s := p.settings
	options := httpserver.Options{
		Listen: s.Listen, PublicURL: s.PublicURL, OperatorURL: s.Legacy.OperatorURL, Limits: s.HTTP, Logger: p.log, Requests: s.Log.Requests,
		Metrics: telemetry.NewHTTPMetrics(p.registry), Tracing: p.tracing, Health: p.health, Internal: !p.isTrunk(),
		AdminListen:  s.Admin.Listen,
		AdminHosts:   s.Admin.Hosts,
		AdminMayMove: !p.isTrunk() && p.source.Sources()["admin.listen"].Kind == config.FromFile,
		Admin:        telemetry.Admin(telemetry.AdminOptions{Gatherer: p.registry, Health: p.health, Pprof: s.Admin.Pprof}),
		Authenticate: p.authenticate, Wallet: signedInWallet, Caller: callerName, Privileged: isOperator, Now: p.clock,
	}
	options.Sharing = p.sharing()
	options.Hosts, options.AnyAddress = p.hosts()
	options.Own, options.AnyHostPaths = identity.Process, []string{identity.JWKSPath, identity.WellKnownJWKSPath}
	if !p.isTrunk() {
		options.Process = identity.Process
	}
	switch {
	case p.certificates == nil:
	case !p.isTrunk():
		options.TLS = p.certificates.ServerConfig()
	case s.TLS.Listen != "": // without it, the trunk uses its certificate as a client only
		options.TLS, options.TLSListen = p.certificates.ServerConfig(), s.TLS.Listen
	}
	return options
}

// sharing says which operations the pages of other sites may read.
func (p *Process) sharing() func(pattern string) httpserver.Sharing {
	shared := make(map[string]httpserver.Sharing)
	for _, s := range p.slots {
		for pattern, anyOrigin := range s.module.Contract.Shared() {
			shared[pattern] = httpserver.SharedWithListed
			if anyOrigin {
				shared[pattern] = httpserver.SharedWithAll
			}
		}
	}
	return func(pattern string) httpserver.Sharing { return shared[pattern] }
}

// mountAPI serves every module's operations, wherever the module runs; a module
// that runs alone serves its own only, and the operations of the hand-over of its
// writes.
func (p *Process) mountAPI(router chi.Router) {
	for _, s := range p.slots {
		o := seam.MountOptions{Timeout: p.settings.HTTP.WriteTimeout, Site: p.settings.PublicURL}
		if !p.isTrunk() {
			if s.name() != p.settings.Module {
				continue
			}
			o.Epoch, o.Data = s.owner.RequireEpoch, s.owner.DataID
			seam.NewRoute(s.handover.Bind(s.owner)).Mount(router, seam.MountOptions{Timeout: p.settings.HTTP.WriteTimeout})
		}
		s.route.Mount(router, o)
		s.kept.Mount(router, o)
		seam.NewRoute(s.dataContract.Bind(s.dataEnd)).Mount(router, seam.MountOptions{Timeout: p.settings.HTTP.WriteTimeout})
	}
	router.Method(http.MethodGet, identity.JWKSPath, p.jwks)
	if p.legacy != nil { // which may have the paths below
		router.Get(p.settings.Legacy.Prefix+"/api/openapi.json", p.serveAPIDocument())
		return
	}
	router.Method(http.MethodGet, identity.WellKnownJWKSPath, p.jwks)
	router.Get("/api/openapi.json", p.serveAPIDocument())
}

// serveAPIDocument returns the handler of the document, which is made once: clients
// that take their time to read it would hold one each otherwise.
func (p *Process) serveAPIDocument() http.HandlerFunc {
	document := sync.OnceValues(func() ([]byte, error) { return p.program.APIDocument(config.BasePath(p.settings.PublicURL)) })
	return func(w http.ResponseWriter, r *http.Request) {
		text, err := document()
		if err != nil {
			p.server.Fail(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(text) // the client may have disconnected
	}
}

func (p *Process) routes() []*seam.Route {
	list := make([]*seam.Route, len(p.slots))
	for i, s := range p.slots {
		list[i] = s.route
	}
	return list
}

// isOperator reports whether the caller is an operator, whom the limits on the cost
// of requests do not apply to.
func isOperator(ctx context.Context) bool { return identity.From(ctx).Role >= identity.Operator }

// callerName returns who a request is from, for the log, "" for nobody known.
func callerName(ctx context.Context) string {
	if c := identity.From(ctx); !c.IsAnonymous() {
		return c.Name()
	}
	return ""
}

// signedInWallet returns the key of the rate limit per wallet, "" without a wallet.
func signedInWallet(ctx context.Context) string {
	if w := identity.From(ctx).Wallet; !w.IsZero() {
		return w.String()
	}
	return ""
}
