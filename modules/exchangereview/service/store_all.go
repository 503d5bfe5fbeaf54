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
