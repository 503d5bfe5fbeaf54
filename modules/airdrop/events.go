package airdrop

import "banyan/platform/events"

// PhaseTopic is where the module publishes that a campaign has reached a phase. Phases
// before frozen are for operators and are not published.
var PhaseTopic = events.NewTopic[PhaseReached]("airdrop.phase")

// PhaseReached is a phase that a campaign is in from now on.
type PhaseReached struct {
	Campaign string `json:"campaign"` // its id
	Phase    string `json:"phase"`    // frozen, funded, live, ended, swept or cancelled
	TimeMS   int64  `json:"time_ms"`  // UTC
}
