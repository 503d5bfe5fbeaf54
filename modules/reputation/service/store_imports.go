package service

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"banyan/modules/reputation/trust"
	"banyan/modules/reputation/trustlist"
	"banyan/platform/database"
	"banyan/platform/wallet"
)

// rowsPerStatement keeps a statement below SQLite's 32,766 placeholders.
const rowsPerStatement = 4000

type importRow struct {
	ID        int64  `db:"id"`
	Name      string `db:"name"`
	Version   int64  `db:"version"`
	Held      int64  `db:"held"`
	Dropped   int64  `db:"dropped"` // of which edges are left; 0 = none
	Edges     int    `db:"edges"`
	ChangedMS int64  `db:"changed_ms"`
	ChangedBy string `db:"changed_by"`
}

const importColumns = `
	id,
	name,
	version,
	held,
	dropped,
	edges,
	changed_ms,
	changed_by`

// readImport returns one by its name; the error is database.IsNoRows when there is
// none.
func readImport(ctx context.Context, q database.Queryer, name string) (row importRow, err error) {
	err = q.Get(ctx, &row, `SELECT`+importColumns+`
		FROM imports
		WHERE name = ? AND removed = 0`, name)
	return row, err
}

func listImports(ctx context.Context, q database.Queryer, limit int) (rows []importRow, err error) {
	err = q.Select(ctx, &rows, `SELECT`+importColumns+`
		FROM imports
		WHERE removed = 0
		ORDER BY name
		LIMIT ?`, limit)
	return rows, err
}

func countImports(ctx context.Context, q database.Queryer) (n int, err error) {
	err = q.Get(ctx, &n, `SELECT COUNT(*) FROM imports WHERE removed = 0`)
	return n, err
}

// insertImport adds an import without a version and sets its id.
func insertImport(ctx context.Context, tx *database.Tx, row *importRow) error {
	err := tx.Get(ctx, &row.ID, `
		INSERT INTO imports (
			name,
			version,
			held,
			edges,
			changed_ms,
			changed_by,
			removed
		) VALUES (?, 0, 0, 0, ?, ?, 0)
		RETURNING id`, row.Name, row.ChangedMS, row.ChangedBy)
	if err != nil {
		return fmt.Errorf("add an import: %w", err)
	}
	return nil
}

func updateImport(ctx context.Context, tx *database.Tx, row importRow) error {
	_, err := tx.Exec(ctx, `
		UPDATE imports SET
			version = ?,
			held = ?,
			dropped = ?,
			edges = ?,
			changed_ms = ?,
			changed_by = ?
		WHERE id = ?`, row.Version, row.Held, row.Dropped, row.Edges, row.ChangedMS, row.ChangedBy, row.ID)
	if err != nil {
		return fmt.Errorf("update an import: %w", err)
	}
	return nil
}

// markRemoved makes an import not count any more; deleteRemoved deletes its edges.
func markRemoved(ctx context.Context, tx *database.Tx, id int64) error {
	if _, err := tx.Exec(ctx, `UPDATE imports SET removed = 1 WHERE id = ?`, id); err != nil {
		return fmt.Errorf("remove an import: %w", err)
	}
	return nil
}

type importVersionRow struct {
	Version int64  `db:"version"`
	MadeMS  int64  `db:"made_ms"`
	MadeBy  string `db:"made_by"`
	Added   int    `db:"added"`
	Removed int    `db:"removed"`
	Changed int    `db:"changed"`
}

// edges returns how many edges the version begins and ends.
func (v importVersionRow) edges() int { return v.Added + v.Removed + 2*v.Changed }

// nextVersion returns the number of an import's next version.
func nextVersion(ctx context.Context, q database.Queryer, id int64) (n int64, err error) {
	err = q.Get(ctx, &n, `
		SELECT COALESCE(MAX(version), 0) + 1
		FROM import_versions
		WHERE import_id = ?`, id)
	return n, err
}

// readVersion returns one; the error is database.IsNoRows when there is none.
func readVersion(ctx context.Context, q database.Queryer, id, version int64) (row importVersionRow, err error) {
	err = q.Get(ctx, &row, `
		SELECT
			version,
			made_ms,
			made_by,
			added,
			removed,
			changed
		FROM import_versions
		WHERE import_id = ? AND version = ?`, id, version)
	return row, err
}

func insertVersion(ctx context.Context, tx *database.Tx, id int64, v importVersionRow) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO import_versions (
			import_id,
			version,
			made_ms,
			made_by,
			added,
			removed,
			changed
		) VALUES `+values(1, 7), id, v.Version, v.MadeMS, v.MadeBy, v.Added, v.Removed, v.Changed)
	if err != nil {
		return fmt.Errorf("add a version of an import: %w", err)
	}
	return nil
}

// storedEdge is an edge of the version of an import that counts.
type storedEdge struct {
	Source wallet.Address `db:"source"`
	Target wallet.Address `db:"target"`
	Since  int64          `db:"since"`
	Weight float64        `db:"weight"`
	TimeMS *int64         `db:"time_ms"`
}

// eachStored reads the edges of a version by source and target.
func eachStored(ctx context.Context, r database.Reader, id, version int64, each func(storedEdge) error) error {
	rows, err := r.Query(ctx, `
		SELECT
			source,
			target,
			since,
			weight,
			time_ms
		FROM import_edges
		WHERE import_id = ? AND since <= ? AND until > ?
		ORDER BY source, target`, id, version, version)
	if err != nil {
		return fmt.Errorf("read the edges of an import: %w", err)
	}
	return scanStored(rows, each)
}

func scanStored(rows *sqlx.Rows, each func(storedEdge) error) error {
	defer func() { _ = rows.Close() }() // rows.Err has the error
	for rows.Next() {
		var e storedEdge
		if err := rows.Scan(&e.Source, &e.Target, &e.Since, &e.Weight, &e.TimeMS); err != nil {
			return fmt.Errorf("read the edges of an import: %w", err)
		}
		if err := each(e); err != nil {
			return err
		}
	}
	return rows.Err()
}

// endEdges ends edges with a version; wrote learns how many have.
func endEdges(ctx context.Context, tx *database.Tx, id, version int64, edges []storedEdge, wrote func(edges int)) error {
	for i, e := range edges {
		_, err := tx.Exec(ctx, `
			UPDATE import_edges SET until = ?
			WHERE import_id = ? AND source = ? AND target = ? AND since = ?`, version, id, e.Source, e.Target, e.Since)
		if err != nil {
			return fmt.Errorf("end edges of an import: %w", err)
		}
		if (i+1)%rowsPerStatement == 0 {
			wrote(rowsPerStatement)
		}
	}
	wrote(len(edges) % rowsPerStatement)
	return nil
}

// insertEdges adds edges that begin with a version; wrote learns how many were added.
func insertEdges(ctx context.Context, tx *database.Tx, id, version int64, rows []trustlist.Row[wallet.Address], wrote func(edges int)) error {
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
			args = append(args, id, r.Source, r.Target, version, int64(still), r.Weight, time)
		}
		_, err := tx.Exec(ctx, `
			INSERT INTO import_edges (
				import_id,
				source,
				target,
				since,
				until,
				weight,
				time_ms
			) VALUES `+values(len(part), 7), args...)
		if err != nil {
			return fmt.Errorf("save trust edges: %w", err)
		}
		wrote(len(part))
	}
	return nil
}

// edgePair is whom an edge leads from and to, as a position among the edges of an
// import; the zero pair is before the first.
type edgePair struct{ source, target wallet.Address }

// dropVersion makes a version that does not count as if it had never been; wrote learns
// of how many edges.
func dropVersion(ctx context.Context, tx *database.Tx, id, version int64, wrote func(edges int)) error {
	for _, drop := range []func(context.Context, *database.Tx, int64, int64, edgePair, int) (edgePair, int, error){dropBegun, restoreEnded} {
		var after edgePair
		for dropped := rowsPerStatement; dropped == rowsPerStatement; {
			var err error
			if after, dropped, err = drop(ctx, tx, id, version, after, rowsPerStatement); err != nil {
				return err
			}
			wrote(dropped)
		}
	}
	return nil
}

// dropBegun deletes up to limit edges that begin with a version, by source and target
// after a place. It returns the place of the last one, and how many they are.
func dropBegun(ctx context.Context, tx *database.Tx, id, version int64, after edgePair, limit int) (edgePair, int, error) {
	edges, err := begunEdges(ctx, tx, id, version, after.source, after.target, limit)
	return dropEdges(ctx, tx, edges, err, `DELETE FROM import_edges
		WHERE import_id = ? AND since = ? AND (source, target) >= (?, ?) AND (source, target) <= (?, ?)`, id, version, after)
}

// restoreEnded is dropBegun for the edges that a version ends, which then hold again.
func restoreEnded(ctx context.Context, tx *database.Tx, id, version int64, after edgePair, limit int) (edgePair, int, error) {
	edges, err := endedEdges(ctx, tx, id, version, after.source, after.target, limit)
	return dropEdges(ctx, tx, edges, err, `UPDATE import_edges SET until = 9223372036854775807
		WHERE import_id = ? AND until = ? AND (source, target) >= (?, ?) AND (source, target) <= (?, ?)`, id, version, after)
}

// dropEdges runs a statement over edges, those of a version that come next after a place:
// from the first to the last of them, so that it passes over few others.
func dropEdges(ctx context.Context, tx *database.Tx, edges []changedEdge, err error, statement string, id, version int64, after edgePair) (edgePair, int, error) {
	if err != nil || len(edges) == 0 {
		return after, 0, err
	}
	first, last := edges[0], edges[len(edges)-1]
	if _, err := tx.Exec(ctx, statement, id, version, first.Source, first.Target, last.Source, last.Target); err != nil {
		return after, 0, fmt.Errorf("drop a version of an import: %w", err)
	}
	return edgePair{last.Source, last.Target}, len(edges), nil
}

// changedEdge is an edge that a version begins or ends.
type changedEdge struct {
	Source wallet.Address `db:"source"`
	Target wallet.Address `db:"target"`
	Weight float64        `db:"weight"`
}

// begunEdges returns the edges that begin with a version, after a place, by source
// and target. The first version, which begins all of its edges, has no index.
func begunEdges(ctx context.Context, q database.Queryer, id, version int64, source, target wallet.Address, limit int) ([]changedEdge, error) {
	if version == 1 {
		return selectChanged(ctx, q, "since = ?", id, version, source, target, limit)
	}
	return selectChanged(ctx, q, "since = ? AND since > 1", id, version, source, target, limit)
}

// endedEdges is begunEdges for those that end with a version.
func endedEdges(ctx context.Context, q database.Queryer, id, version int64, source, target wallet.Address, limit int) ([]changedEdge, error) {
	return selectChanged(ctx, q, "until = ? AND until < 9223372036854775807", id, version, source, target, limit)
}

func selectChanged(ctx context.Context, q database.Queryer, when string, id, version int64, source, target wallet.Address, limit int) (rows []changedEdge, err error) {
	err = q.Select(ctx, &rows, `
		SELECT
			source,
			target,
			weight
		FROM import_edges
		WHERE import_id = ? AND `+when+` AND (source, target) > (?, ?)
		ORDER BY source, target
		LIMIT ?`, id, version, source, target, limit)
	if err != nil {
		return nil, fmt.Errorf("list the changes of an import: %w", err)
	}
	return rows, nil
}
