package service

import (
	"context"
	"fmt"

	"banyan/platform/database"
	"banyan/platform/wallet"
)

// nodesPerPart is how many hashes of a tree a row has.
const nodesPerPart = 256

// saveNodes adds a part of an epoch's tree.
func saveNodes(ctx context.Context, tx *database.Tx, epoch, part int64, nodes []byte) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO epoch_nodes (
			epoch,
			part,
			nodes
		) VALUES (?, ?, ?)`, epoch, part, nodes)
	if err != nil {
		return fmt.Errorf("save the tree of an epoch: %w", err)
	}
	return nil
}

// readNodes returns these parts of an epoch's tree, by their numbers.
func readNodes(ctx context.Context, r database.Queryer, epoch int64, parts []int64) (map[int64][]byte, error) {
	query, args, err := database.In(`
		SELECT
			part,
			nodes
		FROM epoch_nodes
		WHERE epoch = ?
			AND part IN (?)`, epoch, parts)
	if err != nil {
		return nil, fmt.Errorf("read the tree of an epoch: %w", err)
	}
	var rows []struct {
		Part  int64  `db:"part"`
		Nodes []byte `db:"nodes"`
	}
	if err := r.Select(ctx, &rows, query, args...); err != nil {
		return nil, fmt.Errorf("read the tree of an epoch: %w", err)
	}
	found := make(map[int64][]byte, len(rows))
	for _, row := range rows {
		found[row.Part] = row.Nodes
	}
	return found, nil
}

type changeRow struct {
	Wallet     wallet.Address `db:"wallet"`
	Epoch      int64          `db:"epoch"`
	TimeMS     int64          `db:"time_ms"`
	Value      float64        `db:"value"`
	Points     int            `db:"points"`
	Before     int            `db:"before"`
	Rank       int            `db:"rank"`
	RankBefore int            `db:"rank_before"`
	Changes    string         `db:"changes"`
}

// saveChanges adds what changed scores in an epoch that is not complete yet.
func saveChanges(ctx context.Context, tx *database.Tx, rows []changeRow) error {
	if len(rows) == 0 {
		return nil
	}
	args := make([]any, 0, 9*len(rows))
	for _, r := range rows {
		args = append(args, r.Wallet, r.Epoch, r.TimeMS, r.Value, r.Points, r.Before, r.Rank, r.RankBefore, r.Changes)
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO score_changes (
			wallet,
			epoch,
			time_ms,
			value,
			points,
			before,
			rank,
			rank_before,
			changes
		) VALUES `+values(len(rows), 9), args...)
	if err != nil {
		return fmt.Errorf("save what changed scores: %w", err)
	}
	return nil
}

// readChanges returns a wallet's changes in complete epochs before a number,
// newest first.
func readChanges(ctx context.Context, r database.Queryer, of wallet.Address, before int64, limit int) ([]changeRow, error) {
	var rows []changeRow
	err := r.Select(ctx, &rows, `
		SELECT
			c.wallet,
			c.epoch,
			c.time_ms,
			c.value,
			c.points,
			c.before,
			c.rank,
			c.rank_before,
			c.changes
		FROM score_changes c
		JOIN epochs e ON e.number = c.epoch
		WHERE c.wallet = ?
			AND c.epoch < ?
			AND e.complete = 1
		ORDER BY c.epoch DESC
		LIMIT ?`, of, before, limit)
	if err != nil {
		return nil, fmt.Errorf("read a history: %w", err)
	}
	return rows, nil
}

// readWithReasons returns the scores of these wallets in an epoch, with reasons.
func readWithReasons(ctx context.Context, r database.Queryer, epoch int64, wallets []wallet.Address) (map[wallet.Address]scoreRow, error) {
	query, args, err := database.In(`
		SELECT
			wallet,
			value,
			points,
			rank,
			reasons,
			evidence,
			word
		FROM scores
		WHERE epoch = ?
			AND wallet IN (?)`, epoch, wallets)
	if err != nil {
		return nil, fmt.Errorf("read former scores: %w", err)
	}
	var rows []scoreRow
	if err := r.Select(ctx, &rows, query, args...); err != nil {
		return nil, fmt.Errorf("read former scores: %w", err)
	}
	found := make(map[wallet.Address]scoreRow, len(rows))
	for _, row := range rows {
		found[row.Wallet] = row
	}
	return found, nil
}

// readVanished returns scores of the epoch before, after a wallet and in the
// order of wallets, of those that the epoch says nothing of.
func readVanished(ctx context.Context, r database.Queryer, before, epoch int64, after wallet.Address, limit int) ([]scoreRow, error) {
	var rows []scoreRow
	err := r.Select(ctx, &rows, `
		SELECT
			b.wallet,
			b.value,
			b.points,
			b.rank,
			b.reasons,
			b.evidence,
			b.word
		FROM scores b
		WHERE b.epoch = ?
			AND b.wallet > ?
			AND b.value <> 0
			AND NOT EXISTS (
				SELECT 1
				FROM scores s
				WHERE s.epoch = ?
					AND s.wallet = b.wallet
			)
		ORDER BY b.wallet
		LIMIT ?`, before, after, epoch, limit)
	if err != nil {
		return nil, fmt.Errorf("read former scores: %w", err)
	}
	return rows, nil
}
