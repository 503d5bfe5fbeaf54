// Banyan: one binary, three modules, each of which can be moved out into a service
// of its own.
//
// This file lists the modules, with their pages, what the demo and a load do with
// them, and what an audit looks for; nothing else does. The program is assembled in platform/host, its commands are
// in cli/.
package main

import (
	_ "embed"
	"os"

	"banyan/cli"
	"banyan/migrations"
	airdrop "banyan/modules/airdrop/service"
	exchangereview "banyan/modules/exchangereview/service"
	reputation "banyan/modules/reputation/service"
	"banyan/web"
	"banyan/web/audit"
	"banyan/web/demo"
	"banyan/web/workload"
)

//go:embed config.yaml
var defaults []byte

// version is set by the Makefile.
var version = "unknown"

func main() {
	os.Exit(cli.Main(cli.Program{
		Version: version, Defaults: defaults, Migrations: migrations.FS,
		// A module may use those listed before it.
		Modules: []cli.Module{
			{Module: reputation.Module(), Pages: web.Reputation, Demo: demo.Reputation(), Load: workload.Reputation, Audit: audit.Reputation},
			{Module: exchangereview.Module(), Pages: web.ExchangeReview, Demo: demo.ExchangeReview(), Load: workload.ExchangeReview, Audit: audit.ExchangeReview},
			{Module: airdrop.Module(), Pages: web.Airdrop, Demo: demo.Airdrop(), Load: workload.Airdrop, Audit: audit.Airdrop},
		},
	}))
}
