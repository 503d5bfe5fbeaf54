package service

import (
	"banyan/modules/airdrop"
	"banyan/platform/webhooks"
)

// publicEvents are what servers of other people may receive.
func publicEvents() []webhooks.Kind {
	example := airdrop.PhaseReached{Campaign: "01936f4e2c1f7c3a9d5e1f2a3b4c5d6e", Phase: airdrop.Opened, TimeMS: 1_760_000_000_000}
	return []webhooks.Kind{
		webhooks.NewKind(airdrop.PhaseTopic, "campaign.phase", "A campaign was frozen, funded, opened, has ended, was swept or cancelled.", example,
			func(p airdrop.PhaseReached) (airdrop.PhaseReached, bool) { return p, true }),
	}
}
