package service

import (
	"banyan/modules/exchangereview"
	"banyan/modules/reputation"
	"banyan/platform/events"
	"banyan/platform/wallet"
	"banyan/platform/webhooks"
)

// publicEvents are what servers of other people may receive.
func publicEvents() []webhooks.Kind {
	const at = 1_760_000_000_000
	writer := wallet.Address{19: 1}
	review := exchangereview.ReviewNews{Exchange: "kraken", Wallet: writer, TimeMS: at}
	decided := exchangereview.Decided{
		Number: 7, Moderator: "a moderator", CreatedMS: at,
		Decision: exchangereview.Decision{Slug: "kraken", Wallet: writer, Action: exchangereview.ActionRemove, Reason: "The text is an advertisement."},
	}
	return []webhooks.Kind{
		reviewKind(exchangereview.ActivityPublished, "Somebody has published a review.", review),
		reviewKind(exchangereview.ActivityEdited, "A writer has published a new version of a review.", review),
		reviewKind(exchangereview.ActivityWithdrawn, "A writer has taken a review back: its text is gone, its hash stays.", review),
		whole(exchangereview.DecisionTopic, "review.moderated", "A moderator has decided about a review, a wallet or held reviews, as the public log says.", decided),
		whole(exchangereview.EpochTopic, "ranking.published", "The ranking of all exchanges was computed, and can be verified.",
			exchangereview.Epoch{Number: 3, TimeMS: at, Exchanges: 1369, Reviews: 20_480, Tombstones: 12, Size: 3 << 20}),
		whole(exchangereview.DirectoryTopic, "exchange.changed", "An import has added or changed exchanges.",
			exchangereview.DirectoryChange{Added: 1, Updated: 1, Exchanges: []string{"kraken", "uniswap"}}),
		whole(exchangereview.ClaimTopic, "exchange.claimed", "An exchange has claimed its profile or renewed or ended its claim.",
			exchangereview.Claim{Exchange: "kraken", Wallet: writer, Method: exchangereview.ClaimByDNS, CreatedMS: at, UntilMS: at + 1, Holds: true}),
	}
}

// whole sends the payload as it is.
func whole[T any](topic events.Topic[T], name, about string, example T) webhooks.Kind {
	return webhooks.NewKind(topic, name, about, example, func(value T) (T, bool) { return value, true })
}

func reviewKind(kind, about string, example exchangereview.ReviewNews) webhooks.Kind {
	return webhooks.NewKind(reputation.ActivityTopic, kind, about, example, func(a reputation.Activity) (exchangereview.ReviewNews, bool) {
		return exchangereview.ReviewNews{Exchange: a.Ref, Wallet: a.Wallet, TimeMS: a.TimeMS}, a.Kind == kind
	})
}
