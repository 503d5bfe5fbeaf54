// Package exchangereview is the contract of the exchange-review module: a
// directory of exchanges, and people's reviews of them.
//
// A review is signed by its writer's wallet (EIP-712), so nobody, the operator
// included, can write in somebody else's name. A wallet has one live review per
// exchange; an edit is a new version that names the hash of the one before it.
// An exchange's rating is the mean of its live reviews, each weighted by its
// writer's reputation.
//
// NewClient over seam.Dial is a client for programs of other Go modules, which
// needs no database and no C compiler.
//
// This file is the contract. The work, and its SQL, is in service/,
// the signed form in eip712.go.
package exchangereview

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"banyan/platform/fault"
	"banyan/platform/page"
	"banyan/platform/wallet"
)

// Name is the module's name in settings, paths and flags.
const Name = "exchange-review"

// Service is what the module does. Faults that every method can return:
// unavailable, busy, deadline_exceeded, canceled, internal.
type Service interface {
	// ImportExchanges adds exchanges or updates those with the same slug.
	// Wrong entries are an invalid fault that names up to 100 of them, and
	// nothing of the upload is kept.
	ImportExchanges(context.Context, ExchangeUpload) (ExchangesImported, error)
	// Exchanges lists exchanges by the query, a page at a time.
	Exchanges(context.Context, ExchangesQuery) (ExchangePage, error)
	// Exchange returns one exchange with its rating. NotFound: no such slug.
	Exchange(context.Context, ExchangeQuery) (Exchange, error)
	// Reviews lists an exchange's live reviews. NotFound: no such slug.
	Reviews(context.Context, ReviewsQuery) (ReviewPage, error)
	// ReviewsOf lists a wallet's live reviews.
	ReviewsOf(context.Context, ReviewsOfQuery) (ReviewPage, error)
	// History returns all versions of one wallet's review of an exchange, newest
	// first. NotFound: there is none.
	History(context.Context, HistoryQuery) (ReviewHistory, error)
	// PrepareReview checks a draft and returns the EIP-712 document to sign.
	// NotFound: no such slug.
	PrepareReview(context.Context, ReviewDraft) (PreparedReview, error)
	// PublishReview stores a signed review. Invalid: out of range, stale time,
	// malformed signature. NotFound: no such slug. Forbidden: signed by another
	// wallet. Conflict: it is stored already, previous is not the hash of the
	// live version, or there are MaxVersions. Without reputation the review is
	// published all the same; it weighs least until reputation is back.
	PublishReview(context.Context, SignedReview) (Review, error)
}

// The kinds of exchange.
const (
	Centralised   = "cex"
	Decentralised = "dex"
)

// The ways to sort exchanges.
const (
	ByRating  = "rating"  // best first; exchanges without reviews last
	ByReviews = "reviews" // most reviewed first
	ByName    = "name"
)

// ExchangeUpload is a JSON array of exchanges: id, name, kind (cex or dex),
// website, countries, chains, maker_fee, taker_fee, year; further fields are
// ignored, and a field that is absent, null or empty keeps its stored value.
// Package directory has the details.
type ExchangeUpload struct {
	Body io.Reader `stream:"application/json" json:"-"`
}

// ExchangesImported is the result of an import.
type ExchangesImported struct {
	Added   int `json:"added"`
	Updated int `json:"updated"`
}

// ExchangesQuery selects a page of exchanges; empty fields do not filter.
type ExchangesQuery struct {
	Kind   string `query:"kind" json:"-"`   // cex or dex
	Chain  string `query:"chain" json:"-"`  // for instance ethereum
	Q      string `query:"q" json:"-"`      // part of a name, with some typing errors
	Sort   string `query:"sort" json:"-"`   // rating (default), reviews, name; with q, the best match comes first
	Cursor string `query:"cursor" json:"-"` // the last answer's next
	Limit  int    `query:"limit" json:"-"`  // 1–200, 0 = 50
}

// Validate refuses values out of range.
func (q ExchangesQuery) Validate() error {
	var wrong []fault.Field
	if q.Kind != "" && q.Kind != Centralised && q.Kind != Decentralised {
		wrong = append(wrong, fault.Field{Name: "kind", Message: "is cex or dex"})
	}
	switch q.Sort {
	case "", ByRating, ByReviews, ByName:
	default:
		wrong = append(wrong, fault.Field{Name: "sort", Message: "is rating, reviews or name"})
	}
	if len(q.Chain) > 40 || strings.ContainsFunc(q.Chain, notInChain) {
		wrong = append(wrong, fault.Field{Name: "chain", Message: "is the name of a chain, like ethereum"})
	}
	if utf8.RuneCountInString(q.Q) > 100 {
		wrong = append(wrong, fault.Field{Name: "q", Message: "has at most 100 characters"})
	}
	return invalidQuery(append(wrong, page.Standard().Wrong(q.Limit)...))
}

func notInChain(c rune) bool { return c <= ' ' || c >= unicode.MaxASCII }

// Exchange is one entry of the directory.
type Exchange struct {
	Slug      string   `json:"slug"`
	Name      string   `json:"name"`
	Kind      string   `json:"kind"`
	Website   string   `json:"website"`
	Year      int      `json:"year,omitempty"` // it opened; 0 = not known
	Countries []string `json:"countries"`      // ISO 3166-1 alpha-2
	Chains    []string `json:"chains"`
	MakerFee  *float64 `json:"maker_fee,omitempty"` // share of the trade: 0.001 = 0.1 %
	TakerFee  *float64 `json:"taker_fee,omitempty"`
	Rating    Rating   `json:"rating"`
}

// Rating is the aggregate of an exchange's live reviews.
type Rating struct {
	Reviews   int              `json:"reviews"`
	Mean      float64          `json:"mean"`       // weighted, 1–5; 0 = no reviews
	PlainMean float64          `json:"plain_mean"` // every review counts the same
	Histogram [5]int           `json:"histogram"`  // reviews with 1, 2, 3, 4, 5 stars
	Aspects   Aspects[float64] `json:"aspects"`    // weighted means, 0 = no reviews
}

// Aspects are the six sub-ratings.
type Aspects[N int | float64] struct {
	Withdrawals N `json:"withdrawals"`
	Support     N `json:"support"`
	Fees        N `json:"fees"`
	Execution   N `json:"execution"`
	Security    N `json:"security"`
	Ease        N `json:"ease"`
}

// ExchangePage is a page of the directory.
type ExchangePage struct {
	Exchanges []Exchange `json:"exchanges"`
	Next      string     `json:"next,omitempty"` // cursor of the next page, "" = the end
}

// ExchangeQuery names an exchange.
type ExchangeQuery struct {
	Slug string `path:"slug" json:"-"`
}

// ReviewsQuery selects a page of an exchange's reviews, newest first.
type ReviewsQuery struct {
	Slug   string `path:"slug" json:"-"`
	Cursor string `query:"cursor" json:"-"`
	Limit  int    `query:"limit" json:"-"` // 1–200, 0 = 50
}

// Validate refuses values out of range.
func (q ReviewsQuery) Validate() error { return page.Standard().Check(q.Limit) }

// ReviewsOfQuery selects a page of a wallet's reviews, newest first.
type ReviewsOfQuery struct {
	Wallet wallet.Address `path:"wallet" json:"-"`
	Cursor string         `query:"cursor" json:"-"`
	Limit  int            `query:"limit" json:"-"` // 1–200, 0 = 50
}

// Validate refuses values out of range.
func (q ReviewsOfQuery) Validate() error { return page.Standard().Check(q.Limit) }

// ReviewDraft is what a person writes.
type ReviewDraft struct {
	Slug    string         `path:"slug" json:"-"`
	Wallet  wallet.Address `json:"wallet"`
	Overall int            `json:"overall"` // 1–5
	Aspects Aspects[int]   `json:"aspects"` // 1–5 each
	Text    string         `json:"text"`    // up to MaxText characters, may be empty
}

// The limits of a review.
const (
	MaxText     = 5000 // characters
	MaxVersions = 100  // of one review: the first and 99 edits
)

// The kinds of the reputation.Activity that publishing a review emits, with the
// slug as its reference.
const (
	ActivityPublished = "review.published"
	ActivityEdited    = "review.edited"
)

// PreparedReview is a draft with the document that the wallet signs.
type PreparedReview struct {
	TypedData TypedData    `json:"typed_data"` // for eth_signTypedData_v4
	Review    SignedReview `json:"review"`     // to send back with the signature filled in
}

// UnmarshalJSON also fills in the review's slug: a request has it in its path, so
// the JSON of the review lacks it, and the document that is signed names it.
func (p *PreparedReview) UnmarshalJSON(text []byte) error {
	type plain PreparedReview // without this method
	if err := json.Unmarshal(text, (*plain)(p)); err != nil {
		return err
	}
	p.Review.Slug, _ = p.TypedData.Message["exchange"].(string)
	return nil
}

// TypedData is an EIP-712 document as eth_signTypedData_v4 takes it.
type TypedData struct {
	Types       map[string][]TypedField `json:"types"`
	PrimaryType string                  `json:"primaryType"`
	Domain      map[string]any          `json:"domain"`
	Message     map[string]any          `json:"message"`
}

// TypedField is a field of an EIP-712 type.
type TypedField struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// SignedReview is a review with its writer's signature.
type SignedReview struct {
	Slug      string         `path:"slug" json:"-"`
	Wallet    wallet.Address `json:"wallet"`
	Overall   int            `json:"overall"`
	Aspects   Aspects[int]   `json:"aspects"`
	Text      string         `json:"text"`
	CreatedMS int64          `json:"created_ms"` // UTC; within 10 minutes of the server's clock when it is published
	Previous  Hash           `json:"previous"`   // hash of the version it replaces; zero for the first
	Signature Signature      `json:"signature"`  // 65 bytes r‖s‖v over the EIP-712 digest
}

// Review is a stored review.
type Review struct {
	Exchange  string         `json:"exchange"` // slug
	Wallet    wallet.Address `json:"wallet"`
	Overall   int            `json:"overall"`
	Aspects   Aspects[int]   `json:"aspects"`
	Text      string         `json:"text"`
	CreatedMS int64          `json:"created_ms"`
	Version   int            `json:"version"`  // 1, 2, 3 …
	Hash      Hash           `json:"hash"`     // EIP-712 digest: what was signed
	Previous  Hash           `json:"previous"` // zero for the first version
	Signature Signature      `json:"signature"`
	Weight    float64        `json:"weight"` // of its writer's reputation, 0.05–1
}

// ReviewPage is a page of live reviews.
type ReviewPage struct {
	Reviews []Review `json:"reviews"`
	Next    string   `json:"next,omitempty"` // cursor of the next page, "" = the end
}

// HistoryQuery names one wallet's review of an exchange.
type HistoryQuery struct {
	Slug   string         `path:"slug" json:"-"`
	Wallet wallet.Address `path:"wallet" json:"-"`
}

// ReviewHistory is all versions of a review, newest first; the first is live.
type ReviewHistory struct {
	Versions []Review `json:"versions"`
}

func invalidQuery(wrong []fault.Field) error {
	if len(wrong) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "the query has values out of range: see the fields").With(wrong...)
}
