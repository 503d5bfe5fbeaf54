package exchangereview

import (
	"encoding/json"

	"banyan/platform/wallet"
)

// The states of a review.
const (
	Counted   = "counted"
	Held      = "held"      // shown, not counted, until a moderator has decided
	Waiting   = "waiting"   // not shown until a moderator has decided
	Removed   = "removed"   // by a moderator: only its hash is shown
	Withdrawn = "withdrawn" // by its writer: only its hash is left
)

// Review is a stored review. Its digest can be made again from what it has
// (Review.Digest), also when the site has moved.
type Review struct {
	Exchange  string         `json:"exchange"` // slug
	Wallet    wallet.Address `json:"wallet"`
	Site      string         `json:"site"` // where it was signed: the host, with its port if it has one; "" = not known
	Overall   int            `json:"overall"`
	Aspects   Aspects[int]   `json:"aspects"`
	Text      string         `json:"text"`
	Language  string         `json:"language,omitempty"`  // ISO 639-1, in which the text seems to be; "" = not known
	TextHash  *Hash          `json:"text_hash,omitempty"` // keccak-256 of a text that is not shown any more
	CreatedMS int64          `json:"created_ms"`
	Version   int            `json:"version"`  // 1, 2, 3 …
	Hash      Hash           `json:"hash"`     // EIP-712 digest: what was signed
	Previous  Hash           `json:"previous"` // zero for the first version
	Signature Signature      `json:"signature"`
	// Of a signature that a smart wallet accepted (ERC-1271, ERC-6492): where and at
	// which block it was asked. Block 0 = the wallet's own key signed.
	ChainID     uint64      `json:"chain_id,omitempty"`
	Block       uint64      `json:"block,omitempty"`
	Weight      float64     `json:"weight"` // the trust in its writer: 0.05–1; 0 for the distrusted
	Group       string      `json:"group"`  // fresh: its writer has no standing or is younger than 30 days; else proven or unproven
	State       string      `json:"state"`
	HeldUntilMS int64       `json:"held_until_ms,omitempty"` // of a review that the program holds; 0 = a moderator does
	Helpfulness Helpfulness `json:"helpfulness"`
	Reply       *Reply      `json:"reply,omitempty"`  // of the exchange
	Proof       *Proof      `json:"proof,omitempty"`  // that its writer used the exchange; the answer of publishReview lacks it
	EASMS       int64       `json:"eas_ms,omitempty"` // when its writer signed it as an attestation of EAS, see EAS; 0 = that is not done
}

// Helpfulness is what readers thought of a review, by their weights.
type Helpfulness struct {
	Helpful   float64 `json:"helpful"`   // weight of those whom it helped
	Unhelpful float64 `json:"unhelpful"` // of those whom it did not help
	Score     float64 `json:"score"`     // lower bound of the share of readers whom it helps (Wilson, 95 %)
}

// Vote is what a reader thinks of a review.
type Vote struct {
	Slug    string         `path:"slug" json:"-"`
	Wallet  wallet.Address `path:"wallet" json:"-"` // the writer of the review
	Helpful bool           `json:"helpful"`
}

// WithdrawalDraft names the review to take back.
type WithdrawalDraft struct {
	Slug   string         `path:"slug" json:"-"`
	Wallet wallet.Address `json:"wallet"`
}

// SignedWithdrawal takes a review back.
type SignedWithdrawal struct {
	Slug      string         `path:"slug" json:"-"`
	Wallet    wallet.Address `json:"wallet"`
	CreatedMS int64          `json:"created_ms"`         // UTC; within 10 minutes of the server's clock
	Previous  Hash           `json:"previous"`           // hash of the version that is live
	Signature Signature      `json:"signature"`          // over the EIP-712 digest
	ChainID   uint64         `json:"chain_id,omitempty"` // where a smart wallet is asked for its signature; 0 = 1
}

// PreparedWithdrawal is a withdrawal with the document that the wallet signs.
type PreparedWithdrawal struct {
	TypedData  TypedData        `json:"typed_data"` // for eth_signTypedData_v4
	Withdrawal SignedWithdrawal `json:"withdrawal"` // to send back with the signature filled in
}

// UnmarshalJSON also fills in the withdrawal's slug, as that of PreparedReview
// does.
func (p *PreparedWithdrawal) UnmarshalJSON(text []byte) error {
	type plain PreparedWithdrawal // without this method
	if err := json.Unmarshal(text, (*plain)(p)); err != nil {
		return err
	}
	p.Withdrawal.Slug, _ = p.TypedData.Message["exchange"].(string)
	return nil
}
