package service

import "context"

// recentRow is a review with the name of its exchange.
type recentRow struct {
	Name string `db:"exchange_name"`
	reviewRow
}

// recentReviews returns up to limit of the live reviews among the last 2,000 versions,
// newest first: however many of the newest are hidden, no more is read.
func (st store) recentReviews(ctx context.Context, limit int) (rows []recentRow, err error) {
	err = st.db.Read().Select(ctx, &rows, `SELECT e.name AS exchange_name,`+reviewColumns+reviewTables+`
		WHERE r.retired = 0
			AND r.state < 2
			AND r.id > (SELECT COALESCE(MAX(id), 0) - 2000 FROM review)
		ORDER BY r.id DESC
		LIMIT ?`, limit)
	return rows, err
}
