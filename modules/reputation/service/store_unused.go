package service

import (
	"context"
	"fmt"

	"banyan/platform/database"
)

// countRemoved counts the edges that deleteRemoved would delete.
func countRemoved(ctx context.Context, q database.Queryer) (n int64, err error) {
	err = q.Get(ctx, &n, `
		SELECT COUNT(*)
		FROM imports i
		JOIN import_edges e ON e.import_id = i.id
		WHERE i.removed = 1`)
	return n, err
}

// countEnded counts the edges that deleteEnded would delete.
func countEnded(ctx context.Context, q database.Queryer, id, oldest int64) (n int64, err error) {
	err = q.Get(ctx, &n, `
		SELECT COUNT(*)
		FROM import_edges
		WHERE import_id = ? AND until <= ? AND until < 9223372036854775807`, id, oldest)
	return n, err
}

// dropSome drops up to about limit edges of a version that was dropped, and notes when
// none is left. It returns how many.
func dropSome(ctx context.Context, tx *database.Tx, id, version int64, limit int) (int64, error) {
	_, begun, err := dropBegun(ctx, tx, id, version, edgePair{}, limit)
	if err != nil || begun == limit {
		return int64(begun), err
	}
	_, ended, err := restoreEnded(ctx, tx, id, version, edgePair{}, limit)
	if err == nil && ended < limit {
		_, err = tx.Exec(ctx, `UPDATE imports SET dropped = 0 WHERE id = ? AND dropped = ?`, id, version)
	}
	if err != nil {
		return 0, fmt.Errorf("drop a version of an import: %w", err)
	}
	return int64(begun + ended), nil
}

// deleteRemoved deletes up to limit edges of imports that were removed.
func deleteRemoved(ctx context.Context, tx *database.Tx, limit int) (int64, error) {
	deleted, err := tx.Exec(ctx, `
		DELETE FROM import_edges
		WHERE (import_id, source, target, since) IN (
			SELECT
				e.import_id,
				e.source,
				e.target,
				e.since
			FROM imports i
			JOIN import_edges e ON e.import_id = i.id
			WHERE i.removed = 1
			LIMIT ?
		)`, limit)
	if err != nil {
		return 0, fmt.Errorf("delete the edges of a removed import: %w", err)
	}
	return deleted, nil
}

// deleteEnded deletes up to limit edges of an import that no version from oldest on has.
func deleteEnded(ctx context.Context, tx *database.Tx, id, oldest int64, limit int) (int64, error) {
	deleted, err := tx.Exec(ctx, `
		DELETE FROM import_edges
		WHERE (import_id, source, target, since) IN (
			SELECT
				import_id,
				source,
				target,
				since
			FROM import_edges
			WHERE import_id = ? AND until <= ? AND until < 9223372036854775807
			LIMIT ?
		)`, id, oldest, limit)
	if err != nil {
		return 0, fmt.Errorf("delete edges of former versions: %w", err)
	}
	return deleted, nil
}
