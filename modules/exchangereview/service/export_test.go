package service

import (
	"context"
	"runtime"

	"banyan/modules/exchangereview"
	"banyan/platform/database"
	"banyan/platform/fault"
)

// WaitForRequests waits until n callers wait for the next call of reputation.
func WaitForRequests(s exchangereview.Service, n int) {
	w := s.(*service).weigher
	for {
		w.mu.Lock()
		waiting := len(w.waiting)
		w.mu.Unlock()
		if waiting >= n {
			return
		}
		runtime.Gosched()
	}
}

// VerifySums computes every exchange's sums again from its live reviews and
// compares them with the ones that are kept. They are exact, so any difference
// is a defect; it fails with fault.Internal naming the exchanges.
func VerifySums(ctx context.Context, db *database.DB) error {
	var wrong []string
	err := db.Read().Select(ctx, &wrong, `
		SELECT e.slug
		FROM exchange AS e
		LEFT JOIN (
			SELECT
				r.exchange_id,
				COUNT(*)                                             AS reviews,
				SUM(w.weight)                                        AS weight,
				SUM(w.weight * r.overall)                            AS overall,
				SUM(w.weight * r.withdrawals)                        AS withdrawals,
				SUM(w.weight * r.support)                            AS support,
				SUM(w.weight * r.fees)                               AS fees,
				SUM(w.weight * r.execution)                          AS execution,
				SUM(w.weight * r.security)                           AS security,
				SUM(w.weight * r.ease)                               AS ease,
				SUM(CASE WHEN r.overall = 1 THEN 1 ELSE 0 END)       AS received_1,
				SUM(CASE WHEN r.overall = 2 THEN 1 ELSE 0 END)       AS received_2,
				SUM(CASE WHEN r.overall = 3 THEN 1 ELSE 0 END)       AS received_3,
				SUM(CASE WHEN r.overall = 4 THEN 1 ELSE 0 END)       AS received_4,
				SUM(CASE WHEN r.overall = 5 THEN 1 ELSE 0 END)       AS received_5
			FROM review AS r
			JOIN reviewer AS w ON w.wallet = r.wallet
			WHERE r.retired = 0
			GROUP BY r.exchange_id
		) AS s ON s.exchange_id = e.id
		WHERE e.reviews     <> COALESCE(s.reviews, 0)
			OR e.weight      <> COALESCE(s.weight, 0)
			OR e.overall     <> COALESCE(s.overall, 0)
			OR e.withdrawals <> COALESCE(s.withdrawals, 0)
			OR e.support     <> COALESCE(s.support, 0)
			OR e.fees        <> COALESCE(s.fees, 0)
			OR e.execution   <> COALESCE(s.execution, 0)
			OR e.security    <> COALESCE(s.security, 0)
			OR e.ease        <> COALESCE(s.ease, 0)
			OR e.received_1  <> COALESCE(s.received_1, 0)
			OR e.received_2  <> COALESCE(s.received_2, 0)
			OR e.received_3  <> COALESCE(s.received_3, 0)
			OR e.received_4  <> COALESCE(s.received_4, 0)
			OR e.received_5  <> COALESCE(s.received_5, 0)
		ORDER BY e.slug
		LIMIT 20`)
	if err != nil {
		return err
	}
	if len(wrong) > 0 {
		return fault.Newf(fault.Internal, "the sums of %v are not what their reviews add up to", wrong)
	}
	return nil
}
