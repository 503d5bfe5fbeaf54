package service

import (
	"context"

	"banyan/modules/exchangereview"
	"banyan/platform/database"
	"banyan/platform/wallet"
)

type claimRow struct {
	ID         int64          `db:"id"`
	ExchangeID int64          `db:"exchange_id"`
	Slug       string         `db:"slug"`
	Wallet     wallet.Address `db:"wallet"`
	Method     string         `db:"method"`
	CheckedAt  string         `db:"checked_at"`
	CreatedMS  int64          `db:"created_ms"`
	UntilMS    int64          `db:"until_ms"`
	EndedMS    int64          `db:"ended_ms"`
	EndedBy    string         `db:"ended_by"`
	Reason     string         `db:"reason"`
	BarredMS   int64          `db:"barred_ms"`
	Site       string         `db:"site"`
	Hash       []byte         `db:"hash"`
	Signature  []byte         `db:"signature"`
	askedAt
}

const claimColumns = `
	c.id,
	c.exchange_id,
	e.slug,
	c.wallet,
	c.method,
	c.checked_at,
	c.created_ms,
	c.until_ms,
	c.ended_ms,
	c.ended_by,
	c.reason,
	c.barred_ms,
	c.site,
	c.hash,
	c.signature,
	c.chain_id,
	c.block
	FROM profile_claim AS c
	JOIN exchange AS e ON e.id = c.exchange_id`

func (r *claimRow) holds(now int64) bool { return r.ID != 0 && r.EndedMS == 0 && r.UntilMS > now }

func (r *claimRow) claim(now int64) exchangereview.Claim {
	c := exchangereview.Claim{
		Exchange: r.Slug, Wallet: r.Wallet, Method: r.Method, CreatedMS: r.CreatedMS, UntilMS: r.UntilMS, EndedMS: r.EndedMS, EndedBy: r.EndedBy,
		Reason: r.Reason, BarredMS: r.BarredMS, Signature: exchangereview.Signature(r.Signature), Holds: r.holds(now), Site: r.Site,
		ChainID: r.ChainID, Block: r.Block, CheckedAt: r.CheckedAt,
	}
	copy(c.Hash[:], r.Hash)
	return c
}

// latestClaim returns the claim of an exchange that was made last.
func latestClaim(ctx context.Context, q database.Queryer, exchange int64) (row claimRow, err error) {
	err = q.Get(ctx, &row, `SELECT`+claimColumns+`
		WHERE c.exchange_id = ?
		ORDER BY c.id DESC
		LIMIT 1`, exchange)
	return row, err
}

// claimsOf returns the claims of an exchange, the latest first.
func (st store) claimsOf(ctx context.Context, exchange int64, limit int) (rows []claimRow, err error) {
	err = st.db.Read().Select(ctx, &rows, `SELECT`+claimColumns+`
		WHERE c.exchange_id = ?
		ORDER BY c.id DESC
		LIMIT ?`, exchange, limit)
	return rows, err
}

func insertClaim(ctx context.Context, tx *database.Tx, r *claimRow) error {
	err := tx.Get(ctx, &r.ID, `
		INSERT INTO profile_claim (
			exchange_id,
			wallet,
			method,
			checked_at,
			created_ms,
			until_ms,
			site,
			hash,
			signature,
			chain_id,
			block
		) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		RETURNING id`,
		r.ExchangeID, r.Wallet, r.Method, r.CheckedAt, r.CreatedMS, r.UntilMS, r.Site, r.Hash, r.Signature, r.ChainID, r.Block)
	if database.IsForeignKey(err) {
		return noExchange()
	}
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE exchange SET claimed_until_ms = ? WHERE id = ?`, r.UntilMS, r.ExchangeID)
	return err
}

// endClaim stores who ended a claim, and why.
func endClaim(ctx context.Context, tx *database.Tx, r *claimRow) error {
	_, err := tx.Exec(ctx, `
		UPDATE profile_claim SET
			ended_ms  = ?,
			ended_by  = ?,
			reason    = ?,
			barred_ms = ?
		WHERE id = ?`, r.EndedMS, r.EndedBy, r.Reason, r.BarredMS, r.ID)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE exchange SET claimed_until_ms = 0 WHERE id = ?`, r.ExchangeID)
	return err
}

// endedByOperator reports whether an operator ended the latest claim of a wallet.
func (st store) endedByOperator(ctx context.Context, exchange int64, of wallet.Address) (bool, error) {
	var by string
	err := st.db.Read().Get(ctx, &by, `
		SELECT ended_by
		FROM profile_claim
		WHERE exchange_id = ? AND wallet = ?
		ORDER BY id DESC
		LIMIT 1`, exchange, of)
	if database.IsNoRows(err) {
		return false, nil
	}
	return by == exchangereview.EndedByOperator, err
}
