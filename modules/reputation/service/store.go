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

// countActivity adds one to a wallet's count of a kind.
func countActivity(ctx context.Context, tx *database.Tx, a reputation.Activity) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO activity (
			wallet,
			kind,
			count,
			first_ms,
			last_ms
		) VALUES (?, ?, 1, ?, ?)
		ON CONFLICT (wallet, kind) DO UPDATE SET
			count = activity.count + 1,
			first_ms = CASE WHEN excluded.first_ms < activity.first_ms THEN excluded.first_ms ELSE activity.first_ms END,
			last_ms = CASE WHEN excluded.last_ms > activity.last_ms THEN excluded.last_ms ELSE activity.last_ms END`,
		a.Wallet, a.Kind, a.TimeMS, a.TimeMS)
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

// readFirstActivity returns when each of these wallets was first active, those
// that were.
func readFirstActivity(ctx context.Context, r database.Queryer, wallets []wallet.Address) (map[wallet.Address]int64, error) {
	query, args, err := database.In(`
		SELECT
			wallet,
			MIN(first_ms) AS first_ms
		FROM activity
		WHERE wallet IN (?)
		GROUP BY wallet`, wallets)
	if err != nil {
		return nil, fmt.Errorf("read first activity: %w", err)
	}
	var rows []struct {
		Wallet  wallet.Address `db:"wallet"`
		FirstMS int64          `db:"first_ms"`
	}
	if err := r.Select(ctx, &rows, query, args...); err != nil {
		return nil, fmt.Errorf("read first activity: %w", err)
	}
	first := make(map[wallet.Address]int64, len(rows))
	for _, row := range rows {
		first[row.Wallet] = row.FirstMS
	}
	return first, nil
}
