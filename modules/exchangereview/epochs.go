package exchangereview

import (
	"context"

	"banyan/platform/page"
	"banyan/platform/seam"
	"banyan/platform/wallet"
)

// Epochs are rankings that anybody can compute again. (An epoch here is one
// computation of the ranking of all exchanges.)
type Epochs interface {
	// CloseEpoch computes the ranking of all exchanges, its Merkle root and its
	// export.
	CloseEpoch(context.Context, EpochRequest) (Epoch, error)
	// RankingEpochs lists epochs, newest first.
	RankingEpochs(context.Context, EpochsQuery) (EpochPage, error)
	// ExportEpoch is the file that verify-ranking checks: a tar archive,
	// compressed with zstd. NotFound: no such epoch, or it is not kept any more.
	ExportEpoch(context.Context, EpochQuery) (seam.Stream, error)
	// ProveReview proves that a wallet's review of an exchange counts in an
	// epoch, and with what weight. NotFound: it does not, or no such epoch.
	ProveReview(context.Context, ReviewProofQuery) (ReviewProof, error)
	// Places returns where an exchange stood in the latest epochs, newest
	// first. NotFound: no such slug.
	Places(context.Context, PlacesQuery) (Places, error)
}

// EpochRequest asks for a ranking of now.
type EpochRequest struct{}

// Epoch is one ranking of all exchanges.
type Epoch struct {
	Number     int64 `json:"number"` // 1, 2, 3 …
	TimeMS     int64 `json:"time_ms"`
	Root       Hash  `json:"root"` // of the Merkle tree over all lines of the export
	Exchanges  int   `json:"exchanges"`
	Reviews    int   `json:"reviews"` // counted
	Tombstones int   `json:"tombstones"`
	Size       int64 `json:"size"` // bytes of the export; 0 = it is not kept any more
}

// EpochsQuery selects a page of epochs.
type EpochsQuery struct {
	Cursor string `query:"cursor" json:"-"`
	Limit  int    `query:"limit" json:"-"` // 1–200, 0 = 50
}

// Validate refuses values out of range.
func (q EpochsQuery) Validate() error { return page.Standard().Check(q.Limit) }

// EpochPage is a page of epochs.
type EpochPage struct {
	Epochs []Epoch `json:"epochs"`
	Next   string  `json:"next,omitempty"` // cursor of the next page, "" = the end
}

// EpochQuery names an epoch.
type EpochQuery struct {
	Number int64 `path:"number" json:"-"`
}

// ReviewProofQuery names a review in an epoch.
type ReviewProofQuery struct {
	Number int64          `path:"number" json:"-"`
	Slug   string         `path:"slug" json:"-"`
	Wallet wallet.Address `path:"wallet" json:"-"`
}

// ReviewProof proves a line of an export: the leaf is that of OpenZeppelin's
// StandardMerkleTree for the values [Kind, Line] of types ["string", "string"].
type ReviewProof struct {
	Epoch int64  `json:"epoch"`
	Root  Hash   `json:"root"`
	Kind  string `json:"kind"` // review
	Line  string `json:"line"` // the review with its weight, as it stands in the export
	Leaf  Hash   `json:"leaf"`
	Proof []Hash `json:"proof"`
}

// PlacesQuery names an exchange.
type PlacesQuery struct {
	Slug string `path:"slug" json:"-"`
}

// Places are an exchange's places in the latest 100 epochs, newest first.
type Places struct {
	Places []Place `json:"places"`
}

// Place is where an exchange stood in an epoch.
type Place struct {
	Epoch   int64   `json:"epoch"`
	TimeMS  int64   `json:"time_ms"`
	Rank    int     `json:"rank"` // 1 = best; 0 = not enough evidence
	Key     float64 `json:"key"`
	Mean    float64 `json:"mean"`
	Reviews int     `json:"reviews"`
}

// BreakdownQuery names an exchange.
type BreakdownQuery struct {
	Slug string `path:"slug" json:"-"`
}

// Breakdown is where an exchange's mean comes from: the parts of its lines add up
// to it exactly.
type Breakdown struct {
	MeanMillionths int64           `json:"mean_millionths"` // of a star
	Lines          []BreakdownLine `json:"lines"`
}

// BreakdownLine is the part of a group of reviews.
type BreakdownLine struct {
	Group           string `json:"group"`             // prior (what everybody starts with), proven, unproven or fresh
	FromMS          int64  `json:"from_ms,omitempty"` // its reviews are from
	ToMS            int64  `json:"to_ms,omitempty"`   // before
	Reviews         int64  `json:"reviews"`
	ShareMillionths int64  `json:"share_millionths"` // of all weight; they add up to a million
	MeanMillionths  int64  `json:"mean_millionths"`  // of this group alone
	PartMillionths  int64  `json:"part_millionths"`  // what it adds to the mean
}
