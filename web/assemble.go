package web

import (
	"banyan/platform/host"
)

// Assemble makes the pages of an assembled trunk. demo is nil outside of a demo.
func Assemble(p *host.Process, modules []Pages, demo *DemoWallet) (*Web, error) {
	o := Options{
		Pages: modules, Sessions: p.Identity().Sessions, Tokens: p.Identity().Tokens, SecurityLog: p.Identity().Events, Routes: p.RouteStatus, PublicURL: p.Settings().PublicURL, Demo: demo, Features: p.Features(),
		Modules: p.Rollout(), EventLag: p.EventLag, Databases: p.DatabaseStats,
		Site: p.Site(), Upkeep: p.Upkeep, Settings: p.SettingsInForce, About: p.About, Backups: p.Backups(), TryDatabase: p.TryDatabase,
	}
	if accounts := p.Accounts(); accounts != nil { // a nil one in an interface is not nil
		o.Accounts, o.Provider = accounts, p.Settings().Identity.OIDC.Title()
	}
	if behind := p.Legacy(); behind != nil {
		s := p.Settings().Legacy
		o.Prefix, o.Taken, o.OperatorURL = s.Prefix, behind.Taken, s.OperatorURL
	}
	return New(o)
}
