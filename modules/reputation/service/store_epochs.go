package service

import (
	"context"
	"fmt"

	"banyan/platform/database"
	"banyan/platform/wallet"
)

type epochRow struct {
	Number     int64   `db:"number"`
	TimeMS     int64   `db:"time_ms"`
	Wallets    int     `db:"wallets"`
	Edges      int     `db:"edges"`
	Seeds      int     `db:"seeds"`
	Iterations int     `db:"iterations"`
	Alpha      float64 `db:"alpha"`
	Epsilon    float64 `db:"epsilon"`
	Method     string  `db:"method"`
	Ranked     int     `db:"ranked"`
}

// beginEpoch adds e under the next number.
func beginEpoch(ctx context.Context, tx *database.Tx, e epochRow) (number int64, err error) {
	if err := tx.Lock(ctx, "epochs"); err != nil {
		return 0, err
	}
	err = tx.Get(ctx, &number, `
		INSERT INTO epochs (
			number,
			time_ms,
			wallets,
			edges,
			seeds,
			iterations,
			alpha,
			epsilon,
			method,
			ranked,
			complete
		)
		SELECT
			COALESCE(MAX(number), 0) + 1,
			CAST(? AS BIGINT),
			CAST(? AS BIGINT),
			CAST(? AS BIGINT),
			CAST(? AS BIGINT),
			CAST(? AS BIGINT),
			CAST(? AS DOUBLE PRECISION),
			CAST(? AS DOUBLE PRECISION),
			?,
			CAST(? AS BIGINT),
			0
		FROM epochs
		RETURNING number`, e.TimeMS, e.Wallets, e.Edges, e.Seeds, e.Iterations, e.Alpha, e.Epsilon, e.Method, e.Ranked)
	if err != nil {
		return 0, fmt.Errorf("add an epoch: %w", err)
	}
	return number, nil
}

type scoreRow struct {
	Wallet     wallet.Address `db:"wallet"`
	Share      float64        `db:"score"`
	Value      float64        `db:"value"`
	Points     int            `db:"points"`
	WeightPPM  int            `db:"weight_ppm"`
	FirstMS    *int64         `db:"first_ms"`
	Place      int            `db:"place"`
	Rank       int            `db:"rank"`
	Percentile float64        `db:"percentile"`
	Reasons    []byte         `db:"reasons"`
}

// saveScores adds rows of an epoch that is not complete yet.
func saveScores(ctx context.Context, tx *database.Tx, epoch int64, rows []scoreRow) error {
	args := make([]any, 0, 11*len(rows))
	for _, r := range rows {
		args = append(args, epoch, r.Wallet, r.Share, r.Value, r.Points, r.WeightPPM, r.FirstMS, r.Place, r.Rank, r.Percentile, r.Reasons)
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO scores (
			epoch,
			wallet,
			score,
			value,
			points,
			weight_ppm,
			first_ms,
			place,
			rank,
			percentile,
			reasons
		) VALUES `+values(len(rows), 11), args...)
	if err != nil {
		return fmt.Errorf("save scores: %w", err)
	}
	return nil
}

// completeEpoch makes an epoch the current one.
func completeEpoch(ctx context.Context, tx *database.Tx, number int64) error {
	if _, err := tx.Exec(ctx, `UPDATE epochs SET complete = 1 WHERE number = ?`, number); err != nil {
		return fmt.Errorf("complete an epoch: %w", err)
	}
	return nil
}

// pruneScores deletes up to limit scores of epochs before oldest, and of those
// before the current one that were never completed. It returns how many.
func pruneScores(ctx context.Context, tx *database.Tx, oldest, current int64, limit int) (int64, error) {
	deleted, err := tx.Exec(ctx, `
		DELETE FROM scores
		WHERE (epoch, wallet) IN (
			SELECT
				s.epoch,
				s.wallet
			FROM scores s
			WHERE s.epoch < ?
				OR (s.epoch < ? AND s.epoch IN (SELECT number FROM epochs WHERE complete = 0))
			LIMIT ?
		)`, oldest, current, limit)
	if err != nil {
		return 0, fmt.Errorf("prune scores: %w", err)
	}
	return deleted, nil
}

// readCurrentEpoch returns the latest complete epoch; the error is
// database.IsNoRows when there is none.
func readCurrentEpoch(ctx context.Context, r database.Queryer) (epochRow, error) {
	var e epochRow
	err := r.Get(ctx, &e, `
		SELECT
			number,
			time_ms,
			wallets,
			edges,
			seeds,
			iterations,
			alpha,
			epsilon,
			method,
			ranked
		FROM epochs
		WHERE complete = 1
		ORDER BY number DESC
		LIMIT 1`)
	return e, err
}

// readScore returns one score of an epoch; the error is database.IsNoRows when
// there is none.
func readScore(ctx context.Context, r database.Queryer, epoch int64, w wallet.Address) (scoreRow, error) {
	var s scoreRow
	err := r.Get(ctx, &s, `
		SELECT
			wallet,
			score,
			value,
			points,
			weight_ppm,
			first_ms,
			place,
			rank,
			percentile,
			reasons
		FROM scores
		WHERE epoch = ?
			AND wallet = ?`, epoch, w)
	return s, err
}

// readStandings returns the scores of these wallets in any order, without their
// reasons.
func readStandings(ctx context.Context, r database.Queryer, epoch int64, wallets []wallet.Address) ([]scoreRow, error) {
	query, args, err := database.In(`
		SELECT
			wallet,
			score,
			value,
			points,
			weight_ppm,
			first_ms,
			place,
			rank,
			percentile
		FROM scores
		WHERE epoch = ?
			AND wallet IN (?)`, epoch, wallets)
	if err != nil {
		return nil, fmt.Errorf("read standings: %w", err)
	}
	var rows []scoreRow
	if err := r.Select(ctx, &rows, query, args...); err != nil {
		return nil, fmt.Errorf("read standings: %w", err)
	}
	return rows, nil
}

// readPlaces returns the ranked scores of an epoch after a place, in order.
func readPlaces(ctx context.Context, r database.Queryer, epoch int64, after, limit int) ([]scoreRow, error) {
	var rows []scoreRow
	err := r.Select(ctx, &rows, `
		SELECT
			wallet,
			score,
			value,
			points,
			weight_ppm,
			first_ms,
			place,
			rank,
			percentile
		FROM scores
		WHERE epoch = ?
			AND place > ?
			AND rank > 0
		ORDER BY place
		LIMIT ?`, epoch, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read the leaderboard: %w", err)
	}
	return rows, nil
}

// epochKept reports whether an epoch is complete and its scores still exist.
func epochKept(ctx context.Context, r database.Queryer, number int64) (bool, error) {
	var kept bool
	err := r.Get(ctx, &kept, `
		SELECT EXISTS (
			SELECT 1
			FROM scores s
			JOIN epochs e ON e.number = s.epoch
			WHERE e.number = ?
				AND e.complete = 1
		)`, number)
	return kept, err
}
