package reputation

import (
	"context"
	"io"
	"unicode/utf8"

	"banyan/platform/attestation"
	"banyan/platform/fault"
	"banyan/platform/page"
	"banyan/platform/seam"
	"banyan/platform/wallet"
)

// Evidence is the part of Service with what wallets say of each other and do: signed
// attestations, and the edges that scores are computed from.
type Evidence interface {
	// PrepareAttestation makes a statement ready to be signed in a wallet.
	PrepareAttestation(context.Context, StatementDraft) (PreparedAttestation, error)
	// Attest stores a signed attestation; its signature is the permission. Invalid:
	// malformed, other types, values out of range, expired, of the future, about
	// its own attester, or of a schema that is not registered. Forbidden: signed
	// by somebody else. Unsupported: a smart wallet's, and no chain is configured
	// to ask. Conflict: it is stored already, it was taken back, or a later
	// statement of the attester about this subject and context is stored.
	Attest(context.Context, AttestationUpload) (Attestation, error)
	// PrepareRevocation makes the document that takes an attestation back.
	// NotFound. Conflict: it is not revocable, or taken back already.
	PrepareRevocation(context.Context, RevocationDraft) (PreparedRevocation, error)
	// Revoke takes an attestation back for good. NotFound. Forbidden: signed by
	// somebody else. Conflict: as PrepareRevocation, and taken back already.
	Revoke(context.Context, SignedRevocation) (Attestation, error)
	// Attestation returns one, whatever its state. NotFound.
	Attestation(context.Context, AttestationQuery) (Attestation, error)
	// Attestations lists them, the last stored first.
	Attestations(context.Context, AttestationsQuery) (AttestationPage, error)
	// VerifyAttestation says whether an attestation is valid, what it states, and
	// whether it would count; it stores nothing. Invalid: it cannot be read.
	VerifyAttestation(context.Context, AttestationUpload) (Verification, error)
	// ImportAttestations stores those of a JSON array, of one after the other, or
	// of an export. Those that cannot be stored are named and left out. Invalid:
	// no JSON. TooLarge: more than MaxImported.
	ImportAttestations(context.Context, AttestationsUpload) (AttestationsImported, error)
	// ExportAttestations streams attestations as the EAS SDK writes them, one to a
	// line, in the order in which they were stored.
	ExportAttestations(context.Context, ExportQuery) (seam.Stream, error)
	// Schemas lists the schemas that are known here, those that count first.
	Schemas(context.Context, SchemasQuery) (Schemas, error)
	// RegisterSchema adds a schema: its attestations are stored and shown, and do
	// not count. Conflict: it is known already, or there are MaxSchemas.
	RegisterSchema(context.Context, SchemaDraft) (Schema, error)
	// Neighbours lists the edges to or from a wallet that the next epoch is
	// computed from, with the source of each.
	Neighbours(context.Context, NeighboursQuery) (NeighbourPage, error)
	// Activities lists what a wallet did in other modules, the last first, each
	// with its source.
	Activities(context.Context, ActivitiesQuery) (ActivityPage, error)
}

// Limits of attestations.
const (
	MaxImported   = 20_000 // attestations of one import
	MaxSchemas    = 1_000
	MaxStatements = 1_000 // of one attester about one subject, in one schema and context
)

// StatementDraft is what a person wants to say of a wallet.
type StatementDraft struct {
	Attester wallet.Address   `json:"attester"`
	Subject  wallet.Address   `json:"subject"`
	Kind     string           `json:"kind,omitempty"`     // trust (default), vouch or report
	Level    int              `json:"level,omitempty"`    // of trust: -10 to 10
	Context  string           `json:"context,omitempty"`  // of trust: what with; up to 64 characters, "" = in general
	Note     string           `json:"note,omitempty"`     // of a vouch or report: up to 500 characters
	Expires  int64            `json:"expires,omitempty"`  // UTC seconds; 0 = never
	RefUID   attestation.Hash `json:"ref_uid"`            // of another attestation; zero = none
	ChainID  uint64           `json:"chain_id,omitempty"` // that the wallet is on; 0 = Ethereum
}

// Validate refuses what no wallet could sign or nobody would take.
func (q StatementDraft) Validate() error {
	var wrong []fault.Field
	add := func(name, message string) { wrong = append(wrong, fault.Field{Name: name, Message: message}) }
	if _, known := attestation.SchemaOf(kindOf(q.Kind)); !known {
		add("kind", "is trust, vouch or report")
	}
	if q.Attester.IsZero() {
		add("attester", "is missing")
	}
	if q.Attester == q.Subject {
		add("subject", "is the attester: nobody's word about themselves counts")
	}
	if q.Expires < 0 {
		add("expires", "is seconds since 1970, or 0 for never")
	}
	if q.ChainID > attestation.MaxChainID {
		add("chain_id", "must be at most 2^53-1")
	}
	statement := q.Statement()
	if err := statement.Check(); err != nil {
		wrong = append(wrong, fault.From(err).Fields...)
	}
	if len(wrong) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "the statement has values out of range: see the fields").With(wrong...)
}

// Statement returns what the attestation will say.
func (q StatementDraft) Statement() attestation.Statement {
	s := attestation.Statement{Kind: kindOf(q.Kind), Subject: q.Subject}
	if s.Kind == attestation.Trust {
		s.Level, s.Context = q.Level, q.Context
	} else {
		s.Note = q.Note
	}
	return s
}

func kindOf(kind string) string {
	if kind == "" {
		return attestation.Trust
	}
	return kind
}

// PreparedAttestation is a statement with the document that the wallet signs.
type PreparedAttestation struct {
	TypedData   attestation.Document `json:"typed_data"`  // for eth_signTypedData_v4
	Attestation attestation.Package  `json:"attestation"` // to send back with sig.signature filled in
}

// AttestationUpload is an attestation as the EAS SDK shares it, {sig, signer}, or
// what stands in sig alone.
type AttestationUpload struct {
	attestation.Package
}

// The states of an attestation.
const (
	Live     = "live"     // valid now, and the attester's last word
	Replaced = "replaced" // the attester said something later about the same
	Revoked  = "revoked"  // taken back
	Expired  = "expired"
)

// Attestation is a stored attestation.
type Attestation struct {
	UID       attestation.Hash     `json:"uid"`
	Attester  wallet.Address       `json:"attester"`
	Schema    attestation.SchemaID `json:"schema"`
	Kind      string               `json:"kind"`    // trust, vouch, report; "" = a schema that does not count
	Subject   wallet.Address       `json:"subject"` // whom it is about; for other schemas its recipient
	Level     int                  `json:"level"`   // of trust
	Context   string               `json:"context"` // of trust
	Note      string               `json:"note"`    // of a vouch or report
	State     string               `json:"state"`   // live, replaced, revoked, expired
	Counts    bool                 `json:"counts"`  // in the next epoch
	Why       string               `json:"why"`     // it does not count; "" = it does
	TimeMS    int64                `json:"time_ms"` // UTC, that the attester signed
	ExpiresMS int64                `json:"expires_ms,omitempty"`
	RefUID    attestation.Hash     `json:"ref_uid"`
	Revocable bool                 `json:"revocable"`
	StoredMS  int64                `json:"stored_ms"`
	EndedMS   int64                `json:"ended_ms,omitempty"` // when it was replaced or taken back
	Package   attestation.Package  `json:"package"`            // as it was signed
}

// AttestationQuery names an attestation: two attesters may have one UID.
type AttestationQuery struct {
	Attester wallet.Address   `path:"wallet" json:"-"`
	UID      attestation.Hash `path:"uid" json:"-"`
}

// AttestationsQuery selects a page of attestations; empty fields do not filter.
type AttestationsQuery struct {
	Attester wallet.Address   `query:"attester" json:"-"` // out of a wallet
	Subject  wallet.Address   `query:"subject" json:"-"`  // into a wallet
	Schema   attestation.Hash `query:"schema" json:"-"`
	State    string           `query:"state" json:"-"` // live, replaced, revoked, expired; "" = all
	Cursor   string           `query:"cursor" json:"-"`
	Limit    int              `query:"limit" json:"-"` // 1–200, 0 = 50
}

// Validate refuses values out of range.
func (q AttestationsQuery) Validate() error {
	wrong := page.Standard().Wrong(q.Limit)
	switch q.State {
	case "", Live, Replaced, Revoked, Expired:
	default:
		wrong = append(wrong, fault.Field{Name: "state", Message: "is live, replaced, revoked or expired"})
	}
	if len(wrong) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "the query has values out of range: see the fields").With(wrong...)
}

// AttestationPage is a page of attestations.
type AttestationPage struct {
	Attestations []Attestation `json:"attestations"`
	Next         string        `json:"next,omitempty"` // cursor of the next page, "" = the end
}

// Verification says what an attestation is worth.
type Verification struct {
	Valid    bool             `json:"valid"` // it is whole, and its signer signed it
	Signer   wallet.Address   `json:"signer"`
	UID      attestation.Hash `json:"uid"`
	Problems []string         `json:"problems"` // why it is not valid
	Kind     string           `json:"kind"`
	Subject  wallet.Address   `json:"subject"`
	Level    int              `json:"level"`
	Context  string           `json:"context"`
	Note     string           `json:"note"`
	Stored   bool             `json:"stored"`
	Counts   bool             `json:"counts"` // it does, or would if it were stored
	Why      string           `json:"why"`    // it does not count; "" = it does
}

// RevocationDraft names an attestation to take back.
type RevocationDraft struct {
	Attester wallet.Address   `path:"wallet" json:"-"`
	UID      attestation.Hash `path:"uid" json:"-"`
	ChainID  uint64           `json:"chain_id,omitempty"` // that the wallet is on; 0 = Ethereum
}

// Validate refuses a chain that no wallet can name.
func (q RevocationDraft) Validate() error {
	if q.ChainID <= attestation.MaxChainID {
		return nil
	}
	return fault.New(fault.Invalid, "no wallet is on this chain").With(fault.Field{Name: "chain_id", Message: "must be at most 2^53-1"})
}

// PreparedRevocation is a revocation with the document that the wallet signs.
type PreparedRevocation struct {
	TypedData  attestation.RevokeDocument `json:"typed_data"`
	Revocation SignedRevocation           `json:"revocation"` // to send back with the signature filled in
}

// SignedRevocation takes an attestation back. Path and body name it once.
type SignedRevocation struct {
	Attester  wallet.Address        `path:"wallet" json:"-"`
	UID       attestation.Hash      `path:"uid" json:"-"`
	Time      attestation.Uint      `json:"time"` // UTC seconds
	ChainID   uint64                `json:"chain_id,omitempty"`
	Signature attestation.Signature `json:"signature"`
}

// AttestationsUpload is many attestations: a JSON array, or JSON values one after the
// other, as an export has them.
type AttestationsUpload struct {
	Body io.Reader `stream:"application/json,application/x-ndjson" json:"-"`
}

// AttestationsImported is the result of an import.
type AttestationsImported struct {
	Stored  int           `json:"stored"`  // new here
	Known   int           `json:"known"`   // stored before
	Refused int           `json:"refused"` // not valid, or not to be stored
	Reasons []fault.Field `json:"reasons"` // of up to 100 that were refused, with their place as line
}

// ExportQuery selects what to export; empty fields do not filter.
type ExportQuery struct {
	Attester wallet.Address `query:"attester" json:"-"`
	Subject  wallet.Address `query:"subject" json:"-"`
}

// SchemasQuery asks for all schemas.
type SchemasQuery struct{}

// Schemas are the schemas that are known here.
type Schemas struct {
	Schemas []Schema `json:"schemas"`
}

// Schema is a form of statements.
type Schema struct {
	UID        attestation.Hash `json:"uid"`
	Kind       string           `json:"kind"` // trust, vouch, report; "" = it does not count
	Name       string           `json:"name"`
	Definition string           `json:"definition"` // the fields, as EAS writes them; "" = not known
	Resolver   wallet.Address   `json:"resolver"`
	Revocable  bool             `json:"revocable"`
	Counts     bool             `json:"counts"`
}

// SchemaDraft registers a schema: by its definition, from which the UID follows, or
// by its UID alone.
type SchemaDraft struct {
	Name       string           `json:"name"`
	UID        attestation.Hash `json:"uid"` // zero = that of the definition
	Definition string           `json:"definition,omitempty"`
	Resolver   wallet.Address   `json:"resolver"`
	Revocable  bool             `json:"revocable"`
}

// Validate refuses incomplete drafts, and a UID that is not the definition's.
func (q SchemaDraft) Validate() error {
	var wrong []fault.Field
	add := func(name, message string) { wrong = append(wrong, fault.Field{Name: name, Message: message}) }
	if n := utf8.RuneCountInString(q.Name); n == 0 || n > 100 || !utf8.ValidString(q.Name) {
		add("name", "has 1 to 100 characters")
	}
	if len(q.Definition) > 2000 || !utf8.ValidString(q.Definition) {
		add("definition", "has at most 2,000 bytes")
	}
	made := attestation.SchemaUID(q.Definition, q.Resolver, q.Revocable)
	switch {
	case q.Definition == "" && q.UID.IsZero():
		add("definition", "is missing: send the schema's fields as EAS writes them, or its UID")
	case q.Definition != "" && !q.UID.IsZero() && q.UID != made:
		add("uid", "is not that of this definition, resolver and revocability, which is "+made.String())
	}
	if len(wrong) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "the schema cannot be registered: see the fields").With(wrong...)
}

// The directions of a NeighboursQuery.
const (
	In  = "in"  // who says something of the wallet
	Out = "out" // whom the wallet says something of
)

// NeighboursQuery selects a page of a wallet's edges.
type NeighboursQuery struct {
	Wallet    wallet.Address `path:"wallet" json:"-"`
	Direction string         `query:"direction" json:"-"` // in (default) or out
	Cursor    string         `query:"cursor" json:"-"`
	Limit     int            `query:"limit" json:"-"` // 1–200, 0 = 50
}

// Validate refuses values out of range.
func (q NeighboursQuery) Validate() error {
	wrong := page.Standard().Wrong(q.Limit)
	if q.Direction != "" && q.Direction != In && q.Direction != Out {
		wrong = append(wrong, fault.Field{Name: "direction", Message: "is in or out"})
	}
	if len(wrong) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "the query has values out of range: see the fields").With(wrong...)
}

// FromImport is the kind of an edge that an operator's list brought; the others are
// those of attestations.
const FromImport = "import"

// Neighbour is one edge that counts.
type Neighbour struct {
	Wallet  wallet.Address `json:"wallet"` // the other end
	Weight  float64        `json:"weight"` // below 0 is distrust
	Kind    string         `json:"kind"`   // trust, vouch, report, import
	Context string         `json:"context"`
	TimeMS  int64          `json:"time_ms"` // UTC; 0 = not said
	Source  string         `json:"source"`  // the UID of the attestation, or the import and its version
}

// NeighbourPage is a page of edges, by the wallet at the other end.
type NeighbourPage struct {
	Neighbours []Neighbour `json:"neighbours"`
	Next       string      `json:"next,omitempty"` // cursor of the next page, "" = the end
}

// ActivitiesQuery selects a page of a wallet's activity.
type ActivitiesQuery struct {
	Wallet wallet.Address `path:"wallet" json:"-"`
	Cursor string         `query:"cursor" json:"-"`
	Limit  int            `query:"limit" json:"-"` // 1–200, 0 = 50
}

// Validate refuses values out of range.
func (q ActivitiesQuery) Validate() error { return page.Standard().Check(q.Limit) }

// ActivityPage is a page of a wallet's activity, the last recorded first.
type ActivityPage struct {
	Activities []RecordedActivity `json:"activities"`
	// Points are what all of the wallet's activity counts, by the weights and daily
	// caps of the settings (reputation.activity).
	Points float64        `json:"points"`
	Kinds  []ActivityKind `json:"kinds"` // that count here
	Next   string         `json:"next,omitempty"`
}

// RecordedActivity is an Activity with the event that reported it.
type RecordedActivity struct {
	Activity
	Event string `json:"event"` // id of the event
}

// ActivityKind says what a kind of activity counts.
type ActivityKind struct {
	Kind   string  `json:"kind"`
	Weight float64 `json:"weight"`  // points of one
	PerDay int     `json:"per_day"` // that count at most
}
