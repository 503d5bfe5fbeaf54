package service

import (
	"context"

	"banyan/modules/exchangereview/ranking"
	"banyan/platform/database"
)

// formula returns the version of the formula that the stored sums are of.
func (st store) formula(ctx context.Context) (version int, err error) {
	err = st.db.Read().Get(ctx, &version, `SELECT formula FROM directory WHERE id = 1`)
	return version, err
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

// replaceTallies stores new sums of all exchanges.
func replaceTallies(ctx context.Context, tx *database.Tx, now *ranking.Parameters, tallies map[int64]*ranking.Tally, held map[int64]int) error {
	if err := tx.Lock(ctx, "directory"); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE exchange SET tally = ?, reviews = 0, held = 0, rank_order = 0`, []byte{}); err != nil {
		return err
	}
	for id, t := range tallies {
		if err := setTally(ctx, tx, id, t, now, held[id]); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, `UPDATE directory SET formula = ?, ranked_day = ? WHERE id = 1`, ranking.Version, now.Day)
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
