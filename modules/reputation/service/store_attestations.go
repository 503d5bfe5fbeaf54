package service

import (
	"context"
	"fmt"

	"banyan/platform/attestation"
	"banyan/platform/database"
	"banyan/platform/wallet"
)

// attestationRow is a row of the table attestations.
type attestationRow struct {
	ID              int64          `db:"id"`
	Attester        wallet.Address `db:"attester"`
	UID             []byte         `db:"uid"`
	SchemaUID       []byte         `db:"schema_uid"`
	SchemaText      string         `db:"schema_text"`
	Kind            string         `db:"kind"`
	Subject         wallet.Address `db:"subject"`
	Level           int            `db:"level"`
	Context         string         `db:"context"`
	Note            string         `db:"note"`
	Recipient       wallet.Address `db:"recipient"`
	TimeS           int64          `db:"time_s"`
	ExpiresS        int64          `db:"expires_s"`
	Expiration      string         `db:"expiration"`
	Revocable       bool           `db:"revocable"`
	RefUID          []byte         `db:"ref_uid"`
	Data            []byte         `db:"data"`
	Salt            []byte         `db:"salt"`
	ChainID         int64          `db:"chain_id"`
	DomainVersion   string         `db:"domain_version"`
	Contract        wallet.Address `db:"contract"`
	Signature       []byte         `db:"signature"`
	StoredMS        int64          `db:"stored_ms"`
	Live            bool           `db:"live"`
	EndedMS         int64          `db:"ended_ms"`
	RevokedS        int64          `db:"revoked_s"`
	RevokeChain     int64          `db:"revoke_chain"`
	RevokeSignature []byte         `db:"revoke_signature"`
}

const attestationColumns = `
	id,
	attester,
	uid,
	schema_uid,
	schema_text,
	kind,
	subject,
	level,
	context,
	note,
	recipient,
	time_s,
	expires_s,
	expiration,
	revocable,
	ref_uid,
	data,
	salt,
	chain_id,
	domain_version,
	contract,
	signature,
	stored_ms,
	live,
	ended_ms,
	revoked_s,
	revoke_chain,
	revoke_signature`

// flag is how a bool is stored.
func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// insertAttestation stores a row; id is set by the database.
func insertAttestation(ctx context.Context, tx *database.Tx, r *attestationRow) error {
	err := tx.Get(ctx, &r.ID, `
		INSERT INTO attestations (
			attester,
			uid,
			schema_uid,
			schema_text,
			kind,
			subject,
			level,
			context,
			note,
			recipient,
			time_s,
			expires_s,
			expiration,
			revocable,
			ref_uid,
			data,
			salt,
			chain_id,
			domain_version,
			contract,
			signature,
			stored_ms,
			live,
			ended_ms,
			revoked_s,
			revoke_chain
		) VALUES `+values(1, 26)+`
		RETURNING id`,
		r.Attester, r.UID, r.SchemaUID, r.SchemaText, r.Kind, r.Subject, r.Level, r.Context, r.Note, r.Recipient,
		r.TimeS, r.ExpiresS, r.Expiration, flag(r.Revocable), r.RefUID, r.Data, r.Salt, r.ChainID, r.DomainVersion, r.Contract,
		r.Signature, r.StoredMS, flag(r.Live), r.EndedMS, r.RevokedS, r.RevokeChain)
	if err != nil {
		return fmt.Errorf("store an attestation: %w", err)
	}
	return nil
}

// readAttestation returns one; the error is database.IsNoRows when there is none.
func readAttestation(ctx context.Context, q database.Queryer, attester wallet.Address, uid attestation.Hash) (row attestationRow, err error) {
	err = q.Get(ctx, &row, `SELECT`+attestationColumns+`
		FROM attestations
		WHERE attester = ? AND uid = ?`, attester, uid[:])
	return row, err
}

// slot is what an attester has one live statement about.
type slot struct {
	Attester wallet.Address
	Schema   []byte
	Subject  wallet.Address
	Context  string
}

func (r *attestationRow) slot() slot { return slot{r.Attester, r.SchemaUID, r.Subject, r.Context} }

// said is what is stored of a slot.
type said struct {
	Statements int   `db:"statements"`
	LatestS    int64 `db:"latest_s"`
}

func readSaid(ctx context.Context, q database.Queryer, s slot) (row said, err error) {
	err = q.Get(ctx, &row, `
		SELECT
			COUNT(*) AS statements,
			COALESCE(MAX(time_s), 0) AS latest_s
		FROM attestations
		WHERE attester = ? AND schema_uid = ? AND subject = ? AND context = ?`, s.Attester, s.Schema, s.Subject, s.Context)
	return row, err
}

// replaceLive ends the live statement of a slot, if there is one.
func replaceLive(ctx context.Context, tx *database.Tx, s slot, nowMS int64) error {
	_, err := tx.Exec(ctx, `
		UPDATE attestations SET
			live = 0,
			ended_ms = ?
		WHERE attester = ? AND schema_uid = ? AND subject = ? AND context = ? AND live = 1`, nowMS, s.Attester, s.Schema, s.Subject, s.Context)
	if err != nil {
		return fmt.Errorf("replace a statement: %w", err)
	}
	return nil
}

// revokeAttestation takes one back.
func revokeAttestation(ctx context.Context, tx *database.Tx, id int64, r *attestation.Revocation, nowMS int64) error {
	_, err := tx.Exec(ctx, `
		UPDATE attestations SET
			live = 0,
			ended_ms = ?,
			revoked_s = ?,
			revoke_chain = ?,
			revoke_signature = ?
		WHERE id = ?`, nowMS, int64(r.Time), int64(r.ChainID), []byte(r.Signature), id)
	if err != nil {
		return fmt.Errorf("take an attestation back: %w", err)
	}
	return nil
}

// attestationFilter selects rows; zero fields do not filter.
type attestationFilter struct {
	attester, subject wallet.Address
	schema            attestation.Hash
	state             string // of reputation.Attestation
	nowS              int64
	before, after     int64 // ids
	limit             int
}

func (f attestationFilter) where() (condition string, args []any) {
	condition = "1 = 1"
	add := func(text string, values ...any) { condition, args = condition+" AND "+text, append(args, values...) }
	if !f.attester.IsZero() {
		add("attester = ?", f.attester)
	}
	if !f.subject.IsZero() {
		add("subject = ?", f.subject)
	}
	if !f.schema.IsZero() {
		add("schema_uid = ?", f.schema[:])
	}
	switch f.state {
	case "live":
		add("live = 1 AND expires_s > ?", f.nowS)
	case "expired":
		add("live = 1 AND expires_s <= ?", f.nowS)
	case "revoked":
		add("revoked_s > 0")
	case "replaced":
		add("live = 0 AND revoked_s = 0")
	}
	if f.before > 0 {
		add("id < ?", f.before)
	}
	if f.after > 0 {
		add("id > ?", f.after)
	}
	return condition, args
}

// listAttestations returns rows, the last stored first or, for a filter with
// after, the first stored first.
func listAttestations(ctx context.Context, q database.Queryer, f attestationFilter, order string) (rows []attestationRow, err error) {
	condition, args := f.where()
	err = q.Select(ctx, &rows, `SELECT`+attestationColumns+`
		FROM attestations
		WHERE `+condition+`
		ORDER BY id `+order+`
		LIMIT ?`, append(args, f.limit)...)
	if err != nil {
		return nil, fmt.Errorf("list attestations: %w", err)
	}
	return rows, nil
}

const (
	lastFirst  = "DESC"
	firstFirst = "ASC"
)

type schemaRow struct {
	UID        []byte         `db:"uid"`
	Name       string         `db:"name"`
	Definition string         `db:"definition"`
	Resolver   wallet.Address `db:"resolver"`
	Revocable  bool           `db:"revocable"`
	AddedMS    int64          `db:"added_ms"`
	AddedBy    string         `db:"added_by"`
}

const schemaColumns = `
	uid,
	name,
	definition,
	resolver,
	revocable,
	added_ms,
	added_by`

func listSchemas(ctx context.Context, q database.Queryer, limit int) (rows []schemaRow, err error) {
	err = q.Select(ctx, &rows, `SELECT`+schemaColumns+`
		FROM attestation_schemas
		ORDER BY name, uid
		LIMIT ?`, limit)
	return rows, err
}

// readSchema returns one; the error is database.IsNoRows when there is none.
func readSchema(ctx context.Context, q database.Queryer, uid attestation.Hash) (row schemaRow, err error) {
	err = q.Get(ctx, &row, `SELECT`+schemaColumns+`
		FROM attestation_schemas
		WHERE uid = ?`, uid[:])
	return row, err
}

func countSchemas(ctx context.Context, q database.Queryer) (n int, err error) {
	err = q.Get(ctx, &n, `SELECT COUNT(*) FROM attestation_schemas`)
	return n, err
}

func insertSchema(ctx context.Context, tx *database.Tx, r schemaRow) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO attestation_schemas (
			uid,
			name,
			definition,
			resolver,
			revocable,
			added_ms,
			added_by
		) VALUES `+values(1, 7), r.UID, r.Name, r.Definition, r.Resolver, flag(r.Revocable), r.AddedMS, r.AddedBy)
	if err != nil {
		return fmt.Errorf("register a schema: %w", err)
	}
	return nil
}
