package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/go-chi/chi/v5"
	"golang.org/x/sync/errgroup"

	"banyan/migrations"
	"banyan/platform/config"
	"banyan/platform/database"
	"banyan/platform/events"
	"banyan/platform/fault"
	"banyan/platform/handover"
	"banyan/platform/identity"
	"banyan/platform/once"
	"banyan/platform/seam"
)

// openDatabase opens the database of a module, or of identity, as the settings
// say, without migrating it.
func openDatabase(ctx context.Context, cfg config.Config, name string) (*database.DB, error) {
	url := "sqlite:" + cfg.Data
	if cfg.Database.Postgres() {
		url = cfg.Database.DSN()
	}
	return database.Open(ctx, database.Options{
		Module: name, URL: url, Readers: cfg.Database.Readers, Connections: cfg.Database.Connections, Migrations: migrations.FS,
	})
}

// open opens and migrates a database that this process works on.
func (h *house) open(ctx context.Context, name string) (*database.DB, error) {
	db, err := openDatabase(ctx, h.cfg, name)
	if err != nil {
		return nil, err
	}
	h.databases = append(h.databases, db)
	h.health.Add("database "+name, db.Ping)
	return db, db.Migrate(ctx)
}

// name is what this process is called among Banyan's own: an owner of writes,
// the name in its certificate. Every replica of one deployment has one name.
func (h *house) name() string {
	if h.cfg.Module != "" {
		return h.cfg.Module
	}
	return handover.Trunk
}

// address is where others find this process.
func (h *house) address() string {
	switch {
	case h.cfg.Module == "":
		return h.cfg.PublicURL
	case h.cfg.TLS.Enabled():
		return "https://" + h.cfg.Listen
	}
	return "http://" + h.cfg.Listen
}

// tlsTo is how this process speaks to another; nil is plain http.
func (h *house) tlsTo(peer string) *tls.Config {
	if h.certificates == nil {
		return nil
	}
	return h.certificates.ClientConfig(peer)
}

// keysAt are the public keys of another process, fetched when they are needed;
// several addresses are replicas, each with a key of its own.
func (h *house) keysAt(urls []string, peer string) identity.KeySource {
	transport := seam.NewTransport()
	transport.TLSClientConfig = h.tlsTo(peer)
	client := &http.Client{
		Transport: transport, Timeout: keysTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	keys := make(identity.ManyKeys, len(urls))
	for i, url := range urls {
		keys[i] = identity.NewRemoteKeys(url+identity.JWKSPath, identity.RemoteKeysOptions{Client: client, Now: h.clock})
	}
	return keys
}

const keysTimeout = 5 * time.Second

// relay carries the events that the module publishes to those who listen.
func (r *root) relay(consumers ...events.Consumer) {
	h := r.house
	relay := events.NewRelay(r.db, events.Options{
		Poll: h.cfg.Events.Poll, MaxAttempts: h.cfg.Events.MaxAttempts, Keep: h.cfg.Events.Keep, Log: h.log, Clock: h.clock,
	}, consumers...)
	h.publishers = append(h.publishers, r.db)
	r.whileOwner("events of "+r.contract.Module, relay.Run)
	r.whileOwner("kept answers of "+r.contract.Module, once.NewJob(r.db, h.log).Run)
}

func (h *house) begin(name string, run func(context.Context) error) {
	h.tasks = append(h.tasks, task{name, run})
}

// mountAPI serves every module's operations, wherever the module runs; a module
// that runs alone serves its own only, and takes over its writes when it is
// asked to.
func (h *house) mountAPI(router chi.Router) {
	for _, r := range h.roots {
		o := seam.MountOptions{Timeout: h.cfg.HTTP.WriteTimeout}
		switch h.cfg.Module {
		case "":
		case r.contract.Module:
			o.Epoch = r.owner.RequireEpoch
			seam.NewRoute(r.handover.Bind(r.owner)).Mount(router, seam.MountOptions{Timeout: h.cfg.HTTP.WriteTimeout})
		default:
			continue
		}
		r.route.Mount(router, o)
	}
	router.Method(http.MethodGet, identity.JWKSPath, h.jwks)
	if h.legacy != nil { // which may have these
		router.Get(h.cfg.Strangler.Prefix+"/api/openapi.json", serveAPIDocument)
		return
	}
	router.Method(http.MethodGet, identity.WellKnownJWKSPath, h.jwks)
	router.Get("/api/openapi.json", serveAPIDocument)
}

func (h *house) routes() []*seam.Route {
	list := make([]*seam.Route, len(h.roots))
	for i, r := range h.roots {
		list[i] = r.route
	}
	return list
}

// status is what the operator sees of the modules.
func (h *house) status() []seam.Status {
	list := make([]seam.Status, len(h.roots))
	for i, r := range h.roots {
		list[i] = r.route.Status()
	}
	return list
}

// eventLag is how many events of each module wait.
func (h *house) eventLag(ctx context.Context) (map[string]int64, error) {
	lag := make(map[string]int64, len(h.publishers))
	for _, db := range h.publishers {
		list, err := events.ReadStatus(ctx, db)
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

// run serves until the context ends or something fails for good, then stops
// in the reverse order of the start.
func (h *house) run(ctx context.Context) error {
	tasksCtx, stopTasks := context.WithCancel(context.WithoutCancel(ctx))
	defer stopTasks()
	group, serving := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer stopTasks() // requests under way still find the tasks running
		return h.server.Run(serving)
	})
	for _, t := range h.tasks {
		group.Go(func() error {
			if err := t.run(tasksCtx); err != nil && tasksCtx.Err() == nil {
				return fmt.Errorf("%s stopped: %w", t.name, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// close gives back what build has opened.
func (h *house) close() error {
	var all []error
	for _, r := range h.roots {
		r.close()
	}
	if h.legacy != nil {
		h.legacy.CloseIdle()
	}
	for _, db := range slices.Backward(h.databases) {
		all = append(all, db.Close())
	}
	if h.tracing != nil {
		ctx, cancel := context.WithTimeout(context.Background(), h.cfg.HTTP.ShutdownGrace)
		defer cancel()
		all = append(all, h.tracing.Shutdown(ctx))
	}
	if err := errors.Join(all...); err != nil {
		return fault.Wrap(err, fault.Internal, "stopping was not clean")
	}
	return nil
}
