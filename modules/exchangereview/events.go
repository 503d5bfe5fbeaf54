package exchangereview

import (
	"banyan/platform/events"
	"banyan/platform/wallet"
)

// What the module publishes. (Reviews are published as reputation.Activity.)
var (
	DecisionTopic  = events.NewTopic[Decided]("exchange-review.decision")
	DirectoryTopic = events.NewTopic[DirectoryChange]("exchange-review.directory")
	EpochTopic     = events.NewTopic[Epoch]("exchange-review.epoch")
	ClaimTopic     = events.NewTopic[Claim]("exchange-review.claim")
)

// DirectoryChange says which exchanges an import has changed.
type DirectoryChange struct {
	Added     int      `json:"added"`
	Updated   int      `json:"updated"`
	Exchanges []string `json:"exchanges"` // slugs, up to 500 of them
}

// ReviewNews says that a review was published, edited or withdrawn. What it says is read
// with the operation history.
type ReviewNews struct {
	Exchange string         `json:"exchange"` // slug
	Wallet   wallet.Address `json:"wallet"`   // of its writer
	TimeMS   int64          `json:"time_ms"`  // UTC
}
