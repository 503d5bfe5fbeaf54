// Package service implements the exchange-review module: the contract of
// modules/exchangereview on a database.
//
// Reading order: module.go, service.go, exchanges.go, reviews.go, weigher.go,
// jobs.go, store*.go.
package service

import (
	"context"
	"time"

	"banyan/modules/exchangereview"
	"banyan/modules/reputation"
	"banyan/platform/events"
	"banyan/platform/events/outbox"
	"banyan/platform/host"
	"banyan/platform/identity"
	"banyan/platform/seam"
)

// Module is the module as main lists it.
func Module() host.Module {
	settings := &Settings{}
	return host.Module{
		Contract: exchangereview.Contract,
		Uses:     []*seam.Contract{reputation.Contract},
		Settings: settings,
		Webhooks: publicEvents(),
		Commands: Commands,
		Start:    func(ctx context.Context, e *host.Env) (*seam.Local, error) { return start(ctx, e, settings) },
	}
}

func start(ctx context.Context, e *host.Env, settings *Settings) (*seam.Local, error) {
	ratings := reputation.NewClient(e.Route(reputation.Contract))
	o := Options{DB: e.DB, Log: e.Log, Clock: e.Clock, Site: e.Site, Reputation: ratings, Contracts: e.Contracts, EpochEvery: time.Duration(settings.Epochs), Premoderation: settings.Premoderation}
	if e.Chains != nil { // a nil *chain.Chains would be no nil Chains
		o.Chains = e.Chains
	}
	e.Relay(outbox.Consumer{
		Name: reputation.Name, Topic: reputation.ActivityTopic.Name(),
		Deliver: func(ctx context.Context, batch events.Batch) (events.Receipt, error) {
			return ratings.Record(identity.AsService(ctx, exchangereview.Name), batch)
		},
	})
	e.WhileOwner("review weights", NewJobs(o).Run)
	bound := exchangereview.Bind(New(o))
	if e.IsOwner() {
		return bound, prepareData(ctx, o)
	}
	e.WhileOwner("the directory of exchanges", func(ctx context.Context) error { return prepareData(ctx, o) })
	return bound, nil
}

// prepareData brings data to what this version needs; it changes nothing where that was
// done.
func prepareData(ctx context.Context, o Options) error {
	counted, err := Backfill(ctx, o)
	if err != nil {
		return err
	}
	if counted > 0 {
		o.Log.InfoContext(ctx, "computed the sums of all exchanges by the formula of this version", "reviews", counted)
	}
	added, err := LoadStarter(ctx, o)
	if added > 0 {
		o.Log.InfoContext(ctx, "added well-known exchanges to the empty directory", "exchanges", added)
	}
	return err
}
