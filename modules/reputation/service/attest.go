package service

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"math"
	"strconv"
	"time"

	"banyan/modules/reputation"
	"banyan/platform/attestation"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/idempotency"
	"banyan/platform/seam"
	"banyan/platform/signature"
)

// maxSkew is how far ahead of the server's clock an attestation's time may be.
const maxSkew = 10 * time.Minute

// never is expires_s of an attestation that does not expire.
const never = math.MaxInt64

// PrepareAttestation implements Service.
func (s service) PrepareAttestation(ctx context.Context, q reputation.StatementDraft) (reputation.PreparedAttestation, error) {
	statement := q.Statement()
	schema, _ := attestation.SchemaOf(statement.Kind) // Validate has looked
	now := s.o.Clock().Unix()
	if q.Expires != 0 && q.Expires <= now {
		return reputation.PreparedAttestation{}, fault.New(fault.Invalid, "the statement would have expired already").
			With(fault.Field{Name: "expires", Message: "must be in the future, in seconds since 1970"})
	}
	uid := schema.UID()
	before, err := readSaid(ctx, s.o.DB.Read(), slot{q.Attester, uid[:], q.Subject, statement.Context})
	if err != nil {
		return reputation.PreparedAttestation{}, fmt.Errorf("look for an earlier statement: %w", err)
	}
	salt, err := randomSalt()
	if err != nil {
		return reputation.PreparedAttestation{}, err
	}
	chain := q.ChainID
	if chain == 0 {
		chain = 1
	}
	signed := attestation.New(attestation.DomainOf(chain), attestation.Message{
		Version: attestation.Version2, Schema: attestation.SchemaID(uid.String()), Recipient: q.Subject,
		// A statement of the same second as the one that it replaces is later.
		Time:           attestation.Uint(max(now, before.LatestS+1)),
		ExpirationTime: attestation.Uint(q.Expires), Revocable: schema.Revocable, RefUID: q.RefUID, Data: statement.Encode(), Salt: &salt,
	})
	return reputation.PreparedAttestation{
		TypedData: signed.Document(), Attestation: attestation.Package{Sig: signed, Signer: q.Attester},
	}, nil
}

func randomSalt() (salt attestation.Hash, err error) {
	if _, err := rand.Read(salt[:]); err != nil {
		return salt, fmt.Errorf("make a salt: %w", err)
	}
	return salt, nil
}

// Attest implements Service.
func (s service) Attest(ctx context.Context, q reputation.AttestationUpload) (reputation.Attestation, error) {
	row, err := s.judge(ctx, &q.Package)
	if err != nil {
		return reputation.Attestation{}, err
	}
	w := idempotency.Write{
		DB: s.o.DB, Operation: "attest", Key: seam.IdempotencyKey(ctx), Signer: row.Attester,
		Request: func() ([sha256.Size]byte, error) { return sha256.Sum256(append(row.UID, row.Signature...)), nil },
	}
	stored, err := idempotency.Do(ctx, w, func(ctx context.Context, keep idempotency.Keep[storedAt]) (storedAt, error) {
		now := s.o.Clock()
		err := s.o.DB.Write(ctx, func(tx *database.Tx) error {
			if err := s.store(ctx, tx, &row, now, false); err != nil {
				return err
			}
			return keep(ctx, tx, storedAt{row.StoredMS})
		})
		return storedAt{row.StoredMS}, err
	})
	if err != nil {
		return reputation.Attestation{}, err
	}
	row.StoredMS = stored.MS
	s.noted(&row)
	return s.attestation(&row), nil
}

// noted passes a statement on to those who follow what is attested.
func (s service) noted(row *attestationRow) {
	if row.Kind != "" {
		s.o.Updates.note(pairOf{row.Attester, row.Subject})
	}
}

// storedAt is the part of an answer that its request does not contain.
type storedAt struct {
	MS int64 `json:"ms"`
}

// store stores a row that was judged. late allows statements that are older than
// what is stored of their slot: they become history at once.
func (s service) store(ctx context.Context, tx *database.Tx, row *attestationRow, now time.Time, late bool) error {
	row.StoredMS, row.Live, row.EndedMS = now.UnixMilli(), true, 0
	// Two statements of one attester at once would both find no later one.
	if err := tx.Lock(ctx, "attestations of "+row.Attester.String()); err != nil {
		return err
	}
	known, err := readAttestation(ctx, tx, row.Attester, attestation.Hash(row.UID))
	switch {
	case err == nil:
		return replayed(&known)
	case !database.IsNoRows(err):
		return fmt.Errorf("look for an attestation: %w", err)
	}
	if row.Kind != "" {
		if err := s.succeed(ctx, tx, row, now, late); err != nil {
			return err
		}
	}
	return insertAttestation(ctx, tx, row)
}

// succeed makes row the live statement of its slot.
func (s service) succeed(ctx context.Context, tx *database.Tx, row *attestationRow, now time.Time, late bool) error {
	before, err := readSaid(ctx, tx, row.slot())
	if err != nil {
		return fmt.Errorf("look for an earlier statement: %w", err)
	}
	switch {
	case before.Statements >= reputation.MaxStatements:
		return fault.Newf(fault.Conflict, "%s has made %d statements about this wallet, which is the limit: the last one stays", row.Attester, before.Statements)
	case before.Statements == 0:
		return nil
	case row.TimeS >= before.LatestS:
		return replaceLive(ctx, tx, row.slot(), now.UnixMilli())
	case late:
		row.Live, row.EndedMS = false, now.UnixMilli()
		return nil
	}
	return fault.Newf(fault.Conflict, "a later statement of %s about this wallet and context is stored, of %s: sign a new one, with the present time",
		row.Attester, time.Unix(before.LatestS, 0).UTC().Format(time.RFC3339))
}

// replayed says what became of an attestation that is sent again.
func replayed(known *attestationRow) error {
	if known.RevokedS > 0 {
		return fault.Newf(fault.Conflict, "this attestation was taken back on %s and cannot be used again: sign a new one",
			time.Unix(known.RevokedS, 0).UTC().Format(time.RFC3339))
	}
	return fault.New(fault.Conflict, "this attestation is stored already: there is nothing left to do")
}

// judge checks everything about an attestation that needs no transaction: that it
// is whole and valid now, and that its signer signed it.
func (s service) judge(ctx context.Context, p *attestation.Package) (attestationRow, error) {
	if err := p.Sig.Check(); err != nil {
		return attestationRow{}, err
	}
	if err := s.checkTimes(&p.Sig.Message); err != nil {
		return attestationRow{}, err
	}
	row, err := s.describe(ctx, p)
	if err != nil {
		return attestationRow{}, err
	}
	if err := s.checkSigner(ctx, p, &row); err != nil {
		return attestationRow{}, err
	}
	if row.Kind != "" && row.Attester == row.Subject {
		return attestationRow{}, fault.New(fault.Invalid, "this attestation is about its own attester: nobody's word about themselves counts").
			With(fault.Field{Name: "message.recipient", Message: "is the attester"})
	}
	return row, nil
}

func (s service) checkSigner(ctx context.Context, p *attestation.Package, row *attestationRow) error {
	digest := p.Sig.Digest()
	if p.Signer.IsZero() {
		by, err := signature.Recover(digest, p.Sig.Signature)
		if err != nil {
			return fault.Wrap(err, fault.Invalid, "this attestation does not name its signer, and its signature does not show it: send it as {sig, signer}")
		}
		p.Signer = by
	}
	row.Attester = p.Signer
	_, err := signature.Verifier{Contracts: s.o.Contracts}.Verify(ctx, signature.Claim{
		Digest: digest, Signer: p.Signer, ChainID: uint64(p.Sig.Domain.ChainID), What: "this attestation",
	}, p.Sig.Signature)
	return err
}

func (s service) checkTimes(m *attestation.Message) error {
	now := s.o.Clock()
	wrong := func(field, message string) error {
		return fault.New(fault.Invalid, "the attestation is not valid now: see the fields").With(fault.Field{Name: field, Message: message})
	}
	if latest := now.Add(maxSkew).Unix(); uint64(m.Time) > uint64(latest) {
		if uint64(m.Time) > 1e11 { // the year 5138: milliseconds
			return wrong("message.time", "is far in the future: it is in seconds since 1970, not in milliseconds")
		}
		return wrong("message.time", "is "+time.Unix(int64(m.Time), 0).UTC().Format(time.RFC3339)+", in the future: the server has "+now.UTC().Format(time.RFC3339))
	}
	if m.ExpirationTime != 0 && expiresAt(m) <= now.Unix() {
		return wrong("message.expirationTime", "was "+time.Unix(int64(m.ExpirationTime), 0).UTC().Format(time.RFC3339)+": the attestation has expired, sign a new one")
	}
	return nil
}

// expiresAt returns the column expires_s of a message.
func expiresAt(m *attestation.Message) int64 {
	if m.ExpirationTime == 0 || m.ExpirationTime > never {
		return never
	}
	return int64(m.ExpirationTime)
}

// describe returns the row of an attestation, but for its attester.
func (s service) describe(ctx context.Context, p *attestation.Package) (attestationRow, error) {
	m, d := &p.Sig.Message, &p.Sig.Domain
	uid, schema := p.Sig.UID, m.Schema.Hash()
	row := attestationRow{
		UID: uid[:], SchemaUID: schema[:], SchemaText: string(m.Schema), Subject: m.Recipient, Recipient: m.Recipient,
		TimeS: int64(m.Time), ExpiresS: expiresAt(m), Expiration: strconv.FormatUint(uint64(m.ExpirationTime), 10),
		Revocable: m.Revocable, RefUID: m.RefUID[:], Data: m.Data, ChainID: int64(d.ChainID), DomainVersion: d.Version,
		Contract: d.VerifyingContract, Signature: p.Sig.Signature,
	}
	if m.Salt != nil {
		row.Salt = m.Salt[:]
	}
	if row.Data == nil {
		row.Data = []byte{} // NULL is not the same
	}
	for _, counted := range attestation.Schemas() {
		if counted.UID() == schema {
			return row, row.state(counted, m)
		}
	}
	_, err := readSchema(ctx, s.o.DB.Read(), schema)
	if database.IsNoRows(err) {
		return row, fault.New(fault.Invalid, "the schema of this attestation is not known here: GET /api/v1/reputation/schemas lists those that are, and an operator adds one with POST /api/v1/reputation/schemas").
			With(fault.Field{Name: "message.schema", Message: "is " + schema.String()})
	}
	if err != nil {
		return row, fmt.Errorf("look for a schema: %w", err)
	}
	return row, nil
}

// state fills in what an attestation of a counted schema says.
func (r *attestationRow) state(schema attestation.Schema, m *attestation.Message) error {
	statement, err := schema.Decode(m.Data)
	if err != nil {
		return err
	}
	if !m.Recipient.IsZero() && m.Recipient != statement.Subject {
		return fault.New(fault.Invalid, "the attestation is about one wallet and sent to another").
			With(fault.Field{Name: "message.recipient", Message: "must be the subject in the data, " + statement.Subject.String() + ", or the zero address"})
	}
	if m.Revocable != schema.Revocable {
		return fault.New(fault.Invalid, "the attestation does not follow its schema").
			With(fault.Field{Name: "message.revocable", Message: "must be true: whoever states trust must be able to take it back"})
	}
	r.Kind, r.Subject, r.Level = statement.Kind, statement.Subject, statement.Level
	r.Context, r.Note = statement.Context, statement.Note
	return nil
}
