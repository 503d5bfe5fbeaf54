// Package service implements the airdrop module: the contract of
// modules/airdrop on a database and a folder of tree files, and the commands
// that need neither.
//
// Reading order: module.go, service.go, lists.go, trees.go, claims.go, verify.go,
// store.go; of the contracts that pay campaigns plan.go, distributors.go,
// claimreader.go, store_distributor.go, store_claims.go.
package service

import (
	"context"
	"path/filepath"

	"banyan/modules/airdrop"
	"banyan/modules/exchangereview"
	"banyan/modules/reputation"
	"banyan/platform/host"
	"banyan/platform/seam"
)

// Module is the module as main lists it.
func Module() host.Module {
	settings := &Settings{}
	return host.Module{
		Contract: airdrop.Contract,
		Uses:     append([]*seam.Contract{reputation.Contract}, exchangereview.Contract),
		Settings: settings,
		Webhooks: publicEvents(),
		Commands: Commands,
		Start: func(_ context.Context, e *host.Env) (*seam.Local, error) {
			o := Options{
				DB: e.DB, Chains: e.Chains, Site: e.Site, Contracts: e.Contracts, Log: e.Log, Clock: e.Clock, Trees: filepath.Join(e.Data, "trees"),
				MaxRows: settings.MaxRows, MaxWallets: settings.MaxWallets, MaxWalletsAnonymous: settings.MaxWalletsAnonymous,
				Reputation: reputation.NewClient(e.Route(reputation.Contract)), Reviews: exchangereview.NewClient(e.Route(exchangereview.Contract)),
			}
			e.Relay()
			e.WhileOwner("left-over uploads", NewJobs(o).Run)
			e.WhileOwner("claims on chains", NewClaimReader(o).Run)
			e.WhileOwner("work on campaigns", NewRunner(o).Run)
			return airdrop.Bind(New(o)), nil
		},
	}
}
