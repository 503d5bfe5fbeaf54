// Banyan: one binary, three modules, each of which can be moved out into a service
// of its own.
//
// This file lists the modules, with their pages and what the demo does with them;
// nothing else does. The program is assembled in platform/host, its commands are
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
	"banyan/web/demo"
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
			{Module: reputation.Module(), Pages: web.Reputation, Demo: demo.Reputation()},
			{Module: exchangereview.Module(), Pages: web.ExchangeReview, Demo: demo.ExchangeReview()},
			{Module: airdrop.Module(), Pages: web.Airdrop, Demo: demo.Airdrop()},
		},
	}))
}
