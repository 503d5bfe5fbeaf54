package reputation

import (
	"context"
	"fmt"
	"io"
	"unicode/utf8"

	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/page"
	"banyan/platform/seam"
	"banyan/platform/wallet"
)

// Epochs is what the module does with epochs and with what they say over time.
// NotFound, where a number can be given: there is no such epoch. Conflict: its
// scores were deleted by the setting reputation.keep_epochs; its root is kept.
type Epochs interface {
	// EpochOf describes an epoch.
	EpochOf(context.Context, EpochNumber) (Epoch, error)
	// Epochs lists the epochs, newest first; the one that is being computed is
	// not among them.
	Epochs(context.Context, EpochsQuery) (EpochPage, error)
	// ComputingEpoch describes the computation that runs or waits, or the last
	// one. NotFound: there was none.
	ComputingEpoch(context.Context, ComputingQuery) (Computing, error)
	// CancelEpoch ends the computation that runs or waits; the scores stay those
	// of the last epoch. Conflict: none does.
	CancelEpoch(context.Context, CancelRequest) (Computing, error)
	// Proof proves what an epoch says of a wallet against its root. NotFound: the
	// epoch says nothing of it.
	Proof(context.Context, ProofQuery) (Proof, error)
	// History lists the epochs in which a wallet's score changed, newest first,
	// with what changed it.
	History(context.Context, HistoryQuery) (HistoryPage, error)
	// Outlook says what would change a wallet's score, and by how much. Conflict: no
	// epoch has been computed yet.
	Outlook(context.Context, OutlookQuery) (Outlook, error)
	// Compare returns two wallets side by side.
	Compare(context.Context, CompareQuery) (Comparison, error)
	// ScoreStream answers each wallet of a stream, in its order, with one JSON
	// line (Standing), all of one epoch. Invalid: a line is no wallet. TooLarge:
	// more than MaxStream lines.
	ScoreStream(context.Context, WalletStream) (seam.Stream, error)
	// EpochScores streams what an epoch says of all wallets that it has, by address, as
	// CSV: address,score,rank,percentile,weight, where the score is 0 to MaxScore, an
	// empty rank is none, and percentile and weight are 0 to 1.
	EpochScores(context.Context, EpochNumber) (seam.Stream, error)
	// HoldEpoch keeps the scores of an epoch, 0 = the current one, until ReleaseEpoch
	// is called for the same holder. Holding again changes nothing. Conflict: there are
	// MaxHolds.
	HoldEpoch(context.Context, EpochHold) (Epoch, error)
	// ReleaseEpoch ends what HoldEpoch began; it changes nothing when nothing is held.
	ReleaseEpoch(context.Context, EpochHold) (Epoch, error)
	// Bound returns how much trust a set of wallets can hold at most by the
	// current epoch, whatever its members state of each other. Conflict: no
	// epoch has been computed yet.
	Bound(context.Context, BoundQuery) (Bound, error)
}

// EpochNumber names an epoch.
type EpochNumber struct {
	Number int64 `path:"number" json:"-"`
}

// MaxHolds is how many holds there are at most.
const MaxHolds = 1000

// EpochHold names an epoch and who needs its scores.
type EpochHold struct {
	Number int64  `path:"number" json:"-"`
	Holder string `json:"holder"` // 1 to 100 characters: what it is needed for
}

// Validate refuses a holder out of range.
func (h EpochHold) Validate() error {
	if n := utf8.RuneCountInString(h.Holder); n < 1 || n > 100 || h.Number < 0 {
		return fault.New(fault.Invalid, "an epoch is held for a holder").With(
			fault.Field{Name: "holder", Message: "has 1 to 100 characters"})
	}
	return nil
}

// EpochsQuery selects a page; cursor is the last answer's next.
type EpochsQuery struct {
	Cursor string `query:"cursor" json:"-"`
	Limit  int    `query:"limit" json:"-"` // 1–200, 0 = 50
}

// Validate refuses limits out of range.
func (q EpochsQuery) Validate() error { return page.Standard().Check(q.Limit) }

// EpochPage is a page of epochs.
type EpochPage struct {
	Epochs []Epoch `json:"epochs"`
	Next   string  `json:"next,omitempty"`
}

// Parameters are what an epoch was computed with, as in the settings.
type Parameters struct {
	Method        string  `json:"method"`
	Alpha         float64 `json:"alpha"`
	Epsilon       float64 `json:"epsilon"`
	HalfLife      string  `json:"half_life"` // off, days (365d) or hours
	Reserve       float64 `json:"reserve"`
	Voice         float64 `json:"voice"`
	AccusingVoice float64 `json:"accusing_voice"`
	Doubt         float64 `json:"doubt"`
	Cap           float64 `json:"cap"`
	Distrust      float64 `json:"distrust"`
	Conduct       float64 `json:"conduct"`
}

// Statistics describe an epoch.
type Statistics struct {
	Positive   int     `json:"positive"` // edges of trust
	Negative   int     `json:"negative"` // edges of distrust
	Repeated   int     `json:"repeated"` // statements that a later one between the same two replaced
	Ranked     int     `json:"ranked"`
	NoStanding int     `json:"no_standing"`
	Distrusted int     `json:"distrusted"`
	Unit       float64 `json:"unit"` // share of all trust that the constants are measured in
	// WeightPPM is the sum of all weights.
	WeightPPM int64 `json:"weight_ppm"`
	// Distribution counts the ranked wallets by score: 1–50, 51–100, … 951–1000.
	Distribution []int `json:"distribution"`
}

// ComputingQuery selects the latest computation.
type ComputingQuery struct{}

// CancelRequest ends the computation.
type CancelRequest struct{}

// The states of a Computing.
const (
	ComputingWaiting  = "waiting"
	ComputingRunning  = "running"
	ComputingDone     = "done"
	ComputingFailed   = "failed"
	ComputingCanceled = "canceled"
)

// Computing is how the computation of an epoch does.
type Computing struct {
	State    string `json:"state"`
	Stage    string `json:"stage,omitempty"` // for people
	Progress int64  `json:"progress"`
	Work     int64  `json:"work"`             // 0 = not known
	Epoch    int64  `json:"epoch,omitempty"`  // its number, once it is done
	Reason   string `json:"reason,omitempty"` // why it failed
}

// ProofQuery names a wallet and an epoch; 0 = the current one.
type ProofQuery struct {
	Wallet wallet.Address `path:"wallet" json:"-"`
	Epoch  int64          `query:"epoch" json:"-"`
}

// Proof proves a wallet's score. The tree is OpenZeppelin's StandardMerkleTree
// of (address, uint256), in which the amount is the score: whoever verifies the
// claims of a list (`banyan airdrop verify`) verifies these.
type Proof struct {
	Epoch   int64          `json:"epoch"`
	Address wallet.Address `json:"address"`
	Amount  string         `json:"amount"` // the score, 0 to MaxScore
	Format  string         `json:"format"` // oz
	Leaf    merkle.Hash    `json:"leaf"`
	Proof   []merkle.Hash  `json:"proof"` // from the leaf up
	Root    merkle.Hash    `json:"root"`
}

// HistoryQuery selects a page of a wallet's history.
type HistoryQuery struct {
	Wallet wallet.Address `path:"wallet" json:"-"`
	Cursor string         `query:"cursor" json:"-"`
	Limit  int            `query:"limit" json:"-"` // 1–200, 0 = 50
}

// Validate refuses limits out of range.
func (q HistoryQuery) Validate() error { return page.Standard().Check(q.Limit) }

// HistoryPage is a page of a history.
type HistoryPage struct {
	Entries []HistoryEntry `json:"entries"`
	Next    string         `json:"next,omitempty"`
}

// HistoryEntry is an epoch in which a wallet's score changed.
type HistoryEntry struct {
	Epoch      int64    `json:"epoch"`
	TimeMS     int64    `json:"time_ms"`
	Standing   string   `json:"standing"`
	Score      int      `json:"score"`
	Before     int      `json:"before"` // the score of the epoch before
	Rank       int      `json:"rank"`   // 0 = none
	RankBefore int      `json:"rank_before"`
	Changes    []Change `json:"changes"` // what changed it, the largest first
}

// What became of a reason.
const (
	ReasonNew     = "new"     // it was made
	ReasonGone    = "gone"    // it was taken back, expired or was removed
	ReasonChanged = "changed" // the rating itself is another
	ReasonMoved   = "moved"   // the rating is the same, and what it counts is not: see the causes
)

// Why a reason is gone or counts differently; "" = it is not known, or neither.
const (
	CauseExpired  = "expired"  // the attestation expired
	CauseRevoked  = "revoked"  // its author took it back
	CauseReplaced = "replaced" // its author said something else since
	CauseRemoved  = "removed"  // no imported list has it any more
	CauseAuthor   = "author"   // moved: its author's trust is another
	CauseOutvoted = "outvoted" // moved: others say more, or less, so that it is another part of the whole
)

// Change is a reason whose part of a score changed.
type Change struct {
	What   string          `json:"what"`            // new, gone, changed or moved
	Cause  string          `json:"cause,omitempty"` // of gone and moved
	Kind   string          `json:"kind"`            // of the Component
	From   *wallet.Address `json:"from,omitempty"`  // likewise
	Weight float64         `json:"weight,omitempty"`
	Points float64         `json:"points"` // of 1000, with its sign
}

// CompareQuery names two wallets.
type CompareQuery struct {
	A wallet.Address `query:"a" json:"-"`
	B wallet.Address `query:"b" json:"-"`
}

// Comparison is two wallets side by side. Shared are the raters of both, by what
// they contribute to either; of those that are stored with the scores.
type Comparison struct {
	A      Score         `json:"a"`
	B      Score         `json:"b"`
	Shared []SharedRater `json:"shared"`
}

// SharedRater is one who rates both wallets.
type SharedRater struct {
	From   wallet.Address `json:"from"`
	ShareA float64        `json:"share_a"`
	ShareB float64        `json:"share_b"`
}

// MaxStream is the most wallets of one ScoreStream.
const MaxStream = 100_000

// WalletStream is a stream of wallets, one per line.
type WalletStream struct {
	Body io.Reader `stream:"text/csv" json:"-"`
}

// BoundQuery names up to MaxBatch wallets.
type BoundQuery struct {
	Wallets []wallet.Address `json:"wallets"`
}

// Validate refuses an empty or too long list.
func (q BoundQuery) Validate() error {
	if n := len(q.Wallets); n == 0 || n > MaxBatch {
		return fault.New(fault.Invalid, "the list of wallets is empty or too long: see the fields").With(
			fault.Field{Name: "wallets", Message: fmt.Sprintf("send 1 to %d wallets, not %d", MaxBatch, n)})
	}
	return nil
}

// Bound is how much trust a set of wallets holds and can hold, as shares of all
// trust: Held <= Limit = (Inflow + Seeded) / alpha.
type Bound struct {
	Epoch     int64        `json:"epoch"`
	Members   int          `json:"members"` // distinct
	Held      float64      `json:"held"`
	Inflow    float64      `json:"inflow"` // over edges from outside, in a step
	Seeded    float64      `json:"seeded"` // what members have as seeds
	Limit     float64      `json:"limit"`
	WeightPPM int64        `json:"weight_ppm"` // of all members together
	Edges     int          `json:"edges"`      // of trust from outside
	Largest   []InflowEdge `json:"largest"`    // of them
}

// InflowEdge is an edge of trust from outside into a set.
type InflowEdge struct {
	From   wallet.Address `json:"from"`
	To     wallet.Address `json:"to"`
	Weight float64        `json:"weight"`
	Flow   float64        `json:"flow"` // share of all trust
}
