// Banyan: one binary, three modules, each of which can be moved out into a service
// of its own.
//
// This file lists the modules; nothing else does. The program is assembled in
// platform/host, its commands are in cli/.
package main

import (
	_ "embed"
	"os"

	"banyan/cli"
	"banyan/migrations"
	airdrop "banyan/modules/airdrop/service"
	exchangereview "banyan/modules/exchangereview/service"
	reputation "banyan/modules/reputation/service"
	"banyan/platform/host"
)

//go:embed config.yaml
var defaults []byte

// version is set by the Makefile.
var version = "unknown"

func main() {
	os.Exit(cli.Main(host.Program{
		Version: version, Defaults: defaults, Migrations: migrations.FS,
		// A module may use those listed before it.
		Modules: []host.Module{
			reputation.Module(),
			exchangereview.Module(),
			airdrop.Module(),
		},
	}))
}
