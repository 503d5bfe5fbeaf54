package web

import (
	"banyan/modules/airdrop"
	"banyan/modules/exchangereview"
	"banyan/modules/reputation"
	"banyan/platform/host"
)

// Pages makes the pages of an assembled trunk. demo is nil outside of a demo.
func Pages(demo *DemoWallet) func(*host.Process) (host.Pages, error) {
	return func(p *host.Process) (host.Pages, error) {
		o := Options{
			Reputation: reputation.NewClient(p.Route(reputation.Contract)),
			Exchanges:  exchangereview.NewClient(p.Route(exchangereview.Contract)),
			Airdrop:    airdrop.NewClient(p.Route(airdrop.Contract)),
			Sessions:   p.Sessions(), Routes: p.RouteStatus, PublicURL: p.Settings().PublicURL, Demo: demo,
			Modules: p.Rollout(), EventLag: p.EventLag, Databases: p.DatabaseStats,
		}
		if behind := p.Legacy(); behind != nil {
			s := p.Settings().Legacy
			o.Prefix, o.Taken, o.OperatorURL = s.Prefix, behind.Taken, s.OperatorURL
		}
		return New(o)
	}
}
