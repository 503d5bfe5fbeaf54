package exchangereview

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"banyan/platform/fault"
	"banyan/platform/wallet"
)

// Profiles is how an exchange shows who it is, and answers what is said of it. A claim
// is signed by a wallet, which is the exchange's from then on, and shown by one of
// three things: the directory lists that wallet as the exchange's, or the domain of
// its website names it, in DNS or in a file.
type Profiles interface {
	// PrepareClaim returns the EIP-712 document with which a wallet claims a profile
	// or gives it back, and what the domain must publish. NotFound: no such slug.
	PrepareClaim(context.Context, ClaimDraft) (PreparedClaim, error)
	// ClaimProfile claims a profile, or gives it back. Invalid: stale time, malformed
	// signature. Forbidden: signed by another wallet; or the directory does not list
	// it, or the domain does not name it; or an operator refuses claims of this
	// exchange. Conflict: the directory has no website. Unavailable: the domain or the
	// wallet's chain does not answer. Busy: too many domains are being asked.
	ClaimProfile(context.Context, SignedClaim) (Claim, error)
	// EndClaim ends a claim, and hides what was answered in its name; the reason is in
	// the moderation log. NotFound: the profile is not claimed.
	EndClaim(context.Context, ClaimEnd) (Claim, error)
	// Claims lists who claimed a profile, the latest first, up to 50.
	Claims(context.Context, ClaimsQuery) (Claims, error)
	// PrepareReply returns the EIP-712 document of an answer to a review. NotFound: no
	// live review of that wallet. Conflict: the profile is not claimed.
	PrepareReply(context.Context, ReplyDraft) (PreparedReply, error)
	// PublishReply stores the answer below the review, in place of one before; one
	// without a text takes it back. Faults are those of PublishReview, and Conflict:
	// the profile is not claimed, or the review was edited since.
	PublishReply(context.Context, SignedReply) (Reply, error)
}

// The ways to show that a wallet is an exchange's.
const (
	ClaimByAddress = "address" // the directory lists the wallet
	ClaimByDNS     = "dns"     // a TXT record names it
	ClaimByFile    = "file"    // a file of the website names it
	ClaimWithdraw  = "withdraw"
)

// ClaimFor is how long a claim holds; claiming again renews it.
const ClaimFor = 365 * 24 * time.Hour

// MaxReply is the longest answer to a review, in characters.
const MaxReply = 2000

// ClaimDraft says which wallet claims a profile, and how it is shown.
type ClaimDraft struct {
	Slug   string         `path:"slug" json:"-"`
	Wallet wallet.Address `json:"wallet"`
	Method string         `json:"method"` // address, dns, file; or withdraw, which ends the wallet's claim
}

// Validate refuses what no exchange can mean.
func (d ClaimDraft) Validate() error { return checkClaim(d.Wallet, d.Method, nil) }

// SignedClaim is a claim with the wallet's signature.
type SignedClaim struct {
	Slug      string         `path:"slug" json:"-"`
	Wallet    wallet.Address `json:"wallet"`
	Method    string         `json:"method"`
	CreatedMS int64          `json:"created_ms"`         // UTC; within 10 minutes of the server's clock
	Signature Signature      `json:"signature"`          // over the EIP-712 digest
	ChainID   uint64         `json:"chain_id,omitempty"` // where a smart wallet is asked for its signature; 0 = 1
}

// Validate refuses what no signature can make valid.
func (c SignedClaim) Validate() error {
	return checkClaim(c.Wallet, c.Method, append(wrongTime(c.CreatedMS), wrongSignature(c.Signature)...))
}

func checkClaim(of wallet.Address, method string, wrong []fault.Field) error {
	if of.IsZero() {
		wrong = append(wrong, fault.Field{Name: "wallet", Message: "is missing: send the address that signs"})
	}
	switch method {
	case ClaimByAddress, ClaimByDNS, ClaimByFile, ClaimWithdraw:
	default:
		wrong = append(wrong, fault.Field{Name: "method", Message: "is address, dns, file or withdraw"})
	}
	if len(wrong) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "the claim has values out of range: see the fields").With(wrong...)
}

// wrongTime returns what is wrong with a time that is signed.
func wrongTime(ms int64) []fault.Field {
	if ms >= 0 {
		return nil
	}
	return []fault.Field{{Name: "created_ms", Message: "is milliseconds since 1970, not negative"}}
}

// PreparedClaim is a claim with the document that the wallet signs, and what the
// domain of the exchange publishes for the methods dns and file.
type PreparedClaim struct {
	TypedData TypedData   `json:"typed_data"`         // for eth_signTypedData_v4
	Claim     SignedClaim `json:"claim"`              // to send back with the signature filled in
	Record    string      `json:"record,omitempty"`   // the name of the TXT record; "" = the directory has no website
	File      string      `json:"file,omitempty"`     // the address of the file
	Contains  string      `json:"contains,omitempty"` // the text of the record, or a line of the file
}

// UnmarshalJSON also fills in the claim's slug, as that of PreparedReview does.
func (p *PreparedClaim) UnmarshalJSON(text []byte) error {
	type plain PreparedClaim // without this method
	if err := json.Unmarshal(text, (*plain)(p)); err != nil {
		return err
	}
	p.Claim.Slug, _ = p.TypedData.Message["exchange"].(string)
	return nil
}

// Claim is who may answer for an exchange.
type Claim struct {
	Exchange  string         `json:"exchange"` // slug
	Wallet    wallet.Address `json:"wallet"`
	Method    string         `json:"method"`
	CreatedMS int64          `json:"created_ms"`
	UntilMS   int64          `json:"until_ms"`             // it holds
	EndedMS   int64          `json:"ended_ms,omitempty"`   // 0 = it was not ended
	EndedBy   string         `json:"ended_by,omitempty"`   // exchange, operator, or another claim
	Reason    string         `json:"reason,omitempty"`     // of an operator
	BarredMS  int64          `json:"barred_ms,omitempty"`  // until when the operator refuses other claims
	Hash      Hash           `json:"hash"`                 // EIP-712 digest: what was signed
	Signature Signature      `json:"signature"`            //
	Holds     bool           `json:"holds"`                // now
	Site      string         `json:"site"`                 // where it was signed
	ChainID   uint64         `json:"chain_id,omitempty"`   // of a smart wallet's signature: where,
	Block     uint64         `json:"block,omitempty"`      // and at which block it was asked
	CheckedAt string         `json:"checked_at,omitempty"` // where the domain named the wallet
}

// Who ended a claim.
const (
	EndedByExchange = "exchange"
	EndedByOperator = "operator"
	EndedByClaim    = "another claim"
)

// ClaimEnd is an operator's decision to end a claim.
type ClaimEnd struct {
	Slug    string `path:"slug" json:"-"`
	Reason  string `json:"reason"`   // for everybody to read
	BarDays int    `json:"bar_days"` // for so many days nobody can claim this profile; 0–3650
}

// Validate refuses values out of range.
func (e ClaimEnd) Validate() error {
	if e.BarDays < 0 || e.BarDays > 3650 {
		return fault.New(fault.Invalid, "the days are out of range").With(fault.Field{Name: "bar_days", Message: "is 0 to 3650"})
	}
	return checkReason("reason", e.Reason, true)
}

// ClaimsQuery names an exchange.
type ClaimsQuery struct {
	Slug string `path:"slug" json:"-"`
}

// Claims are those of an exchange, the latest first; one that holds is the first.
type Claims struct {
	Claims []Claim `json:"claims"`
}

// ReplyDraft is what an exchange answers to a review.
type ReplyDraft struct {
	Slug     string         `path:"slug" json:"-"`
	Reviewer wallet.Address `path:"wallet" json:"-"`
	Text     string         `json:"text"` // up to MaxReply characters; "" takes the answer back
}

// Validate refuses a text that is too long, or not plain.
func (d ReplyDraft) Validate() error { return checkReply(d.Text, nil) }

// SignedReply is an answer with the signature of the wallet that claimed the profile.
type SignedReply struct {
	Slug      string         `path:"slug" json:"-"`
	Reviewer  wallet.Address `path:"wallet" json:"-"`
	Review    Hash           `json:"review"` // the version that is answered
	Text      string         `json:"text"`
	CreatedMS int64          `json:"created_ms"`
	Signature Signature      `json:"signature"`
	ChainID   uint64         `json:"chain_id,omitempty"`
}

// Validate refuses what no signature can make valid.
func (r SignedReply) Validate() error {
	return checkReply(r.Text, append(wrongTime(r.CreatedMS), wrongSignature(r.Signature)...))
}

func checkReply(text string, wrong []fault.Field) error {
	message := checkText(text)
	if message == "" && utf8.RuneCountInString(text) > MaxReply {
		message = fmt.Sprintf("has at most %d characters", MaxReply)
	}
	if message != "" {
		wrong = append(wrong, fault.Field{Name: "text", Message: message})
	}
	if len(wrong) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "the answer cannot be taken: see the fields").With(wrong...)
}

// PreparedReply is an answer with the document that the exchange's wallet signs.
type PreparedReply struct {
	TypedData TypedData      `json:"typed_data"`
	Wallet    wallet.Address `json:"wallet"` // that signs: who claimed the profile
	Reply     SignedReply    `json:"reply"`  // to send back with the signature filled in
}

// UnmarshalJSON also fills in what a request has in its path.
func (p *PreparedReply) UnmarshalJSON(text []byte) error {
	type plain PreparedReply // without this method
	if err := json.Unmarshal(text, (*plain)(p)); err != nil {
		return err
	}
	p.Reply.Slug, _ = p.TypedData.Message["exchange"].(string)
	if reviewer, there := p.TypedData.Message["reviewer"].(string); there {
		return p.Reply.Reviewer.UnmarshalText([]byte(reviewer))
	}
	return nil
}

// Reply is an exchange's answer to a review.
type Reply struct {
	Wallet    wallet.Address `json:"wallet"` // who claimed the profile
	Review    Hash           `json:"review"` // the version that it answers
	Text      string         `json:"text"`
	CreatedMS int64          `json:"created_ms"`
	Site      string         `json:"site"`
	Hash      Hash           `json:"hash"` // EIP-712 digest: what was signed
	Signature Signature      `json:"signature"`
	ChainID   uint64         `json:"chain_id,omitempty"`
	Block     uint64         `json:"block,omitempty"`
}
