package service

import (
	"context"
	"slices"

	"banyan/modules/exchangereview"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/wallet"
)

// proofColumns and proofTables add what shows the use to the rows of reviews.
const proofColumns = `,
	COALESCE(u.grade, 0) AS proof_grade,
	COALESCE(u.checked_ms, 0) AS proof_checked_ms,
	COALESCE(u.chain_id, 0) AS proof_chain,
	u.tx AS proof_tx,
	COALESCE(u.block, 0) AS proof_block,
	COALESCE(u.time_ms, 0) AS proof_time_ms,
	u.contract AS proof_contract,
	u.wallet AS proof_wallet,
	COALESCE(u.created_ms, 0) AS proof_created_ms,
	COALESCE(u.site, '') AS proof_site,
	u.signature AS proof_signature,
	COALESCE(u.signed_chain, 0) AS proof_signed_chain`

const proofTables = `
	LEFT JOIN use_proof AS u ON u.exchange_id = r.exchange_id AND u.reviewer = r.wallet`

// proofRow is a proof of use; grade 0: there is none.
type proofRow struct {
	Grade       int    `db:"proof_grade"`
	CheckedMS   int64  `db:"proof_checked_ms"`
	Chain       uint64 `db:"proof_chain"`
	Tx          []byte `db:"proof_tx"`
	TxBlock     uint64 `db:"proof_block"`
	TimeMS      int64  `db:"proof_time_ms"`
	Contract    []byte `db:"proof_contract"`
	Attester    []byte `db:"proof_wallet"`
	AttestedMS  int64  `db:"proof_created_ms"`
	AttestedAt  string `db:"proof_site"`
	Attested    []byte `db:"proof_signature"`
	SignedChain uint64 `db:"proof_signed_chain"`
}

// proof converts a row; nil: there is none.
func (r *proofRow) proof() *exchangereview.Proof {
	if r.Grade == proofNone {
		return nil
	}
	p := &exchangereview.Proof{Kind: proofNames[r.Grade], Factor: float64(proofFactors[r.Grade]) / weightOne, CheckedMS: r.CheckedMS}
	if r.Grade == proofAttestation {
		p.Wallet, p.CreatedMS, p.Site = new(wallet.Address(r.Attester)), r.AttestedMS, r.AttestedAt
		p.Signature, p.ChainID = new(exchangereview.Signature(r.Attested)), r.SignedChain
		return p
	}
	p.ChainID, p.Tx, p.Block, p.TimeMS = r.Chain, new(exchangereview.Hash(r.Tx)), r.TxBlock, r.TimeMS
	p.Contract = new(wallet.Address(r.Contract))
	return p
}

// proofOf returns the proof of a wallet's use; the error is database.IsNoRows when
// there is none.
func proofOf(ctx context.Context, q database.Queryer, exchange int64, of wallet.Address) (row proofRow, err error) {
	err = q.Get(ctx, &row, `
		SELECT
			grade AS proof_grade,
			checked_ms AS proof_checked_ms,
			chain_id AS proof_chain,
			tx AS proof_tx,
			block AS proof_block,
			time_ms AS proof_time_ms,
			contract AS proof_contract,
			wallet AS proof_wallet,
			created_ms AS proof_created_ms,
			site AS proof_site,
			signature AS proof_signature,
			signed_chain AS proof_signed_chain
		FROM use_proof
		WHERE exchange_id = ? AND reviewer = ?`, exchange, of)
	return row, err
}

// storeProof stores a proof in place of the one that is there.
func storeProof(ctx context.Context, tx *database.Tx, exchange int64, of wallet.Address, r *proofRow) error {
	if r.Tx != nil {
		var other int
		err := tx.Get(ctx, &other, `
			SELECT COUNT(*)
			FROM use_proof
			WHERE chain_id = ? AND tx = ? AND NOT (exchange_id = ? AND reviewer = ?)`, r.Chain, r.Tx, exchange, of)
		if err != nil {
			return err
		}
		if other > 0 {
			return fault.New(fault.Conflict, "this transaction shows another use already: name another one")
		}
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO use_proof (
			exchange_id,
			reviewer,
			grade,
			checked_ms,
			chain_id,
			tx,
			block,
			time_ms,
			contract,
			wallet,
			created_ms,
			site,
			signature,
			signed_chain
		) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (exchange_id, reviewer) DO UPDATE SET
			grade        = excluded.grade,
			checked_ms   = excluded.checked_ms,
			chain_id     = excluded.chain_id,
			tx           = excluded.tx,
			block        = excluded.block,
			time_ms      = excluded.time_ms,
			contract     = excluded.contract,
			wallet       = excluded.wallet,
			created_ms   = excluded.created_ms,
			site         = excluded.site,
			signature    = excluded.signature,
			signed_chain = excluded.signed_chain`,
		exchange, of, r.Grade, r.CheckedMS, r.Chain, r.Tx, r.TxBlock, r.TimeMS, r.Contract, r.Attester, r.AttestedMS, r.AttestedAt, r.Attested, r.SignedChain)
	return err
}

func dropProof(ctx context.Context, tx *database.Tx, exchange int64, of wallet.Address) error {
	_, err := tx.Exec(ctx, `DELETE FROM use_proof WHERE exchange_id = ? AND reviewer = ?`, exchange, of)
	return err
}

// changeProofs changes how many shown reviews of an exchange have a proof of each
// grade. Few changes do: most reviews have none, and an edit keeps it.
func changeProofs(ctx context.Context, tx *database.Tx, exchange int64, by *[len(proofNames)]int) error {
	for grade, n := range by {
		var err error
		switch {
		case grade == proofNone || n == 0:
		case n > 0:
			_, err = tx.Exec(ctx, `
				INSERT INTO exchange_proof (grade, exchange_id, reviews)
				VALUES (?, ?, ?)
				ON CONFLICT (grade, exchange_id) DO UPDATE SET reviews = exchange_proof.reviews + excluded.reviews`, grade, exchange, n)
		default:
			if _, err = tx.Exec(ctx, `UPDATE exchange_proof SET reviews = reviews - ? WHERE grade = ? AND exchange_id = ?`, -n, grade, exchange); err == nil {
				_, err = tx.Exec(ctx, `DELETE FROM exchange_proof WHERE grade = ? AND exchange_id = ? AND reviews = 0`, grade, exchange)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// provenCondition is that an exchange has a live review with a proof of this kind.
func provenCondition(kind string) (where string, args []any) {
	if kind == exchangereview.ProofAny {
		return `id IN (SELECT exchange_id FROM exchange_proof)`, nil
	}
	return `id IN (SELECT exchange_id FROM exchange_proof WHERE grade = ?)`, []any{slices.Index(proofNames[:], kind)}
}

// provenExchanges returns the exchanges that have a live review with a proof of this
// kind.
func (st store) provenExchanges(ctx context.Context, kind string) (map[int64]bool, error) {
	where, args := provenCondition(kind)
	var ids []int64
	if err := st.db.Read().Select(ctx, &ids, `SELECT id FROM exchange WHERE `+where, args...); err != nil {
		return nil, err
	}
	proven := make(map[int64]bool, len(ids))
	for _, id := range ids {
		proven[id] = true
	}
	return proven, nil
}

// setGrade sets the grade of a review.
func setGrade(ctx context.Context, tx *database.Tx, review int64, grade int) error {
	_, err := tx.Exec(ctx, `UPDATE review SET proof = ? WHERE id = ?`, grade, review)
	return err
}
