package service

import (
	"banyan/modules/reputation"
	"banyan/platform/webhooks"
)

// publicEvents are what servers of other people may receive.
func publicEvents() []webhooks.Kind {
	example := reputation.Epoch{Number: 12, TimeMS: 1_760_000_000_000, Wallets: 48_210, Edges: 310_442, Seeds: 40, Iterations: 31, Alpha: 0.15, Epsilon: 1e-9, Method: "banyan", Ranked: 20_113, Kept: true}
	return []webhooks.Kind{
		webhooks.NewKind(reputation.EpochTopic, "scores.published", "All scores were computed and are the current ones.", example,
			func(e reputation.Epoch) (reputation.Epoch, bool) { return e, true }),
	}
}
