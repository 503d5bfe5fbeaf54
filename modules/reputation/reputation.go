// Package reputation is the contract of the reputation module: who can be
// trusted, and why.
//
// People state whom they trust (edges with a weight); on a schedule the module
// computes an epoch: from those edges a score, a rank and reasons for every
// wallet. Scores are of one epoch as a whole: what is
// read between two epochs never mixes them.
//
// Other modules report what wallets did as Activity events; the module counts
// them and shows the counts beside the score.
//
// NewClient over seam.Dial is a client for programs of other Go modules, which
// needs no database and no C compiler.
//
// This file is the contract. The work, and its SQL, is in service/,
// the algorithm in trust/.
package reputation

import (
	"context"
	"fmt"

	"banyan/platform/events"
	"banyan/platform/fault"
	"banyan/platform/page"
	"banyan/platform/wallet"
)

// Name is the module's name in settings, paths and flags.
const Name = "reputation"

// Service is what the module does. Faults that every method can return:
// unavailable, busy, deadline_exceeded, canceled, internal.
type Service interface {
	Evidence
	SeedSets
	Imports
	Epochs
	Scheduling
	Contextual

	// ComputeEpoch computes scores from the current edges in the background and
	// makes them the current epoch. It waits some seconds for the end: an answer
	// with the number 0 means that the computation goes on, see ComputingEpoch. Who asks
	// while one is computed waits for that one.
	// Conflict: there are no edges or no known seeds.
	ComputeEpoch(context.Context, EpochRequest) (Epoch, error)
	// CurrentEpoch describes the epoch of the current scores. NotFound: none
	// has been computed yet.
	CurrentEpoch(context.Context, EpochQuery) (Epoch, error)
	// Score returns one wallet's score with its reasons. NotFound: nobody ever
	// rated this wallet and it has not been active.
	Score(context.Context, ScoreQuery) (Score, error)
	// Scores returns the standings of many wallets, in the order of the request;
	// wallets without a score have rank 0.
	Scores(context.Context, ScoresQuery) (Scores, error)
	// Weights returns what the words of wallets may weigh in other modules.
	Weights(context.Context, WeightsQuery) (Weights, error)
	// Leaderboard lists the wallets of the current epoch by rank.
	Leaderboard(context.Context, LeaderboardQuery) (Leaderboard, error)
	// Record counts Activity events of other modules, each once.
	Record(context.Context, events.Batch) (events.Receipt, error)
}

// Activity is something a wallet did in another module that may earn it
// reputation. Reputation owns the type; other modules publish it.
type Activity struct {
	Wallet wallet.Address `json:"wallet"`
	Kind   string         `json:"kind"`    // for instance review.published
	Ref    string         `json:"ref"`     // what it was about, for people: an exchange's slug
	TimeMS int64          `json:"time_ms"` // UTC
}

// ActivityTopic is where other modules publish Activity.
var ActivityTopic = events.NewTopic[Activity]("reputation.activity")

// EpochRequest starts a computation with the settings of the module.
type EpochRequest struct{}

// EpochQuery selects the current epoch.
type EpochQuery struct{}

// Epoch is one computation of all scores.
type Epoch struct {
	Number     int64   `json:"number"` // 1, 2, 3 …
	TimeMS     int64   `json:"time_ms"`
	Wallets    int     `json:"wallets"`    // with a score
	Edges      int     `json:"edges"`      // used; eigentrust leaves those of distrust out
	Seeds      int     `json:"seeds"`      // of the settings that occur in the graph
	Iterations int     `json:"iterations"` // until the change fell below epsilon
	Alpha      float64 `json:"alpha"`      // share of every score that comes from the seeds directly
	Epsilon    float64 `json:"epsilon"`    // L2 norm of the last change
	Method     string  `json:"method"`     // banyan or eigentrust
	Ranked     int     `json:"ranked"`     // wallets with a score over 0
	// InputHash is the SHA-256 of the edges, seeds and parameters; the same give
	// the same scores, to the bit. Root is of the Merkle tree over all wallets and
	// scores: see Proof. Both are "" in epochs of an earlier release.
	InputHash  string     `json:"input_hash"`
	Root       string     `json:"root"`
	Kept       bool       `json:"kept"` // its scores can still be read
	Parameters Parameters `json:"parameters"`
	Statistics Statistics `json:"statistics"`
}

// ScoreQuery names a wallet.
type ScoreQuery struct {
	Wallet wallet.Address `path:"wallet" json:"-"`
}

// The kinds of a Standing.
const (
	Trusted    = "trusted"    // what trusted wallets say of it is good on the whole
	NoStanding = "none"       // no trusted wallet has said anything of it
	Distrusted = "distrusted" // bad on the whole
)

// MaxScore is the score of a wallet that has all the trusted evidence there can
// be. Half of it means as much trusted evidence as the doubt that everybody
// starts with, in every epoch.
const MaxScore = 1000

// MaxWeight is the WeightPPM of a wallet with MaxScore.
const MaxWeight = 1_000_000

// Standing is a wallet's place in an epoch.
type Standing struct {
	Wallet     wallet.Address `json:"wallet"`
	Standing   string         `json:"standing"`   // Trusted, NoStanding or Distrusted
	Score      int            `json:"score"`      // 0 to MaxScore; 0 without standing and for the distrusted
	WeightPPM  int            `json:"weight_ppm"` // what its word may weigh elsewhere, in millionths: see Weight
	Value      float64        `json:"value"`      // the score by the method, unrounded; of banyan −2…1
	Share      float64        `json:"share"`      // of all trust: the shares of an epoch add up to 1
	Rank       int            `json:"rank"`       // 1 = best; 0 = no rank, as the score is 0
	Percentile float64        `json:"percentile"` // share of ranked wallets at or below this one, 0–1; 0 without a rank
}

// Score is a wallet's standing with its reasons. The shares of the components
// add up to the value.
type Score struct {
	Standing
	Epoch      int64           `json:"epoch"` // 0 = none has been computed yet
	TimeMS     int64           `json:"time_ms"`
	Components []Component     `json:"components"` // largest first
	Activity   []ActivityCount `json:"activity"`
	// LastChange is the last change of its score, nil when there was none.
	LastChange *HistoryEntry `json:"last_change,omitempty"`
	// Provisional is what attestations made or taken back since the epoch make of it,
	// until the next one; nil when they change nothing, or are not followed: after the
	// program began again, and in graphs of more than 20 million edges.
	Provisional *Provisional `json:"provisional,omitempty"`
}

// Provisional is a score between two epochs, found by following the change of trust
// along the edges until it is too little to be seen. The next epoch replaces it; ranks,
// weights and proofs are those of epochs alone.
type Provisional struct {
	Standing  string  `json:"standing"`
	Score     int     `json:"score"`
	WeightPPM int     `json:"weight_ppm"`
	Value     float64 `json:"value"`
	TimeMS    int64   `json:"time_ms"` // when it was found, UTC
}

// The kinds of a Component.
const (
	FromSeed     = "seed"     // the wallet is one of the trusted seeds
	FromTrust    = "trust"    // another wallet trusts it
	FromDistrust = "distrust" // another wallet distrusts it
	FromConduct  = "conduct"  // it rated another wallet against what the trusted say of that one
	FromOthers   = "others"   // the rest of these, together
	FromDangling = "dangling" // method eigentrust: seeds share the trust of wallets that trust nobody
)

// Component is one reason for a score.
type Component struct {
	Kind   string          `json:"kind"`
	From   *wallet.Address `json:"from,omitempty"`    // who rated it; of kind conduct whom it rated
	Count  int             `json:"count,omitempty"`   // of kind others: how many ratings
	Weight float64         `json:"weight,omitempty"`  // the rating
	TimeMS int64           `json:"time_ms,omitempty"` // when it was made, 0 = not said
	Share  float64         `json:"share"`             // part of the value, with its sign
}

// ActivityCount is how often a wallet did something.
type ActivityCount struct {
	Kind   string `json:"kind"`
	Count  int64  `json:"count"`
	LastMS int64  `json:"last_ms"`
}

// MaxBatch is the most wallets of one Scores call.
const MaxBatch = 1000

// ScoresQuery names up to MaxBatch wallets.
type ScoresQuery struct {
	Wallets []wallet.Address `json:"wallets"`
}

// Validate refuses an empty or too long list.
func (q ScoresQuery) Validate() error {
	if n := len(q.Wallets); n == 0 || n > MaxBatch {
		return fault.New(fault.Invalid, "the list of wallets is empty or too long: see the fields").With(
			fault.Field{Name: "wallets", Message: fmt.Sprintf("send 1 to %d wallets, not %d", MaxBatch, n)})
	}
	return nil
}

// Scores are standings of one epoch.
type Scores struct {
	Epoch     int64      `json:"epoch"` // 0 = none has been computed yet
	Standings []Standing `json:"standings"`
}

// WeightsQuery names up to MaxBatch wallets.
type WeightsQuery struct {
	Wallets []wallet.Address `json:"wallets"`
}

// Validate refuses an empty or too long list.
func (q WeightsQuery) Validate() error { return ScoresQuery(q).Validate() }

// Weights are those of one epoch, in the order of the request.
type Weights struct {
	Epoch   int64    `json:"epoch"` // 0 = none has been computed yet
	Weights []Weight `json:"weights"`
}

// Weight is what a wallet's word may weigh in another module: a review, a vote.
// It comes from trust itself, never from a rank or the number of wallets: its
// size is the positive part of the score. So it is 0 for a stranger, for a ring
// of wallets that only each other trusts, and for whom the trusted distrust; of
// 5,000 sybils with 10 edges from outside it is some tenths of a percent of all
// weight, however many they are. Whoever uses it and wants strangers to count a
// little adds that to Standing NoStanding alone, so that a distrusted wallet
// never weighs more than an unknown one.
type Weight struct {
	Wallet      wallet.Address `json:"wallet"`
	Standing    string         `json:"standing"`                // Trusted, NoStanding or Distrusted
	Score       int            `json:"score"`                   // 0 to MaxScore
	WeightPPM   int            `json:"weight_ppm"`              // 0 to MaxWeight
	Share       float64        `json:"share"`                   // of all trust
	FirstSeenMS int64          `json:"first_seen_ms,omitempty"` // earliest statement of or by it or activity, UTC; 0 = not known
}

// LeaderboardQuery selects a page; cursor is the last answer's next.
type LeaderboardQuery struct {
	Cursor string `query:"cursor" json:"-"`
	Limit  int    `query:"limit" json:"-"` // 1–200, 0 = 50
}

// Validate refuses limits out of range.
func (q LeaderboardQuery) Validate() error { return page.Standard().Check(q.Limit) }

// Leaderboard is a page of standings by rank.
type Leaderboard struct {
	Epoch     int64      `json:"epoch"`
	Standings []Standing `json:"standings"`
	Next      string     `json:"next,omitempty"` // cursor of the next page, "" = the end
}
