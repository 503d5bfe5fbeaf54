package service

import (
	"context"

	"banyan/modules/exchangereview/ranking"
	"banyan/platform/database"
)

// formula returns the version of the formula that the stored sums are of, and
// whether the counts of the latest days are complete.
func (st store) formula(ctx context.Context) (version int, daysKept bool, err error) {
	var row struct {
		Formula  int `db:"formula"`
		DaysKept int `db:"days_kept"`
	}
	err = st.db.Read().Get(ctx, &row, `SELECT formula, days_kept FROM directory WHERE id = 1`)
	return row.Formula, row.DaysKept == 1, err
}

// liveReview is a review that is shown, as far as the sums need it.
type liveReview struct {
	ExchangeID int64 `db:"exchange_id"`
	CreatedMS  int64 `db:"created_ms"`
	State      int   `db:"state"`
	starsRow
	reviewer
}

// eachLive calls each with all reviews that are shown, in one state of the
// database.
func (st store) eachLive(ctx context.Context, each func(*liveReview) error) (err error) {
	rows, err := st.db.Read().Query(ctx, `
		SELECT
			r.exchange_id,
			r.created_ms,
			r.state,
			r.overall,
			r.withdrawals,
			r.support,
			r.fees,
			r.execution,
			r.security,
			r.ease,
			r.proof,
			w.weight,
			w.fresh
		FROM review AS r
		JOIN reviewer AS w ON w.wallet = r.wallet
		WHERE r.retired = 0 AND r.state < 2`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // Err has what went wrong
	for rows.Next() {
		var row liveReview
		if err := rows.StructScan(&row); err != nil {
			return err
		}
		if err := each(&row); err != nil {
			return err
		}
	}
	return rows.Err()
}

// replaceSums stores new sums of all exchanges.
func replaceSums(ctx context.Context, tx *database.Tx, now *ranking.Parameters, all map[int64]*sums) error {
	if err := tx.Lock(ctx, "directory"); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE exchange SET tally = ?, days = ?, reviews = 0, held = 0, rank_order = 0, mean_order = 0`, []byte{}, []byte{}); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM exchange_proof`); err != nil {
		return err
	}
	for id, s := range all {
		if err := setSums(ctx, tx, id, s, now); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, `UPDATE directory SET formula = ?, days_kept = 1, ranked_day = ? WHERE id = 1`, ranking.Version, now.Day)
	return err
}

// withoutSite returns reviews whose site is not stored, with ids above after.
func (st store) withoutSite(ctx context.Context, after int64, limit int) (rows []reviewRow, err error) {
	err = st.db.Read().Select(ctx, &rows, `SELECT`+reviewColumns+reviewTables+`
		WHERE r.site = '' AND r.id > ?
		ORDER BY r.id
		LIMIT ?`, after, limit)
	return rows, err
}

func (st store) setSite(ctx context.Context, ids []int64, site string) error {
	if len(ids) == 0 {
		return nil
	}
	return st.db.Write(ctx, func(tx *database.Tx) error {
		query, args, err := database.In(`UPDATE review SET site = ? WHERE id IN (?)`, site, ids)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, query, args...)
		return err
	})
}
