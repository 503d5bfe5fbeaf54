package exchangereview

import (
	"context"
	"encoding/json"

	"banyan/platform/fault"
	"banyan/platform/seam"
	"banyan/platform/wallet"
)

// Appeals are what writers say against decisions, in words that they sign: also a writer
// who cannot sign in can appeal, and nobody else in a writer's name.
type Appeals interface {
	// PrepareAppeal returns the EIP-712 document of an appeal. NotFound: no such slug, or
	// no review of that wallet. Conflict: nothing was decided about it.
	PrepareAppeal(context.Context, AppealDraft) (PreparedAppeal, error)
	// PublishAppeal asks moderators to look at the review again. Faults are those of
	// PrepareAppeal and PublishReview; Conflict also: the review has another version.
	PublishAppeal(context.Context, SignedAppeal) (Reported, error)
}

var (
	prepareAppeal = seam.Read[AppealDraft, PreparedAppeal](Contract, "prepareAppeal", "POST /exchanges/{slug}/reviews/appeals/prepare", seam.Public,
		"Make an appeal against a decision ready to be signed in the wallet",
		seam.Ignore("appeal.created_ms"), seam.Ignore("typed_data.message.createdAt")) // the time of the request
	publishAppeal = seam.Write[SignedAppeal, Reported](Contract, "publishAppeal", "POST /exchanges/{slug}/reviews/appeals", seam.Public,
		"Ask moderators to look at one's own review again; its signature is the permission", seam.Idempotent())
)

func bindAppeals(s Appeals) []seam.Binding {
	return []seam.Binding{prepareAppeal.To(s.PrepareAppeal), publishAppeal.To(s.PublishAppeal)}
}

// AppealDraft is what a writer says against a decision about the writer's review.
type AppealDraft struct {
	Slug   string         `path:"slug" json:"-"`
	Wallet wallet.Address `json:"wallet"`
	Text   string         `json:"text"`
}

// Validate refuses an appeal without words or without a wallet.
func (d AppealDraft) Validate() error { return checkAppeal(d.Wallet, d.Text, nil) }

// SignedAppeal is an appeal with its writer's signature.
type SignedAppeal struct {
	Slug      string         `path:"slug" json:"-"`
	Wallet    wallet.Address `json:"wallet"`
	Review    Hash           `json:"review"` // hash of the version that is live
	Text      string         `json:"text"`
	CreatedMS int64          `json:"created_ms"`         // UTC; within 10 minutes of the server's clock
	Signature Signature      `json:"signature"`          // over the EIP-712 digest
	ChainID   uint64         `json:"chain_id,omitempty"` // where a smart wallet is asked for its signature; 0 = 1
}

// Validate refuses what no signature can make valid.
func (a SignedAppeal) Validate() error {
	return checkAppeal(a.Wallet, a.Text, append(wrongTime(a.CreatedMS), wrongSignature(a.Signature)...))
}

func checkAppeal(writer wallet.Address, text string, wrong []fault.Field) error {
	if writer.IsZero() {
		wrong = append(wrong, fault.Field{Name: "wallet", Message: "is missing: send the address that signs"})
	}
	if len(wrong) > 0 {
		return fault.New(fault.Invalid, "the appeal cannot be taken: see the fields").With(wrong...)
	}
	return checkReason("text", text, true)
}

// PreparedAppeal is an appeal with the document that the wallet signs.
type PreparedAppeal struct {
	TypedData TypedData    `json:"typed_data"` // for eth_signTypedData_v4
	Appeal    SignedAppeal `json:"appeal"`     // to send back with the signature filled in
}

// UnmarshalJSON also fills in the slug, as that of PreparedReview does.
func (p *PreparedAppeal) UnmarshalJSON(text []byte) error {
	type plain PreparedAppeal // without this method
	if err := json.Unmarshal(text, (*plain)(p)); err != nil {
		return err
	}
	p.Appeal.Slug, _ = p.TypedData.Message["exchange"].(string)
	return nil
}

func (d *Digester) appealMembers(a *SignedAppeal) []member {
	return []member{
		textMember("site", d.site), textMember("exchange", a.Slug), walletMember("wallet", a.Wallet),
		hashMember("review", a.Review), textMember("text", a.Text), numberMember("createdAt", a.CreatedMS),
	}
}

// HashAppeal returns the EIP-712 digest that the wallet signs to appeal. CreatedMS must
// not be negative.
func (d *Digester) HashAppeal(a *SignedAppeal) Hash {
	return d.structHash("Appeal", d.appealMembers(a))
}

// AppealDocument returns what HashAppeal hashes as a document for eth_signTypedData_v4.
func (d *Digester) AppealDocument(a *SignedAppeal) TypedData {
	return structDocument("Appeal", d.appealMembers(a))
}

// PrepareAppeal implements Appeals.
func (c Client) PrepareAppeal(ctx context.Context, q AppealDraft) (PreparedAppeal, error) {
	return prepareAppeal.Call(ctx, c.route, q)
}

// PublishAppeal implements Appeals.
func (c Client) PublishAppeal(ctx context.Context, q SignedAppeal) (Reported, error) {
	return publishAppeal.Call(ctx, c.route, q)
}
