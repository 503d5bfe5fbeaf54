package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/go-chi/chi/v5"
	"golang.org/x/sync/errgroup"

	"banyan/migrations"
	"banyan/platform/config"
	"banyan/platform/database"
	"banyan/platform/events"
	"banyan/platform/fault"
	"banyan/platform/identity"
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
		Module: name, URL: url, Readers: cfg.Database.Readers, Migrations: migrations.FS,
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

// route leads the calls of a module to where the settings say it runs; local
// makes it, when that is here.
func (h *house) route(ctx context.Context, c *seam.Contract, local func(*database.DB) (*seam.Local, error)) (*seam.Route, error) {
	route, err := h.place(ctx, c, local)
	if err != nil {
		return nil, fmt.Errorf("start the module %s: %w", c.Module, err)
	}
	h.routes = append(h.routes, route)
	h.begin("the route of "+c.Module, route.Run)
	return route, nil
}

func (h *house) place(ctx context.Context, c *seam.Contract, local func(*database.DB) (*seam.Local, error)) (*seam.Route, error) {
	if h.cfg.Serves(c.Module) {
		db, err := h.open(ctx, c.Module)
		if err != nil {
			return nil, err
		}
		here, err := local(db)
		if err != nil {
			return nil, err
		}
		return seam.NewRoute(here), nil
	}
	place, _ := h.cfg.Modules.Named(c.Module)
	url := place.URL
	if place.Mode == config.Local { // local to the trunk, and this is a module that runs alone
		url = h.cfg.Identity.TrunkURL
	} else {
		// A module that runs alone may call us, as itself and nobody else.
		h.verifier.Trust(identity.Trusted{Issuer: c.Module, Keys: h.keysAt(url), OnlyService: c.Module})
	}
	remote, err := seam.NewRemote(c, seam.RemoteOptions{URL: url, Tokens: h.tokens, Timeout: place.Timeout})
	if err != nil {
		return nil, err
	}
	return seam.NewRemoteRoute(c, remote), nil
}

// relay carries the events that a module publishes to those who listen.
func (h *house) relay(db *database.DB, consumers ...events.Consumer) {
	relay := events.NewRelay(db, events.Options{
		Poll: h.cfg.Events.Poll, MaxAttempts: h.cfg.Events.MaxAttempts, Keep: h.cfg.Events.Keep, Log: h.log, Clock: h.clock,
	}, consumers...)
	h.publishers = append(h.publishers, db)
	h.begin("events of "+db.Module(), relay.Run)
}

func (h *house) begin(name string, run func(context.Context) error) {
	h.tasks = append(h.tasks, task{name, run})
}

// mountAPI serves every module's operations, wherever the module runs; a module
// that runs alone serves its own only.
func (h *house) mountAPI(r chi.Router) {
	for i, c := range contracts {
		if h.cfg.Module == "" || h.cfg.Module == c.Module {
			h.routes[i].Mount(r, seam.MountOptions{Timeout: h.cfg.HTTP.WriteTimeout})
		}
	}
	r.Method(http.MethodGet, identity.JWKSPath, h.jwks)
	r.Get("/api/openapi.json", serveAPIDocument)
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
