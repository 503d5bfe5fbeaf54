package airdrop

import (
	"math/bits"

	"github.com/holiman/uint256"

	"banyan/platform/wallet"
)

// Preview describes what rules would give to whom, before anything is frozen. Shares
// are in millionths.
type Preview struct {
	Wallets  int         `json:"wallets"` // that were looked at
	Count    int         `json:"count"`   // that get something
	Total    uint256.Int `json:"total"`   // base units, as all amounts here
	Smallest uint256.Int `json:"smallest"`
	Median   uint256.Int `json:"median"` // of an even count the lower one
	Largest  uint256.Int `json:"largest"`
	// GiniPPM is the Gini coefficient: 0 when all get the same.
	GiniPPM int `json:"gini_ppm"`
	// LorenzPPM are 101 points: which share of the total the poorest 0 %, 1 % … 100 %
	// of those get who get something.
	LorenzPPM []int `json:"lorenz_ppm"`
	// Histogram counts amounts; each bin begins where the one before ends.
	Histogram []Bin     `json:"histogram"`
	Top       []Share   `json:"top"`      // the 100 largest
	LeftOut   []LeftOut `json:"left_out"` // why the others get nothing
	// Changes are against the preview before; nil when there is none.
	Changes *Changes `json:"changes,omitempty"`
}

// ClaimGas estimates what claims of a list need, with our distributor and receivers who
// have none of the token yet: one that is claimed in the order of the list, one that is
// claimed at random, and each of 50 that somebody claims at once. The figures were measured
// with mainnet's prices (contracts, BenchmarkGas): each level of the tree adds the same.
func ClaimGas(rows int) (inOrder, random, ofFifty int) {
	const level, word = 735, 16_900 // a hash of the proof; the first bit of a word of the bitmap
	depth := bits.Len(uint(max(1, rows) - 1))
	return 63_300 + level*depth, 63_300 + level*depth + word, 31_500 + level*depth
}

// Bin counts amounts from From on and below To.
type Bin struct {
	From  uint256.Int `json:"from"`
	To    uint256.Int `json:"to"`
	Count int         `json:"count"`
}

// Share is what a wallet gets.
type Share struct {
	Wallet wallet.Address `json:"wallet"`
	Amount uint256.Int    `json:"amount"`
}

// LeftOut is a reason for which wallets get nothing, and how many.
type LeftOut struct {
	Reason string `json:"reason"`
	Count  int    `json:"count"`
}

// Changes are the differences of a preview from the one before.
type Changes struct {
	Added     int      `json:"added"`   // wallets that got nothing
	Removed   int      `json:"removed"` // wallets that get nothing any more
	More      int      `json:"more"`
	Less      int      `json:"less"`
	Unchanged int      `json:"unchanged"`
	Largest   []Change `json:"largest"` // up to 20
}

// Change is how the amount of a wallet changed.
type Change struct {
	Wallet wallet.Address `json:"wallet"`
	Before uint256.Int    `json:"before"`
	After  uint256.Int    `json:"after"`
}
