package service

import (
	"context"
	"fmt"

	"banyan/platform/database"
	"banyan/platform/wallet"
)

type seedSetRow struct {
	Name      string `db:"name"`
	Reason    string `db:"reason"`
	Version   int64  `db:"version"`
	ChangedMS int64  `db:"changed_ms"`
	ChangedBy string `db:"changed_by"`
}

const seedSetColumns = `
	name,
	reason,
	version,
	changed_ms,
	changed_by`

func listSeedSets(ctx context.Context, q database.Queryer, limit int) (rows []seedSetRow, err error) {
	err = q.Select(ctx, &rows, `SELECT`+seedSetColumns+`
		FROM seed_sets
		ORDER BY name
		LIMIT ?`, limit)
	if err != nil {
		return nil, fmt.Errorf("list the sets of seeds: %w", err)
	}
	return rows, nil
}

// readSeedSet returns one; the error is database.IsNoRows when there is none.
func readSeedSet(ctx context.Context, q database.Queryer, name string) (row seedSetRow, err error) {
	err = q.Get(ctx, &row, `SELECT`+seedSetColumns+`
		FROM seed_sets
		WHERE name = ?`, name)
	return row, err
}

func countSeedSets(ctx context.Context, q database.Queryer) (n int, err error) {
	err = q.Get(ctx, &n, `SELECT COUNT(*) FROM seed_sets`)
	return n, err
}

func saveSeedSet(ctx context.Context, tx *database.Tx, row seedSetRow) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO seed_sets (
			name,
			reason,
			version,
			changed_ms,
			changed_by
		) VALUES `+values(1, 5)+`
		ON CONFLICT (name) DO UPDATE SET
			reason = excluded.reason,
			version = excluded.version,
			changed_ms = excluded.changed_ms,
			changed_by = excluded.changed_by`, row.Name, row.Reason, row.Version, row.ChangedMS, row.ChangedBy)
	if err != nil {
		return fmt.Errorf("save a set of seeds: %w", err)
	}
	return nil
}

func deleteSeedSet(ctx context.Context, tx *database.Tx, name string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM seed_sets WHERE name = ?`, name); err != nil {
		return fmt.Errorf("remove a set of seeds: %w", err)
	}
	return nil
}

// lastSeedVersion returns the largest version that a set of this name ever had.
func lastSeedVersion(ctx context.Context, q database.Queryer, name string) (n int64, err error) {
	err = q.Get(ctx, &n, `
		SELECT COALESCE(MAX(version), 0)
		FROM seed_changes
		WHERE set_name = ?`, name)
	return n, err
}

type seedRow struct {
	Set    string         `db:"set_name"`
	Wallet wallet.Address `db:"wallet"`
	Weight float64        `db:"weight"`
	Reason string         `db:"reason"`
}

// listSeeds returns the seeds of a set, or with "" those of all sets, by set and
// wallet.
func listSeeds(ctx context.Context, q database.Queryer, set string, limit int) (rows []seedRow, err error) {
	err = q.Select(ctx, &rows, `
		SELECT
			set_name,
			wallet,
			weight,
			reason
		FROM seeds
		WHERE set_name = ? OR ? = ''
		ORDER BY set_name, wallet
		LIMIT ?`, set, set, limit)
	if err != nil {
		return nil, fmt.Errorf("list seeds: %w", err)
	}
	return rows, nil
}

// replaceSeeds makes a set consist of these.
func replaceSeeds(ctx context.Context, tx *database.Tx, set string, rows []seedRow) error {
	if _, err := tx.Exec(ctx, `DELETE FROM seeds WHERE set_name = ?`, set); err != nil {
		return fmt.Errorf("replace the seeds of a set: %w", err)
	}
	for len(rows) > 0 {
		part := rows[:min(len(rows), rowsPerStatement)]
		rows = rows[len(part):]
		args := make([]any, 0, 4*len(part))
		for _, r := range part {
			args = append(args, set, r.Wallet, r.Weight, r.Reason)
		}
		_, err := tx.Exec(ctx, `
			INSERT INTO seeds (
				set_name,
				wallet,
				weight,
				reason
			) VALUES `+values(len(part), 4), args...)
		if err != nil {
			return fmt.Errorf("save seeds: %w", err)
		}
	}
	return nil
}

type seedChangeRow struct {
	ID         int64          `db:"id"`
	Set        string         `db:"set_name"`
	Version    int64          `db:"version"`
	TimeMS     int64          `db:"time_ms"`
	ChangedBy  string         `db:"changed_by"`
	Reason     string         `db:"reason"`
	Action     string         `db:"action"`
	Wallet     wallet.Address `db:"wallet"`
	Weight     float64        `db:"weight"`
	SeedReason string         `db:"seed_reason"`
}

func insertSeedChanges(ctx context.Context, tx *database.Tx, rows []seedChangeRow) error {
	const columns = 9
	for len(rows) > 0 {
		part := rows[:min(len(rows), rowsPerStatement/2)]
		rows = rows[len(part):]
		args := make([]any, 0, columns*len(part))
		for _, r := range part {
			args = append(args, r.Set, r.Version, r.TimeMS, r.ChangedBy, r.Reason, r.Action, r.Wallet, r.Weight, r.SeedReason)
		}
		_, err := tx.Exec(ctx, `
			INSERT INTO seed_changes (
				set_name,
				version,
				time_ms,
				changed_by,
				reason,
				action,
				wallet,
				weight,
				seed_reason
			) VALUES `+values(len(part), columns), args...)
		if err != nil {
			return fmt.Errorf("record the changes of seeds: %w", err)
		}
	}
	return nil
}

// listSeedChanges returns changes with ids below before, the last first; "" = of all
// sets.
func listSeedChanges(ctx context.Context, q database.Queryer, set string, before int64, limit int) (rows []seedChangeRow, err error) {
	err = q.Select(ctx, &rows, `
		SELECT
			id,
			set_name,
			version,
			time_ms,
			changed_by,
			reason,
			action,
			wallet,
			weight,
			seed_reason
		FROM seed_changes
		WHERE (set_name = ? OR ? = '') AND id < ?
		ORDER BY id DESC
		LIMIT ?`, set, set, before, limit)
	if err != nil {
		return nil, fmt.Errorf("list the changes of seeds: %w", err)
	}
	return rows, nil
}
