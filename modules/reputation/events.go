package reputation

import "banyan/platform/events"

// EpochTopic is where the module publishes an epoch whose scores are the current ones.
var EpochTopic = events.NewTopic[Epoch]("reputation.epoch")
