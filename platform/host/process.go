package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"banyan/platform/certificates"
	"banyan/platform/chain"
	"banyan/platform/config"
	"banyan/platform/database"
	"banyan/platform/events/outbox"
	"banyan/platform/fault"
	"banyan/platform/feature"
	"banyan/platform/httpserver"
	"banyan/platform/identity"
	"banyan/platform/identity/signin"
	"banyan/platform/legacy"
	"banyan/platform/peers"
	"banyan/platform/ratelimit"
	"banyan/platform/rollout"
	"banyan/platform/seam"
	"banyan/platform/site"
	"banyan/platform/telemetry"
	"banyan/platform/upkeep"
	"banyan/platform/webhooks"
)

// Options configure a process beside its settings. All may be zero.
type Options struct {
	Clock func() time.Time // nil = time.Now
	// Pages makes the pages of the trunk, from the assembled process; nil = none.
	Pages func(*Process) (Pages, error)
}

// Pages are the trunk's pages for people.
type Pages interface {
	Mount(r chi.Router)
	// Page renders an error as a page, see httpserver.Options.Page.
	Page(w http.ResponseWriter, r *http.Request, status int, err error)
	// Run works beside them until the context ends.
	Run(ctx context.Context) error
}

// Process is the assembled program: the trunk, or one module.
type Process struct {
	program  Program
	settings *Settings
	source   *config.Loaded // of settings
	// reloaded are those from which Reload took all that it may change; nil: it has not.
	reloaded atomic.Pointer[config.Loaded]
	clock    func() time.Time
	log      *slog.Logger
	logLevel *slog.LevelVar

	registry *prometheus.Registry
	health   *telemetry.Health
	tracing  *telemetry.Tracing

	tokens       identity.Issuer // signs this process's calls to others
	verifier     *identity.Verifier
	jwks         http.Handler
	authenticate func(http.Handler) http.Handler
	api          *signin.API // nil in a module that runs alone
	identity     Identity    // empty there
	// operatorSessions are those of the operators' own host, for requests of which
	// isOperatorHost is true; nil = there is no such host.
	operatorSessions *signin.Sessions
	isOperatorHost   func(*http.Request) bool

	certificates *certificates.Source // nil: plain http between processes
	chains       *chain.Chains        // nil: no node is configured
	broker       eventBroker          // which may change
	limits       *ratelimit.Shared    // nil: each process limits callers by itself
	peers        *peers.Policy        // where those may be
	legacy       *legacy.Legacy       // nil: there is no legacy system
	features     *feature.Flags       // of the pages; nil without them

	slots   []*slot       // the modules, in the order of the list
	uploads *seam.Uploads // what is kept of those under way; nil in a module that runs alone
	operate *seam.Route   // to the rollout of modules; nil in a module that runs alone

	started time.Time
	backups *Backups   // nil in a module that runs alone
	site    *site.Site // likewise

	server     *httpserver.Server
	databases  []*database.DB
	publishers []*database.DB // those with a relay
	hooks      []*webhooks.Hooks
	tasks      []task
}

// task is a background task; it ends when its context does.
type task struct {
	name string
	run  func(context.Context) error
}

func (p *Process) addTask(name string, run func(context.Context) error) {
	p.tasks = append(p.tasks, task{name, run})
}

// isTrunk reports whether this process has all modules, the pages and the sign-in.
func (p *Process) isTrunk() bool { return p.settings.Module == "" }

// name returns the process's name: as an owner of writes, and in its certificate.
// All replicas of one deployment have the same name.
func (p *Process) name() string {
	if p.isTrunk() {
		return rollout.Trunk
	}
	return p.settings.Module
}

// address returns the URL of this process for other processes.
func (p *Process) address() string {
	switch {
	case p.isTrunk():
		return p.settings.PublicURL
	case p.settings.TLS.Enabled():
		return "https://" + reachable(p.settings.Listen, net.InterfaceAddrs)
	}
	return "http://" + reachable(p.settings.Listen, net.InterfaceAddrs)
}

// openDatabase opens and migrates a database of this process.
func (p *Process) openDatabase(ctx context.Context, name string) (*database.DB, error) {
	db, err := p.loaded().OpenDatabase(ctx, name)
	if err != nil {
		return nil, err
	}
	p.databases = append(p.databases, db)
	p.health.Add("database "+name, db.Ping)
	return db, db.Migrate(ctx)
}

// Route returns the route to a module. It panics for a module that is not listed.
func (p *Process) Route(c *seam.Contract) *seam.Route {
	for _, s := range p.slots {
		if s.module.Contract == c {
			return s.route
		}
	}
	panic(fmt.Sprintf("the module %s is not in main's list", c.Module))
}

// Upkeep returns what operators do about a module's events and jobs, wherever it
// runs. Only the trunk has it. It panics for a module that is not listed.
func (p *Process) Upkeep(module string) upkeep.Service {
	for _, s := range p.slots {
		if s.name() == module {
			return s.upkeep.Client(s.kept)
		}
	}
	panic(fmt.Sprintf("the module %s is not in main's list", module))
}

// Rollout returns the service that moves the modules. Only the trunk has it.
func (p *Process) Rollout() rollout.Service { return rollout.NewClient(p.operate) }

// Backups makes backups on behalf of operators. Only the trunk has it.
func (p *Process) Backups() *Backups { return p.backups }

// Site is what operators decided about the site. Only the trunk has it.
func (p *Process) Site() *site.Site { return p.site }

// Identity returns what identifies callers. Only the trunk has it.
func (p *Process) Identity() Identity { return p.identity }

// Say logs what an operator should read.
func (p *Process) Say(ctx context.Context, message string, facts ...any) {
	p.log.InfoContext(ctx, message, facts...)
}

// Settings returns the settings of the process.
func (p *Process) Settings() *Settings { return p.settings }

// Features decides who is shown which feature. Only the trunk with pages has it.
func (p *Process) Features() *feature.Flags { return p.features }

// Legacy returns the proxy of the legacy system; nil without one.
func (p *Process) Legacy() *legacy.Legacy { return p.legacy }

// URL returns the URL of the server's listener for a client on this machine, after
// Listen.
func (p *Process) URL() string { return urlOf(p.server.Addr()) }

// RouteStatus returns the state of the modules' routes, for operators.
func (p *Process) RouteStatus() []seam.Status {
	list := make([]seam.Status, len(p.slots))
	for i, s := range p.slots {
		list[i] = s.route.Status()
	}
	return list
}

// DatabaseStats returns the statistics of this process's databases.
func (p *Process) DatabaseStats() []database.Stats {
	list := make([]database.Stats, len(p.databases))
	for i, db := range p.databases {
		list[i] = db.Stats()
	}
	return list
}

// EventLag returns the number of events of each module that are not delivered yet.
func (p *Process) EventLag(ctx context.Context) (map[string]int64, error) {
	lag := make(map[string]int64, len(p.publishers))
	for _, db := range p.publishers {
		if db.Left() != nil {
			continue // its events are delivered where the data is
		}
		list, err := outbox.ReadStatus(ctx, db)
		if err != nil {
			return nil, err
		}
		lag[db.Module()] = 0
		for _, s := range list {
			lag[db.Module()] += s.Lag
		}
	}
	return lag, nil
}

// Run starts the tasks, does first, which may be nil, and serves until the context
// ends or a task fails; then it stops in the reverse order of the start. Listen must
// have been called.
func (p *Process) Run(ctx context.Context, first func(context.Context) error) error {
	tasksCtx, stopTasks := context.WithCancel(context.WithoutCancel(ctx))
	defer stopTasks()
	group, serving := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer stopTasks() // the tasks end after the running requests
		if first != nil {
			if err := first(serving); err != nil {
				return err
			}
		}
		return p.server.Run(serving)
	})
	for _, t := range p.tasks {
		group.Go(func() error {
			if err := t.run(tasksCtx); err != nil && tasksCtx.Err() == nil {
				return fmt.Errorf("%s stopped: %w", t.name, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// Close closes what New has opened.
func (p *Process) Close() error {
	var all []error
	for _, s := range p.slots {
		s.close()
	}
	if p.legacy != nil {
		p.legacy.CloseIdle()
	}
	if p.chains != nil {
		p.chains.Close()
	}
	p.broker.close()
	if p.limits != nil {
		all = append(all, p.limits.Close())
	}
	for _, db := range slices.Backward(p.databases) {
		all = append(all, db.Close())
	}
	if p.tracing != nil {
		ctx, cancel := context.WithTimeout(context.Background(), p.settings.HTTP.ShutdownGrace)
		defer cancel()
		all = append(all, p.tracing.Shutdown(ctx))
	}
	if err := errors.Join(all...); err != nil {
		return fault.Wrap(err, fault.Internal, "the program did not stop cleanly: some connection or database could not be closed")
	}
	return nil
}

// New assembles the program in the order in which it starts. If it fails, it closes
// what it has opened; otherwise Close does.
func New(ctx context.Context, loaded Loaded, o Options) (*Process, error) {
	if err := loaded.check(); err != nil {
		return nil, err
	}
	level := new(slog.LevelVar)
	level.Set(loaded.Settings.Log.Level.Slog())
	p := &Process{
		program: loaded.Program, settings: loaded.Settings, source: loaded.Source, clock: o.Clock,
		log: telemetry.NewLogger(os.Stderr, loaded.Settings.Log, level), logLevel: level,
		peers: loaded.Settings.peersPolicy(),
	}
	if p.clock == nil {
		p.clock = time.Now
	}
	p.started = p.clock()
	if p.isTrunk() {
		p.uploads = seam.NewUploads(p.settings.Data, int64(p.settings.Move.Uploads))
	}
	steps := []func(context.Context) error{p.openTelemetry, p.openCertificates, p.openChains, p.openBroker, p.copyBeforeMigration, p.openIdentity}
	for _, m := range loaded.Modules {
		steps = append(steps, func(ctx context.Context) error { return p.addModule(ctx, m) })
	}
	steps = append(steps, p.openRollout, func(ctx context.Context) error { return p.openServer(ctx, o.Pages) })
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, p.Close())
		}
	}
	return p, nil
}
