// Package service implements the reputation module: the contract of
// modules/reputation on a database.
//
// Reading order: module.go, service.go, epoch.go, jobs.go, store*.go; what scores
// are made of is in attest*.go, imports*.go and seeds.go, and store_edges.go puts it
// together; the algorithm is in trust/, the reader of trust lists in trustlist/.
package service

import (
	"context"
	"time"

	"banyan/modules/reputation"
	"banyan/modules/reputation/trust"
	"banyan/platform/host"
	"banyan/platform/seam"
)

// Module is the module as main lists it.
func Module() host.Module {
	settings := &Settings{}
	return host.Module{
		Contract: reputation.Contract,
		Settings: settings,
		Webhooks: publicEvents(),
		Commands: Commands,
		Start: func(_ context.Context, e *host.Env) (*seam.Local, error) {
			options := Options{
				DB: e.DB, Log: e.Log, Clock: e.Clock, Seeds: settings.Seeds, Method: settings.parameters(),
				Trust: trust.Options{Alpha: settings.Alpha, Epsilon: settings.Epsilon}, HalfLife: time.Duration(settings.HalfLife),
				VouchWeight: settings.VouchWeight, ReportWeight: settings.ReportWeight, Activity: settings.activity(),
				Contracts: e.Contracts, KeepEpochs: settings.KeepEpochs, Updates: &Updates{}, Schedule: time.Duration(settings.Schedule),
			}
			service := New(options)
			e.Relay() // publishes nothing yet; its relay keeps the inbox short
			e.WhileOwner("jobs of reputation", NewRunner(options).Run)
			e.WhileOwner("provisional scores", NewFollower(options).Run)
			e.WhileOwner("epochs", NewJobs(options).Run)
			return reputation.Bind(service), nil
		},
	}
}
