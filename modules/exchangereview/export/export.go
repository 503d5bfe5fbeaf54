// Package export is the file with which anybody can compute a ranking again:
// reviews with their weights and signatures, tombstones, parameters, and the
// scores that follow from them. It is pure: no database, no clock.
//
// The file is a tar archive, compressed with zstd and sealed (seal.go), of lines of
// JSON:
//
//	parameters.json         one line: Parameters
//	exchanges-00000.ndjson  an Exchange on each line; further files when it is long
//	reviews-00000.ndjson    a Review on each line, likewise
//	tombstones-00000.ndjson likewise: what was removed or withdrawn, by its hash
//	manifest.json           one line: Manifest, with the root
//
// The root is that of OpenZeppelin's StandardMerkleTree over one leaf for each
// line but the manifest's: the values [kind, line] of types ["string", "string"],
// where kind is parameters, exchange, review or tombstone, and line is the line's
// bytes without its end.
//
// What follows from what: a review's hash is the EIP-712 digest of its fields and
// its signature is its wallet's: of its own key, or of a smart wallet that the site
// asked at a block of a chain, which a computation without that chain must take as
// it is; the sums of weights follow from the reviews, the
// prior from the sums, every score and rank from both, as package ranking says, and
// the alarms from the dates and stars, as package bursts says. Weights themselves are reputation's and are taken as they are, up to the
// most that the proof of use allows.
package export

import (
	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/ranking"
	"banyan/platform/wallet"
)

// Format is the version of the file.
const Format = "banyan-ranking-1"

// The kinds of lines.
const (
	KindParameters = "parameters"
	KindExchange   = "exchange"
	KindReview     = "review"
	KindTombstone  = "tombstone"
)

// Parameters are what scores depend on beside the reviews.
type Parameters struct {
	Format   string                        `json:"format"`
	Site     string                        `json:"site"`
	Epoch    int64                         `json:"epoch"`
	TimeMS   int64                         `json:"time_ms"`
	Day      int                           `json:"day"`      // of the ranking, since 1970
	Landmark int                           `json:"landmark"` // the day at which a weight is its g
	Formula  int                           `json:"formula"`  // ranking.Version
	Prior    [ranking.Dimensions][5]uint64 `json:"prior"`    // in 1/2^32, of 1 … 5 stars
}

// Exchange is an exchange's place, and what it follows from.
type Exchange struct {
	Slug    string                    `json:"slug"`
	Rank    int                       `json:"rank"` // 1 = best; 0 = not enough evidence
	Reviews int64                     `json:"reviews"`
	Scores  [ranking.Dimensions]Score `json:"scores"` // overall, then the aspects
	// What the rules of package bursts say of the day of the ranking, by the reviews
	// that are shown.
	Warned bool `json:"warned,omitempty"`
	Holds  bool `json:"holds,omitempty"`
}

// Score is a ranking.Score: stars in millionths, effective in 1/2^32.
type Score struct {
	Mean      int64  `json:"mean"`
	Deviation int64  `json:"deviation"`
	Key       int64  `json:"key"`
	Low       int64  `json:"low"`
	High      int64  `json:"high"`
	Effective uint64 `json:"effective"`
}

// Review is a review, or a tombstone: then it has no text, and does not count.
type Review struct {
	Exchange    string                         `json:"exchange"`
	Wallet      wallet.Address                 `json:"wallet"`
	Site        string                         `json:"site"`
	Stars       [exchangereview.Dimensions]int `json:"stars"` // overall, then the aspects
	Text        string                         `json:"text"`
	TextHash    *exchangereview.Hash           `json:"text_hash,omitempty"`
	CreatedMS   int64                          `json:"created_ms"`
	Version     int                            `json:"version"`
	Previous    exchangereview.Hash            `json:"previous"`
	Hash        exchangereview.Hash            `json:"hash"`
	Signature   exchangereview.Signature       `json:"signature"`
	ChainID     uint64                         `json:"chain_id,omitempty"`      // where the site asked a smart wallet
	Block       uint64                         `json:"block,omitempty"`         // at which; 0 = the wallet's own key signed
	State       string                         `json:"state"`                   // counted, held, removed or withdrawn
	HeldUntilMS int64                          `json:"held_until_ms,omitempty"` // of a review that the program holds
	Group       string                         `json:"group"`                   // proven, unproven or fresh
	Weight      uint32                         `json:"weight"`                  // g in 1/65536: trust in the writer times proof of use
	Proof       string                         `json:"proof,omitempty"`         // swap, attestation or withdrawal; absent: none
}

// Manifest is the last line.
type Manifest struct {
	Root       exchangereview.Hash `json:"root"`
	Exchanges  int                 `json:"exchanges"`
	Reviews    int                 `json:"reviews"` // counted and held
	Tombstones int                 `json:"tombstones"`
}

// ScoreOf converts a score.
func ScoreOf(s ranking.Score) Score {
	return Score{Mean: s.Mean, Deviation: s.Deviation, Key: s.Key, Low: s.Low, High: s.High, Effective: s.Effective}
}

// counts returns what the review adds to the sums of its exchange.
func (r *Review) counts() (ranking.Review, bool) {
	counted := ranking.Review{Day: ranking.DayOf(r.CreatedMS), Weight: r.Weight, Stars: r.Stars}
	for g := range ranking.Groups {
		if g.String() == r.Group {
			counted.Group = g
			return counted, true
		}
	}
	return counted, false
}

// beyondProof returns what in a review its proof of use does not allow, "" if nothing.
func (r *Review) beyondProof() string {
	most := uint32(0)
	switch r.Proof {
	case "":
		most = ranking.One * 4 / 10
	case exchangereview.ProofWithdrawal:
		most = ranking.One * 6 / 10
	case exchangereview.ProofAttestation:
		most = ranking.One * 8 / 10
	case exchangereview.ProofSwap:
		most = ranking.One
	}
	switch {
	case r.Weight > most:
		return "its weight is more than its proof of use allows"
	case r.Group == ranking.Proven.String() && r.Proof == "":
		return "it is counted as proven, and has no proof"
	}
	return ""
}

// digest makes the digest that was signed again. The digester is of the review's site.
func (r *Review) digest(digests *exchangereview.Digester) exchangereview.Hash {
	review := exchangereview.Review{
		Exchange: r.Exchange, Wallet: r.Wallet, Site: r.Site, Overall: r.Stars[0], Text: r.Text, TextHash: r.TextHash,
		CreatedMS: r.CreatedMS, Previous: r.Previous, State: r.State,
		Aspects: exchangereview.Aspects[int]{
			Withdrawals: r.Stars[1], Support: r.Stars[2], Fees: r.Stars[3], Execution: r.Stars[4], Security: r.Stars[5], Ease: r.Stars[6],
		},
	}
	return digests.HashStored(&review)
}

// Rank numbers exchanges in the order of their overall scores, the best first;
// those without enough evidence have rank 0. slugs decide between equal scores.
func Rank(exchanges []Exchange, scores []ranking.Score) {
	order := sortedBy(exchanges, scores)
	for place, i := range order {
		if scores[i].Enough() {
			exchanges[i].Rank = place + 1
		}
	}
}
