package service

import (
	"context"
	"fmt"
	"strings"

	"github.com/jmoiron/sqlx"

	"banyan/modules/reputation"
	"banyan/modules/reputation/trust"
	"banyan/modules/reputation/trustlist"
	"banyan/platform/database"
	"banyan/platform/wallet"
)

// rowsPerStatement keeps a statement below SQLite's 32,766 placeholders.
const rowsPerStatement = 4000

// saveEdges stores trust edges and replaces those of the same source and
// target; a weight of zero removes the edge. No two rows may have the same
// source and target.
func saveEdges(ctx context.Context, tx *database.Tx, rows []trustlist.Row[wallet.Address]) error {
	var args []any
	for len(rows) > 0 {
		part := rows[:min(len(rows), rowsPerStatement)]
		rows = rows[len(part):]
		args = args[:0]
		for _, r := range part {
			var time any
			if r.Time != trust.NoTime {
				time = r.Time
			}
			args = append(args, r.Source, r.Target, r.Weight, time)
		}
		_, err := tx.Exec(ctx, `
			INSERT INTO trust_edges (
				source,
				target,
				weight,
				time_ms
			) VALUES `+values(len(part), 4)+`
			ON CONFLICT (source, target) DO UPDATE SET
				weight = excluded.weight,
				time_ms = excluded.time_ms`, args...)
		if err != nil {
			return fmt.Errorf("save trust edges: %w", err)
		}
	}
	if _, err := tx.Exec(ctx, `DELETE FROM trust_edges WHERE weight = 0`); err != nil {
		return fmt.Errorf("remove trust edges: %w", err)
	}
	return nil
}

// values returns "(?,?),(?,?)" for rows of that many columns.
func values(rows, columns int) string {
	row := "(" + strings.TrimSuffix(strings.Repeat("?,", columns), ",") + ")"
	return strings.TrimSuffix(strings.Repeat(row+",", rows), ",")
}

// eachEdge reads all edges in the order of their key.
func eachEdge(ctx context.Context, r database.Reader, each func(source, target wallet.Address, weight float64, timeMS *int64) error) error {
	rows, err := r.Query(ctx, `
		SELECT
			source,
			target,
			weight,
			time_ms
		FROM trust_edges
		ORDER BY source, target`)
	if err != nil {
		return fmt.Errorf("read trust edges: %w", err)
	}
	return scanEdges(rows, each)
}

func scanEdges(rows *sqlx.Rows, each func(source, target wallet.Address, weight float64, timeMS *int64) error) error {
	defer func() { _ = rows.Close() }() // rows.Err has the error
	for rows.Next() {
		var source, target wallet.Address
		var weight float64
		var timeMS *int64
		if err := rows.Scan(&source, &target, &weight, &timeMS); err != nil {
			return fmt.Errorf("read trust edges: %w", err)
		}
		if err := each(source, target, weight, timeMS); err != nil {
			return err
		}
	}
	return rows.Err()
}

type epochRow struct {
	Number     int64   `db:"number"`
	TimeMS     int64   `db:"time_ms"`
	Wallets    int     `db:"wallets"`
	Edges      int     `db:"edges"`
	Seeds      int     `db:"seeds"`
	Iterations int     `db:"iterations"`
	Alpha      float64 `db:"alpha"`
	Epsilon    float64 `db:"epsilon"`
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
			0
		FROM epochs
		RETURNING number`, e.TimeMS, e.Wallets, e.Edges, e.Seeds, e.Iterations, e.Alpha, e.Epsilon)
	if err != nil {
		return 0, fmt.Errorf("add an epoch: %w", err)
	}
	return number, nil
}

type scoreRow struct {
	Wallet     wallet.Address `db:"wallet"`
	Score      float64        `db:"score"`
	Place      int            `db:"place"`
	Rank       int            `db:"rank"`
	Percentile float64        `db:"percentile"`
	Reasons    []byte         `db:"reasons"`
}

// saveScores adds rows of an epoch that is not complete yet.
func saveScores(ctx context.Context, tx *database.Tx, epoch int64, rows []scoreRow) error {
	args := make([]any, 0, 7*len(rows))
	for _, r := range rows {
		args = append(args, epoch, r.Wallet, r.Score, r.Place, r.Rank, r.Percentile, r.Reasons)
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO scores (
			epoch,
			wallet,
			score,
			place,
			rank,
			percentile,
			reasons
		) VALUES `+values(len(rows), 7), args...)
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
			epsilon
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

// readPlaces returns the scores of an epoch after a place, in order.
func readPlaces(ctx context.Context, r database.Queryer, epoch int64, after, limit int) ([]scoreRow, error) {
	var rows []scoreRow
	err := r.Select(ctx, &rows, `
		SELECT
			wallet,
			score,
			place,
			rank,
			percentile
		FROM scores
		WHERE epoch = ?
			AND place > ?
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

// countActivity adds one to a wallet's count of a kind.
func countActivity(ctx context.Context, tx *database.Tx, a reputation.Activity) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO activity (
			wallet,
			kind,
			count,
			last_ms
		) VALUES (?, ?, 1, ?)
		ON CONFLICT (wallet, kind) DO UPDATE SET
			count = activity.count + 1,
			last_ms = CASE WHEN excluded.last_ms > activity.last_ms THEN excluded.last_ms ELSE activity.last_ms END`,
		a.Wallet, a.Kind, a.TimeMS)
	if err != nil {
		return fmt.Errorf("count activity: %w", err)
	}
	return nil
}

type activityRow struct {
	Kind   string `db:"kind"`
	Count  int64  `db:"count"`
	LastMS int64  `db:"last_ms"`
}

func readActivity(ctx context.Context, r database.Queryer, w wallet.Address) ([]activityRow, error) {
	var rows []activityRow
	err := r.Select(ctx, &rows, `
		SELECT
			kind,
			count,
			last_ms
		FROM activity
		WHERE wallet = ?
		ORDER BY kind`, w)
	if err != nil {
		return nil, fmt.Errorf("read activity: %w", err)
	}
	return rows, nil
}
