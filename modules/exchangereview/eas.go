package exchangereview

import (
	"context"

	"banyan/platform/attestation"
	"banyan/platform/fault"
	"banyan/platform/seam"
	"banyan/platform/wallet"
)

// EAS is a review as an off-chain attestation of the Ethereum Attestation Service
// (https://attest.org), in which programs that know nothing of Banyan can check it. The
// signature of a review is none of an attestation: its writer signs once more, and the
// attestation has the review's own signature in it. So it carries all that a review is,
// and ImportReviews takes it as one.
//
// The attestation is of the version that is live, and is there as long as that is shown:
// an edit needs a new one, and a review that was taken back has none.
type EAS interface {
	// PrepareEAS returns the attestation of a live review with the EIP-712 document to
	// sign. NotFound: no live review of that wallet.
	PrepareEAS(context.Context, EASDraft) (PreparedEAS, error)
	// PublishEAS stores the signed attestation of a review, in place of an earlier one,
	// and returns it. Faults are those of PublishReview; Conflict: it is of another
	// version than the live one.
	PublishEAS(context.Context, EASUpload) (attestation.Package, error)
	// ReviewEAS returns the attestation as the EAS SDK writes it. NotFound: the live
	// review has none.
	ReviewEAS(context.Context, EASQuery) (attestation.Package, error)
}

var (
	prepareEAS = seam.Read[EASDraft, PreparedEAS](Contract, "prepareEAS", "POST /exchanges/{slug}/reviews/{wallet}/eas/prepare", seam.Public,
		"Make a review ready to be signed as an attestation of EAS",
		seam.Ignore("typed_data.message.time"), seam.Ignore("typed_data.message.salt"), seam.Ignore("attestation.sig.uid"),
		seam.Ignore("attestation.sig.message.time"), seam.Ignore("attestation.sig.message.salt")) // the time of the request, and chance
	publishEAS = seam.Write[EASUpload, attestation.Package](Contract, "publishEAS", "POST /exchanges/{slug}/reviews/{wallet}/eas", seam.Public,
		"Keep a review's attestation of EAS; its signature is the permission")
	reviewEAS = seam.Read[EASQuery, attestation.Package](Contract, "reviewEAS", "GET /exchanges/{slug}/reviews/{wallet}/eas", seam.Public,
		"A review as an off-chain attestation of EAS, as its SDK writes it")
)

func bindEAS(s EAS) []seam.Binding {
	return []seam.Binding{prepareEAS.To(s.PrepareEAS), publishEAS.To(s.PublishEAS), reviewEAS.To(s.ReviewEAS)}
}

// ReviewSchema is the schema of these attestations: the members of the EIP-712 struct
// Review but for the wallet, which is the attester, then the review's own signature, and
// the chain where a smart wallet was asked for it, or 0. It has no resolver, and is
// revocable.
const ReviewSchema = "string site,string exchange,uint8 overall,uint8 withdrawals,uint8 support,uint8 fees,uint8 execution,uint8 security,uint8 ease," +
	"string text,uint64 createdAt,bytes32 previous,bytes reviewSignature,uint64 reviewChain"

// MaxEASData is the most bytes of an attestation's data: of the longest text and
// signature.
const MaxEASData = 4*MaxText + MaxSignature + 2<<10

// ReviewSchemaUID returns the UID of ReviewSchema in any registry of EAS.
func ReviewSchemaUID() attestation.Hash {
	return attestation.SchemaUID(ReviewSchema, wallet.Address{}, true)
}

// EASDraft names the review to attest.
type EASDraft struct {
	Slug    string         `path:"slug" json:"-"`
	Wallet  wallet.Address `path:"wallet" json:"-"`    // the writer
	ChainID uint64         `json:"chain_id,omitempty"` // that the wallet is on; 0 = Ethereum
}

// Validate refuses a chain that no wallet can name.
func (d EASDraft) Validate() error {
	if d.ChainID <= attestation.MaxChainID {
		return nil
	}
	return fault.New(fault.Invalid, "no wallet is on this chain").With(fault.Field{Name: "chain_id", Message: "must be at most 2^53-1"})
}

// PreparedEAS is an attestation with the document that the wallet signs.
type PreparedEAS struct {
	TypedData   attestation.Document `json:"typed_data"`  // for eth_signTypedData_v4
	Attestation attestation.Package  `json:"attestation"` // to send back with sig.signature filled in
}

// EASUpload is the signed attestation of a review.
type EASUpload struct {
	Slug        string              `path:"slug" json:"-"`
	Wallet      wallet.Address      `path:"wallet" json:"-"` // the writer
	Attestation attestation.Package `json:"attestation"`
}

// EASQuery names a review.
type EASQuery struct {
	Slug   string         `path:"slug" json:"-"`
	Wallet wallet.Address `path:"wallet" json:"-"` // the writer
}

// PrepareEAS implements EAS.
func (c Client) PrepareEAS(ctx context.Context, q EASDraft) (PreparedEAS, error) {
	return prepareEAS.Call(ctx, c.route, q)
}

// PublishEAS implements EAS.
func (c Client) PublishEAS(ctx context.Context, q EASUpload) (attestation.Package, error) {
	return publishEAS.Call(ctx, c.route, q)
}

// ReviewEAS implements EAS.
func (c Client) ReviewEAS(ctx context.Context, q EASQuery) (attestation.Package, error) {
	return reviewEAS.Call(ctx, c.route, q)
}
