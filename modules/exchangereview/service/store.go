package service

import (
	"context"

	"banyan/modules/exchangereview"
	"banyan/platform/database"
	"banyan/platform/wallet"
)

// store holds all SQL of the module: reviews here, exchanges in
// store_exchanges.go, weights in store_weights.go. They convert rows to the
// contract's types, so no other file knows a column.
type store struct{ db *database.DB }

const reviewColumns = `
	r.id,
	e.slug,
	r.wallet,
	r.version,
	r.overall,
	r.withdrawals,
	r.support,
	r.fees,
	r.execution,
	r.security,
	r.ease,
	r.text,
	r.created_ms,
	r.hash,
	r.previous,
	r.signature,
	w.weight`

const reviewTables = `
	FROM review AS r
	JOIN exchange AS e ON e.id = r.exchange_id
	JOIN reviewer AS w ON w.wallet = r.wallet`

// starsRow is the ratings of a review.
type starsRow struct {
	Overall     int `db:"overall"`
	Withdrawals int `db:"withdrawals"`
	Support     int `db:"support"`
	Fees        int `db:"fees"`
	Execution   int `db:"execution"`
	Security    int `db:"security"`
	Ease        int `db:"ease"`
}

func (r *starsRow) aspects() exchangereview.Aspects[int] {
	return exchangereview.Aspects[int]{
		Withdrawals: r.Withdrawals, Support: r.Support, Fees: r.Fees, Execution: r.Execution, Security: r.Security, Ease: r.Ease,
	}
}

func (r *starsRow) stars() [exchangereview.Dimensions]int {
	return exchangereview.StarsOf(r.Overall, r.aspects())
}

type reviewRow struct {
	ID      int64          `db:"id"`
	Slug    string         `db:"slug"`
	Wallet  wallet.Address `db:"wallet"`
	Version int            `db:"version"`
	starsRow
	Text      string `db:"text"`
	CreatedMS int64  `db:"created_ms"`
	Hash      []byte `db:"hash"`
	Previous  []byte `db:"previous"`
	Signature []byte `db:"signature"`
	Weight    int64  `db:"weight"`
}

func (r *reviewRow) review() exchangereview.Review {
	v := exchangereview.Review{
		Exchange: r.Slug, Wallet: r.Wallet, Overall: r.Overall,
		Aspects: r.aspects(),
		Text:    r.Text, CreatedMS: r.CreatedMS, Version: r.Version, Weight: float64(r.Weight) / weightOne,
	}
	copy(v.Hash[:], r.Hash)
	copy(v.Previous[:], r.Previous)
	copy(v.Signature[:], r.Signature)
	return v
}

// liveReviews returns an exchange's live reviews with ids below before, newest
// first.
func (st store) liveReviews(ctx context.Context, exchange, before int64, limit int) (rows []reviewRow, err error) {
	err = st.db.Read().Select(ctx, &rows, `SELECT`+reviewColumns+reviewTables+`
		WHERE r.retired = 0 AND r.exchange_id = ? AND r.id < ?
		ORDER BY r.id DESC
		LIMIT ?`, exchange, before, limit)
	return rows, err
}

// liveReviewsOf returns a wallet's live reviews with ids below before, newest
// first.
func (st store) liveReviewsOf(ctx context.Context, of wallet.Address, before int64, limit int) (rows []reviewRow, err error) {
	err = st.db.Read().Select(ctx, &rows, `SELECT`+reviewColumns+reviewTables+`
		WHERE r.retired = 0 AND r.wallet = ? AND r.id < ?
		ORDER BY r.id DESC
		LIMIT ?`, of, before, limit)
	return rows, err
}

// versions returns a wallet's versions of its review of an exchange, newest
// first.
func (st store) versions(ctx context.Context, exchange int64, of wallet.Address) (rows []reviewRow, err error) {
	err = st.db.Read().Select(ctx, &rows, `SELECT`+reviewColumns+reviewTables+`
		WHERE r.exchange_id = ? AND r.wallet = ?
		ORDER BY r.version DESC
		LIMIT ?`, exchange, of, exchangereview.MaxVersions)
	return rows, err
}

// liveRow is the version that a new one replaces.
type liveRow struct {
	ID      int64  `db:"id"`
	Version int    `db:"version"`
	Hash    []byte `db:"hash"`
	starsRow
}

// live reads the live version; the error is database.IsNoRows when there is
// none.
func live(ctx context.Context, q database.Queryer, exchange int64, of wallet.Address) (row liveRow, err error) {
	err = q.Get(ctx, &row, `
		SELECT
			id,
			version,
			hash,
			overall,
			withdrawals,
			support,
			fees,
			execution,
			security,
			ease
		FROM review
		WHERE retired = 0 AND wallet = ? AND exchange_id = ?`, of, exchange)
	return row, err
}

// isStored reports whether exactly this version was stored before.
func isStored(ctx context.Context, q database.Queryer, exchange int64, of wallet.Address, hash exchangereview.Hash) (bool, error) {
	var n int
	err := q.Get(ctx, &n, `
		SELECT COUNT(*)
		FROM review
		WHERE exchange_id = ? AND wallet = ? AND hash = ?`, exchange, of, hash[:])
	return n > 0, err
}

// admitReviewer returns the weight of the wallet's reviews. A new reviewer is
// stored with w. The row stays locked until the transaction ends: this
// serialises changes to the reviews of one wallet and to its weight.
func admitReviewer(ctx context.Context, tx *database.Tx, of wallet.Address, w weight) (units int64, err error) {
	err = tx.Get(ctx, &units, `
		INSERT INTO reviewer (wallet, weight, epoch)
		VALUES (?, ?, ?)
		ON CONFLICT (wallet) DO UPDATE SET weight = reviewer.weight
		RETURNING weight`, of, w.units, w.epoch)
	return units, err
}

// retire marks a version as replaced.
func retire(ctx context.Context, tx *database.Tx, id int64) error {
	_, err := tx.Exec(ctx, `UPDATE review SET retired = version WHERE id = ?`, id)
	return err
}

// insertReview stores a version as the live one, unless there is a live one.
func insertReview(ctx context.Context, tx *database.Tx, exchange int64, r *exchangereview.SignedReview, version int, hash exchangereview.Hash) (stored bool, err error) {
	added, err := tx.Exec(ctx, `
		INSERT INTO review (
			exchange_id,
			wallet,
			version,
			overall,
			withdrawals,
			support,
			fees,
			execution,
			security,
			ease,
			text,
			created_ms,
			hash,
			previous,
			signature
		) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (wallet, exchange_id, retired) DO NOTHING`,
		exchange, r.Wallet, version, r.Overall, r.Aspects.Withdrawals, r.Aspects.Support, r.Aspects.Fees,
		r.Aspects.Execution, r.Aspects.Security, r.Aspects.Ease, r.Text, r.CreatedMS, hash[:], r.Previous[:], r.Signature[:])
	if database.IsForeignKey(err) {
		return false, noExchange()
	}
	return added == 1, err
}
