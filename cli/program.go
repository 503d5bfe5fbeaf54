package cli

import (
	"io/fs"

	"banyan/platform/host"
	"banyan/platform/seam"
	"banyan/web"
	"banyan/web/audit"
	"banyan/web/demo"
	"banyan/web/workload"
)

// Program is what one binary is made of: main fills it.
type Program struct {
	Version    string
	Defaults   []byte   // config.yaml
	Migrations fs.FS    // a folder for each database, see package migrations
	Modules    []Module // in the order in which they start; a module may use those before it
}

// Module is a module with what people see of it.
type Module struct {
	host.Module
	Pages func(*seam.Route) web.Pages // nil = it has none
	Demo  demo.Part                   // what the made-up community does with it
	Load  workload.Part               // what `banyan load` asks of it; nil = nothing
	Audit audit.Part                  // what `banyan audit` checks of it; nil = nothing
}

// host is the program without pages.
func (p Program) host() host.Program {
	h := host.Program{Version: p.Version, Defaults: p.Defaults, Migrations: p.Migrations}
	for _, m := range p.Modules {
		h.Modules = append(h.Modules, m.Module)
	}
	return h
}

// pages assembles the pages of the modules. wallet is nil outside of a demo.
func pages(modules []Module, wallet *web.DemoWallet) func(*host.Process) (host.Pages, error) {
	return func(p *host.Process) (host.Pages, error) {
		var all []web.Pages
		for _, m := range modules {
			if m.Pages != nil {
				all = append(all, m.Pages(p.Route(m.Contract)))
			}
		}
		return web.Assemble(p, all, wallet)
	}
}
