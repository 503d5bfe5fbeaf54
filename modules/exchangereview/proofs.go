package exchangereview

import (
	"context"
	"encoding/json"

	"banyan/platform/fault"
	"banyan/platform/wallet"
)

// Proofs show that the writer of a review used the exchange. They are graded: a review
// weighs its writer's trust times 1 with a swap, 0.8 with an attestation, 0.6 with a
// withdrawal, and 0.4 without a proof. A proof is of a wallet and an exchange: it stays
// when the review is edited, and the best one counts.
type Proofs interface {
	// ProveUse shows by a transaction that the caller used the exchange: it swapped in a
	// pool of one of its factories, or it was paid by one of its wallets. NotFound: the
	// caller has no live review; or no such transaction. Unsupported: no node of that
	// chain is configured. Unavailable: they do not answer. Invalid: the transaction
	// failed or shows nothing of the kind. Conflict: it is too new.
	ProveUse(context.Context, Transaction) (Review, error)
	// RecheckProof looks at a proof again, as it was looked at first, and drops it when
	// it shows nothing any more. NotFound: there is none. Faults are those of ProveUse.
	RecheckProof(context.Context, ProofQuery) (Review, error)
	// PrepareAttestation returns the EIP-712 document with which an exchange says that a
	// wallet is its customer's. NotFound: no live review. Conflict: the profile is not
	// claimed.
	PrepareAttestation(context.Context, AttestationDraft) (PreparedAttestation, error)
	// AttestUse stores such an attestation. Faults are those of PublishReply.
	AttestUse(context.Context, SignedAttestation) (Review, error)
}

// The grades of proof, the best first.
const (
	ProofSwap        = "swap"        // of the wallet in a pool of the exchange
	ProofAttestation = "attestation" // of the exchange
	ProofWithdrawal  = "withdrawal"  // from a wallet of the exchange to the reviewer's
	ProofAny         = "any"         // of a query: any of them
	ProofNone        = "none"        // of a query: reviews without one
)

// Confirmations is how many blocks must follow that of a transaction before it counts.
const Confirmations = 12

// Proof is what shows that a writer used the exchange.
type Proof struct {
	Kind      string  `json:"kind"`
	Factor    float64 `json:"factor"`     // of the review's weight
	CheckedMS int64   `json:"checked_ms"` // when it was looked at last
	// Of a transaction: where it is, and the contract or wallet of the exchange.
	ChainID  uint64          `json:"chain_id,omitempty"`
	Tx       *Hash           `json:"tx,omitempty"`
	Block    uint64          `json:"block,omitempty"`
	TimeMS   int64           `json:"time_ms,omitempty"` // of the block
	Contract *wallet.Address `json:"contract,omitempty"`
	// Of an attestation: its signature, by the wallet that had claimed the profile.
	Wallet    *wallet.Address `json:"wallet,omitempty"`
	CreatedMS int64           `json:"created_ms,omitempty"`
	Site      string          `json:"site,omitempty"`
	Signature *Signature      `json:"signature,omitempty"`
}

// Transaction names a transaction of the caller's wallet.
type Transaction struct {
	Slug    string `path:"slug" json:"-"`
	ChainID uint64 `json:"chain_id"` // EIP-155
	Tx      Hash   `json:"tx"`
}

// Validate refuses a transaction without a chain.
func (t Transaction) Validate() error {
	var wrong []fault.Field
	if t.ChainID == 0 {
		wrong = append(wrong, fault.Field{Name: "chain_id", Message: "is the number of a chain, like 1 of Ethereum"})
	}
	if t.Tx.IsZero() {
		wrong = append(wrong, fault.Field{Name: "tx", Message: "is the hash of a transaction: 0x and 64 hex digits"})
	}
	if len(wrong) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "this names no transaction: see the fields").With(wrong...)
}

// ProofQuery names the proof of a wallet's review.
type ProofQuery struct {
	Slug   string         `path:"slug" json:"-"`
	Wallet wallet.Address `path:"wallet" json:"-"`
}

// AttestationDraft names the review of a customer.
type AttestationDraft struct {
	Slug     string         `path:"slug" json:"-"`
	Customer wallet.Address `path:"wallet" json:"-"`
}

// SignedAttestation is an exchange's word that a wallet is its customer's.
type SignedAttestation struct {
	Slug      string         `path:"slug" json:"-"`
	Customer  wallet.Address `path:"wallet" json:"-"`
	CreatedMS int64          `json:"created_ms"`         // UTC; within 10 minutes of the server's clock
	Signature Signature      `json:"signature"`          // over the EIP-712 digest, of the wallet that claimed the profile
	ChainID   uint64         `json:"chain_id,omitempty"` // where a smart wallet is asked for its signature; 0 = 1
}

// Validate refuses what no signature can make valid.
func (a SignedAttestation) Validate() error {
	wrong := append(wrongTime(a.CreatedMS), wrongSignature(a.Signature)...)
	if len(wrong) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "the attestation has values out of range: see the fields").With(wrong...)
}

// PreparedAttestation is an attestation with the document that the exchange's wallet
// signs.
type PreparedAttestation struct {
	TypedData   TypedData         `json:"typed_data"`
	Wallet      wallet.Address    `json:"wallet"`      // that signs: who claimed the profile
	Attestation SignedAttestation `json:"attestation"` // to send back with the signature filled in
}

// UnmarshalJSON also fills in what a request has in its path.
func (p *PreparedAttestation) UnmarshalJSON(text []byte) error {
	type plain PreparedAttestation // without this method
	if err := json.Unmarshal(text, (*plain)(p)); err != nil {
		return err
	}
	p.Attestation.Slug, _ = p.TypedData.Message["exchange"].(string)
	if customer, there := p.TypedData.Message["customer"].(string); there {
		return p.Attestation.Customer.UnmarshalText([]byte(customer))
	}
	return nil
}

const attestationStruct = "CustomerAttestation"

func (d *Digester) attestationMembers(a *SignedAttestation) []member {
	return []member{
		textMember("site", d.site), textMember("exchange", a.Slug), walletMember("customer", a.Customer), numberMember("createdAt", a.CreatedMS),
	}
}

// HashAttestation returns the EIP-712 digest that the exchange's wallet signs to say
// that a wallet is its customer's. CreatedMS must not be negative.
func (d *Digester) HashAttestation(a *SignedAttestation) Hash {
	return d.structHash(attestationStruct, d.attestationMembers(a))
}

// AttestationDocument returns what HashAttestation hashes as a document for
// eth_signTypedData_v4.
func (d *Digester) AttestationDocument(a *SignedAttestation) TypedData {
	return structDocument(attestationStruct, d.attestationMembers(a))
}
