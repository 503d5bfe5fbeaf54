package service

import "context"

// latestReview returns the highest id of a version, 0 without any.
func (st store) latestReview(ctx context.Context) (id int64, err error) {
	err = st.db.Read().Get(ctx, &id, `SELECT COALESCE(MAX(id), 0) FROM review`)
	return id, err
}

// allReviews returns up to limit of the live reviews of all exchanges with ids below
// before and from lowest on, newest first.
func (st store) allReviews(ctx context.Context, before, lowest int64, limit int) (rows []reviewRow, err error) {
	err = st.db.Read().Select(ctx, &rows, `SELECT`+shownColumns+reviewTables+shownTables+`
		WHERE r.retired = 0 AND r.state < 2 AND r.id < ? AND r.id >= ?
		ORDER BY r.id DESC
		LIMIT ?`, before, lowest, limit)
	return rows, err
}

// exportedReviews returns up to limit versions of live reviews with ids after after,
// oldest first; exchange 0 is all.
func (st store) exportedReviews(ctx context.Context, exchange, after int64, limit int) (rows []reviewRow, err error) {
	err = st.db.Read().Select(ctx, &rows, `SELECT`+shownColumns+reviewTables+shownTables+`
		WHERE r.id > ? AND (? = 0 OR r.exchange_id = ?) AND r.state < 2
			AND EXISTS (
				SELECT 1
				FROM review AS now
				WHERE now.exchange_id = r.exchange_id AND now.wallet = r.wallet AND now.retired = 0 AND now.state < 2
			)
		ORDER BY r.id
		LIMIT ?`, after, exchange, exchange, limit)
	return rows, err
}
