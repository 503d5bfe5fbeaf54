package exchangereview

import (
	"slices"
	"strings"

	"banyan/platform/fault"
	"banyan/platform/page"
)

// The ways to sort an exchange's reviews.
const (
	ByNewest  = "newest"
	ByOldest  = "oldest"
	ByBest    = "best"    // most stars first
	ByWorst   = "worst"   // fewest stars first
	ByHelpful = "helpful" // by the lower bound of the share of readers whom it helped
)

// ReviewsQuery selects a page of an exchange's reviews; empty fields do not
// filter.
type ReviewsQuery struct {
	Slug     string `path:"slug" json:"-"`
	Sort     string `query:"sort" json:"-"`     // newest (default), oldest, best (also rating), worst, helpful
	Stars    int    `query:"stars" json:"-"`    // 1–5
	Language string `query:"language" json:"-"` // ISO 639-1, like en
	// Dimension is what the stars are of: overall (default) or an aspect.
	Dimension string `query:"dimension" json:"-"`
	Proof     string `query:"proof" json:"-"` // swap, attestation, withdrawal, any or none
	From      int64  `query:"from" json:"-"`  // UTC milliseconds, included
	To        int64  `query:"to" json:"-"`    // UTC milliseconds, excluded
	Cursor    string `query:"cursor" json:"-"`
	Limit     int    `query:"limit" json:"-"` // 1–200, 0 = 50
}

// Validate refuses values out of range.
func (q ReviewsQuery) Validate() error {
	var wrong []fault.Field
	switch q.Sort {
	case "", ByNewest, ByOldest, ByBest, ByRating, ByWorst, ByHelpful:
	default:
		wrong = append(wrong, fault.Field{Name: "sort", Message: "is newest, oldest, best, worst or helpful"})
	}
	switch q.Proof {
	case "", ProofSwap, ProofAttestation, ProofWithdrawal, ProofAny, ProofNone:
	default:
		wrong = append(wrong, fault.Field{Name: "proof", Message: "is swap, attestation, withdrawal, any or none"})
	}
	if q.Dimension != "" && !slices.Contains(DimensionNames[:], q.Dimension) {
		wrong = append(wrong, fault.Field{Name: "dimension", Message: "is " + strings.Join(DimensionNames[:], ", ")})
	}
	if q.Stars < 0 || q.Stars > 5 {
		wrong = append(wrong, fault.Field{Name: "stars", Message: "is 1 to 5"})
	}
	if q.Language != "" && (len(q.Language) != 2 || strings.ContainsFunc(q.Language, notLetter)) {
		wrong = append(wrong, fault.Field{Name: "language", Message: "is a code of two letters, like en"})
	}
	if q.From < 0 || q.To < 0 || q.To > 0 && q.To <= q.From {
		wrong = append(wrong, fault.Field{Name: "from", Message: "and to are milliseconds since 1970, from before to"})
	}
	return invalidQuery(append(wrong, page.Standard().Wrong(q.Limit)...))
}

// AllReviewsQuery selects a page of all reviews, newest first.
type AllReviewsQuery struct {
	Cursor string `query:"cursor" json:"-"`
	Limit  int    `query:"limit" json:"-"` // 1–200, 0 = 50
}

// Validate refuses values out of range.
func (q AllReviewsQuery) Validate() error { return page.Standard().Check(q.Limit) }
