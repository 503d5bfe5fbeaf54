// Package exchangereview is the contract of the exchange-review module: a
// directory of exchanges, and people's reviews of them.
//
// A review is signed by its writer's wallet (EIP-712), so nobody, the operator
// included, can write in somebody else's name. A wallet has one live review per
// exchange; an edit is a new version that names the hash of the one before it.
// Its writer can take it back: then its text is gone and its hash stays. An
// exchange's rating is computed from its live reviews, each weighted by the trust
// in its writer; package ranking has the formula.
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

	"banyan/platform/eip712"
	"banyan/platform/fault"
	"banyan/platform/page"
	"banyan/platform/progress"
	"banyan/platform/wallet"
)

// Name is the module's name in settings, paths and flags.
const Name = "exchange-review"

// Service is what the module does. Faults that every method can return:
// unavailable, busy, deadline_exceeded, canceled, internal.
type Service interface {
	// ImportExchanges adds exchanges or updates those with the same slug.
	// Wrong entries are an invalid fault that names up to 100 of them, and
	// nothing of the upload is kept. Conflict: confirm is not that of these changes.
	ImportExchanges(context.Context, ExchangeUpload) (ExchangesImported, error)
	// ImportWork returns how far an import of exchanges is: reading, comparing, or
	// storing. It is known where the work is done: another process answers that there
	// is none. Whoever asked for the work cancels it by ending the request, and the
	// directory stays as it was.
	ImportWork(context.Context, ImportWorkQuery) (progress.Work, error)
	// Exchanges lists exchanges by the query, a page at a time.
	Exchanges(context.Context, ExchangesQuery) (ExchangePage, error)
	// Facets returns what the directory can be filtered by.
	Facets(context.Context, FacetsQuery) (Facets, error)
	// Exchange returns one exchange with its rating. NotFound: no such slug.
	Exchange(context.Context, ExchangeQuery) (Exchange, error)
	// Breakdown returns where an exchange's rating comes from. NotFound: no such
	// slug.
	Breakdown(context.Context, BreakdownQuery) (Breakdown, error)
	// Reviews lists an exchange's live reviews. NotFound: no such slug.
	Reviews(context.Context, ReviewsQuery) (ReviewPage, error)
	// AllReviews lists the live reviews of all exchanges, newest first. A page may be
	// short, or empty, and have a next: it looks at 5,000 versions.
	AllReviews(context.Context, AllReviewsQuery) (ReviewPage, error)
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
	// wallet. Unsupported: a smart wallet's signature, and no chain is configured.
	// Unavailable: its chain does not answer. Conflict: it is stored already, previous is not the hash of the
	// live version, or there are MaxVersions. Without reputation the review is
	// published all the same; it weighs least until reputation is back.
	PublishReview(context.Context, SignedReview) (Review, error)
	// PrepareWithdrawal returns the EIP-712 document with which a wallet takes
	// its review back. NotFound: there is none, or no such slug.
	PrepareWithdrawal(context.Context, WithdrawalDraft) (PreparedWithdrawal, error)
	// WithdrawReview erases the texts of all versions of a review and leaves its
	// hashes; the review counts no longer. Faults are those of PublishReview.
	WithdrawReview(context.Context, SignedWithdrawal) (Review, error)
	// VoteOnReview says whether the review helped the caller; a later vote of the
	// same wallet replaces the one before. NotFound: no live review of that
	// wallet. Conflict: the caller wrote it.
	VoteOnReview(context.Context, Vote) (Helpfulness, error)

	Epochs
	Moderation
	Profiles
	Proofs
	Appeals  // appeals.go
	Overview // recent.go
	Portable // portable.go
	Mutes    // mutes.go
	EAS      // eas.go
}

// The kinds of exchange.
const (
	Centralised   = "cex"
	Decentralised = "dex"
)

// The ways to sort exchanges.
const (
	ByRating  = "rating"  // best first; exchanges without enough evidence behind, those without reviews last
	ByReviews = "reviews" // most reviewed first
	ByName    = "name"
	ByStars   = "stars"  // highest mean first; those without enough evidence behind
	ByChange  = "change" // most places won since the ranking before
	ByFee     = "fee"    // lowest taker fee first; those of which none is known last
)

// ExchangeUpload is a JSON array of exchanges: id, name, kind (cex or dex),
// website, countries, chains, maker_fee, taker_fee, year, former_names, licences,
// fees_url, status, status_since, status_source, factories, factories_by_chain,
// routers, wallets, wallets_by_chain; further fields are ignored, and a field that is absent, null or empty keeps its stored value.
// Package directory has the details.
type ExchangeUpload struct {
	Check   bool      `query:"check" json:"-"`   // only returns what would change
	Confirm string    `query:"confirm" json:"-"` // of the check: nothing else than what it showed is done; "" = whatever it is
	Body    io.Reader `stream:"application/json" json:"-"`
}

// ImportWorkQuery asks for the import that began last.
type ImportWorkQuery struct{}

// ExchangesImported is the result of an import.
type ExchangesImported struct {
	Added     int              `json:"added"`
	Updated   int              `json:"updated"`
	Unchanged int              `json:"unchanged"`
	Changes   []ExchangeChange `json:"changes"`           // up to 500
	More      int              `json:"more,omitempty"`    // changes that are not listed
	Confirm   string           `json:"confirm,omitempty"` // of a check: names this list and the directory as it is
}

// ExchangeChange is a field that an import changes, or an exchange that it adds.
type ExchangeChange struct {
	Slug  string `json:"slug"`
	Field string `json:"field"` // "" = the exchange is new, and To its name
	From  string `json:"from"`
	To    string `json:"to"`
}

// ExchangesQuery selects a page of exchanges; empty fields do not filter.
type ExchangesQuery struct {
	Kind    string  `query:"kind" json:"-"`    // cex or dex
	Chain   string  `query:"chain" json:"-"`   // for instance ethereum
	Q       string  `query:"q" json:"-"`       // part of a name, with some typing errors
	Country string  `query:"country" json:"-"` // ISO 3166-1 alpha-2
	Status  string  `query:"status" json:"-"`  // active, halted, dead or incident
	MaxFee  float64 `query:"max_fee" json:"-"` // of takers, share of the trade: 0.002 = 0.2 %; 0 = any
	Proof   string  `query:"proof" json:"-"`   // of use, in one live review at least: swap, attestation, withdrawal or any
	Sort    string  `query:"sort" json:"-"`    // rating (default), reviews, name, stars, fee, change; with q, the best match comes first
	Cursor  string  `query:"cursor" json:"-"`  // the last answer's next
	Limit   int     `query:"limit" json:"-"`   // 1–200, 0 = 50
}

// Validate refuses values out of range.
func (q ExchangesQuery) Validate() error {
	var wrong []fault.Field
	if q.Kind != "" && q.Kind != Centralised && q.Kind != Decentralised {
		wrong = append(wrong, fault.Field{Name: "kind", Message: "is cex or dex"})
	}
	switch q.Sort {
	case "", ByRating, ByReviews, ByName, ByStars, ByFee, ByChange:
	default:
		wrong = append(wrong, fault.Field{Name: "sort", Message: "is rating, reviews, name, stars, fee or change"})
	}
	switch q.Status {
	case "", Active, Halted, Dead, Incident:
	default:
		wrong = append(wrong, fault.Field{Name: "status", Message: "is active, halted, dead or incident"})
	}
	switch q.Proof {
	case "", ProofSwap, ProofAttestation, ProofWithdrawal, ProofAny:
	default:
		wrong = append(wrong, fault.Field{Name: "proof", Message: "is swap, attestation, withdrawal or any"})
	}
	if q.Country != "" && (len(q.Country) != 2 || strings.ContainsFunc(q.Country, notLetter)) {
		wrong = append(wrong, fault.Field{Name: "country", Message: "is a code of two letters, like MT"})
	}
	if !(q.MaxFee >= 0 && q.MaxFee <= 1) {
		wrong = append(wrong, fault.Field{Name: "max_fee", Message: "is a share of the trade from 0 to 1: 0.002 is 0.2 %"})
	}
	if len(q.Chain) > 40 || strings.ContainsFunc(q.Chain, notInChain) {
		wrong = append(wrong, fault.Field{Name: "chain", Message: "is the name of a chain, like ethereum"})
	}
	if utf8.RuneCountInString(q.Q) > 100 {
		wrong = append(wrong, fault.Field{Name: "q", Message: "has at most 100 characters"})
	}
	return invalidQuery(append(wrong, page.Standard().Wrong(q.Limit)...))
}

func notLetter(c rune) bool { return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') }

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

	Status       string         `json:"status"`                  // active, halted, dead or incident
	StatusSince  string         `json:"status_since,omitempty"`  // YYYY-MM-DD
	StatusSource string         `json:"status_source,omitempty"` // where that is said
	FormerNames  []string       `json:"former_names,omitempty"`
	Licences     []string       `json:"licences,omitempty"`
	FeesURL      string         `json:"fees_url,omitempty"`
	Factories    []ChainAddress `json:"factories,omitempty"` // of one exchange; a list leaves them out
	Routers      []ChainAddress `json:"routers,omitempty"`   // likewise
	Wallets      []ChainAddress `json:"wallets,omitempty"`   // likewise: from which it pays
	Change       int            `json:"change,omitempty"`    // places won from one ranking to the latest, below 0 lost
	Claimed      bool           `json:"claimed,omitempty"`   // whether it has shown who it is, see Profiles
}

// ChainAddress is a contract or a wallet of an exchange.
type ChainAddress struct {
	Chain   string         `json:"chain,omitempty"` // "" = not known
	Address wallet.Address `json:"address"`
}

// The states of an exchange.
const (
	Active   = "active"
	Halted   = "halted"   // trading or withdrawals are stopped
	Dead     = "dead"     // closed for good
	Incident = "incident" // something has happened of which people should know
)

// Rating is what an exchange's live reviews add up to, see package ranking. All
// but the counts and PlainMean are stars.
type Rating struct {
	Reviews   int              `json:"reviews"`    // counted
	Held      int              `json:"held"`       // shown and not counted, until a moderator has decided
	Enough    bool             `json:"enough"`     // whether there is enough evidence: 8 effective reviews
	Effective float64          `json:"effective"`  // how many whole reviews of today the counted ones are worth
	Key       float64          `json:"key"`        // what exchanges are ranked by: the lower end of the interval
	Mean      float64          `json:"mean"`       // weighted, with a prior of 5 average reviews; 0 = no reviews
	Low       float64          `json:"low"`        // with 90 % confidence the mean is between
	High      float64          `json:"high"`       // low and high
	MovesUp   float64          `json:"moves_up"`   // the most by which any number of wallets without standing
	MovesDown float64          `json:"moves_down"` // can move the mean
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
	MaxText     = 5000   // characters
	MaxCounted  = 10_000 // reviews of a Total
	MaxVersions = 100    // of one review: the first and 99 edits
)

// The kinds of the reputation.Activity that reviews emit, with the
// slug as its reference.
const (
	ActivityPublished = "review.published"
	ActivityEdited    = "review.edited"
	ActivityWithdrawn = "review.withdrawn"
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

// What wallets sign, and with what; the types of all modules.
type (
	TypedData  = eip712.TypedData
	TypedField = eip712.TypedField
	Signature  = eip712.Signature
)

// MaxSignature is the longest signature, in bytes.
const MaxSignature = eip712.MaxSignature

// SignedReview is a review with its writer's signature.
type SignedReview struct {
	Slug      string         `path:"slug" json:"-"`
	Wallet    wallet.Address `json:"wallet"`
	Overall   int            `json:"overall"`
	Aspects   Aspects[int]   `json:"aspects"`
	Text      string         `json:"text"`
	CreatedMS int64          `json:"created_ms"`         // UTC; within 10 minutes of the server's clock when it is published
	Previous  Hash           `json:"previous"`           // hash of the version it replaces; zero for the first
	Signature Signature      `json:"signature"`          // over the EIP-712 digest: 65 bytes r‖s‖v, or what a smart wallet makes
	ChainID   uint64         `json:"chain_id,omitempty"` // where a smart wallet is asked for its signature; 0 = 1. It is not signed
}

// ReviewPage is a page of live reviews.
type ReviewPage struct {
	Reviews []Review `json:"reviews"`
	Total   int      `json:"total,omitempty"` // on the first page of a query with filters: how many reviews match, up to MaxCounted
	Next    string   `json:"next,omitempty"`  // cursor of the next page, "" = the end
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
