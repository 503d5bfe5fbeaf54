package service

import (
	"context"

	"banyan/platform/attestation"
	"banyan/platform/database"
	"banyan/platform/wallet"
)

// easColumns and easTables add to the rows of reviews since when they are attested.
const (
	easColumns = `,
	COALESCE(a.time_s, 0) AS eas_time_s`
	easTables = `
	LEFT JOIN review_eas AS a ON a.review_id = r.id`
)

// easRow is what an attestation has beside its review.
type easRow struct {
	ChainID       uint64         `db:"chain_id"`
	Contract      wallet.Address `db:"contract"`
	DomainVersion string         `db:"domain_version"`
	TimeS         int64          `db:"time_s"`
	Salt          []byte         `db:"salt"`
	Signature     []byte         `db:"signature"`
}

// easRowOf returns the row of an attestation of version 2.
func easRowOf(s *attestation.Signed) easRow {
	return easRow{
		ChainID: uint64(s.Domain.ChainID), Contract: s.Domain.VerifyingContract, DomainVersion: s.Domain.Version,
		TimeS: int64(s.Message.Time), Salt: s.Message.Salt[:], Signature: s.Signature,
	}
}

// easOf returns the attestation of a version; the error is database.IsNoRows when there
// is none.
func easOf(ctx context.Context, q database.Queryer, review int64) (row easRow, err error) {
	err = q.Get(ctx, &row, `
		SELECT
			chain_id,
			contract,
			domain_version,
			time_s,
			salt,
			signature
		FROM review_eas
		WHERE review_id = ?`, review)
	return row, err
}

// storeEAS stores the attestation of a version in place of an earlier one.
func storeEAS(ctx context.Context, tx *database.Tx, review int64, r *easRow) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO review_eas (
			review_id,
			chain_id,
			contract,
			domain_version,
			time_s,
			salt,
			signature
		) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (review_id) DO UPDATE SET
			chain_id       = excluded.chain_id,
			contract       = excluded.contract,
			domain_version = excluded.domain_version,
			time_s         = excluded.time_s,
			salt           = excluded.salt,
			signature      = excluded.signature
		WHERE excluded.time_s >= review_eas.time_s`,
		review, r.ChainID, r.Contract, r.DomainVersion, r.TimeS, r.Salt, r.Signature)
	return err
}

// dropEAS drops the attestations of all versions of a review.
func dropEAS(ctx context.Context, tx *database.Tx, exchange int64, writer wallet.Address) error {
	_, err := tx.Exec(ctx, `
		DELETE FROM review_eas
		WHERE review_id IN (SELECT id FROM review WHERE exchange_id = ? AND wallet = ?)`, exchange, writer)
	return err
}
