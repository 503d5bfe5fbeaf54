// Package service implements the airdrop module: the contract of
// modules/airdrop on a database and a folder of tree files, and the commands
// that need neither.
//
// Reading order: module.go, service.go, lists.go, trees.go, claims.go, verify.go,
// store.go.
package service

import (
	"context"
	"path/filepath"

	"banyan/modules/airdrop"
	"banyan/platform/host"
	"banyan/platform/seam"
)

// Module is the module as main lists it.
func Module() host.Module {
	settings := &Settings{}
	return host.Module{
		Contract: airdrop.Contract,
		Settings: settings,
		Commands: Commands,
		Start: func(_ context.Context, e *host.Env) (*seam.Local, error) {
			o := Options{
				DB: e.DB, Log: e.Log, Clock: e.Clock, Trees: filepath.Join(e.Data, "trees"),
				MaxRows: settings.MaxRows, MaxWallets: settings.MaxWallets, MaxWalletsAnonymous: settings.MaxWalletsAnonymous,
			}
			e.Relay()
			e.WhileOwner("left-over uploads", NewJobs(o).Run)
			return airdrop.Bind(New(o)), nil
		},
	}
}
