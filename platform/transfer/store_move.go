package transfer

import (
	"context"
	"fmt"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/ownership"
)

// The side that the data leaves is written through the module's own handle, because
// others write there, too.

// save has the source remember where the move is.
func (m *Move) save(ctx context.Context, s *sides) error {
	return m.o.Source.Unfenced(ctx, func(tx *database.Tx) error { return writeRecord(ctx, tx, s.record) })
}

// pruneMost is how many entries of the log are deleted at a time.
const pruneMost = 20_000

// prune saves, and deletes entries of the log that have been copied.
func (m *Move) prune(ctx context.Context, s *sides) error {
	return m.o.Source.Unfenced(ctx, func(tx *database.Tx) error {
		if err := writeRecord(ctx, tx, s.record); err != nil {
			return err
		}
		old := `seq <= CAST(? AS INTEGER)`
		if tx.Dialect() == database.Postgres {
			old = `xid < pg_snapshot_xmin(?::text::pg_snapshot)::text::bigint`
		}
		_, err := tx.Exec(ctx, `
			DELETE FROM move_log
			 WHERE seq IN (SELECT seq FROM move_log WHERE `+old+` LIMIT ?)`, s.record.Position, pruneMost)
		return err
	})
}

// capture makes the triggers that note what is written, on an empty log. PostgreSQL
// makes those of each table in a transaction of its own, whose lock would otherwise
// wait for writers that wait for another table's.
func (m *Move) capture(ctx context.Context, s *sides) error {
	statements, each := captureSQLite, len(s.tables)
	if m.o.Source.Dialect() == database.Postgres {
		statements, each = capturePostgres, 1
	}
	err := m.o.Source.Unfenced(ctx, func(tx *database.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM move_log`)
		return err
	})
	for from := 0; err == nil && from < len(s.tables); from += each {
		err = m.o.Source.Unfenced(ctx, func(tx *database.Tx) error {
			for _, t := range s.tables[from : from+each] {
				if err := execAll(ctx, tx, statements(t)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("note what is written: %w", err)
	}
	if err := s.from.beginRead(ctx); err != nil {
		return err
	}
	if s.record.Position, err = s.from.position(ctx); err != nil {
		return err
	}
	if err := s.from.rollback(); err != nil {
		return err
	}
	if err := m.save(ctx, s); err != nil {
		return err
	}
	return m.o.reached("captured")
}

func execAll(ctx context.Context, tx *database.Tx, statements []string) error {
	for _, statement := range statements {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// release removes the triggers and the log; also removes the record unless the data has left.
func release(ctx context.Context, db *database.DB, tables []table, keepRecord bool) error {
	return db.Unfenced(ctx, func(tx *database.Tx) error {
		statements := releaseSQLite
		if tx.Dialect() == database.Postgres {
			statements = releasePostgres
		}
		for _, t := range tables {
			if err := execAll(ctx, tx, statements(t)); err != nil {
				return err
			}
		}
		last := []string{`DELETE FROM move_log`}
		if !keepRecord {
			last = append(last, `DELETE FROM module_move`)
		}
		return execAll(ctx, tx, last)
	})
}

// forget ends a move that nobody makes.
func forget(ctx context.Context, db *database.DB) (err error) {
	s, err := openLane(ctx, db.Options())
	if err != nil {
		return err
	}
	tables, err := s.tables(ctx)
	if err := closing(s, err); err != nil {
		return err
	}
	return release(ctx, db, tables, false)
}

// decide says in the source that the data is the target's: from here on the move only
// goes forward. Fails with fault.Conflict when the owner has taken its writes back.
func (m *Move) decide(ctx context.Context, s *sides, fenced ownership.Claim) error {
	decided := s.record
	decided.Phase = gone
	decided.Tables = nil
	self := m.o.Owner.Self()
	return m.o.Source.Unfenced(ctx, func(tx *database.Tx) error {
		changed, err := tx.Exec(ctx, `
			UPDATE ownership
			   SET epoch = ?,
			       owner = ?,
			       url = ?,
			       changed_ms = ?
			 WHERE id = 1
			   AND epoch = ?
			   AND owner = ?`, fenced.Epoch+1, ownership.Moved, m.o.ToName, tx.Now().UnixMilli(), fenced.Epoch, ownership.Moving)
		if err != nil {
			return err
		}
		if changed != 1 {
			return fault.Newf(fault.Conflict, "the writes of %s were taken while the last rows were copied: the data is where it was", m.o.Source.Module())
		}
		if _, err := tx.Exec(ctx, `
			INSERT INTO moved_owner (id, owner, url)
			VALUES (1, ?, ?)
			    ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, url = excluded.url`, self.Name, self.URL); err != nil {
			return err
		}
		return writeRecord(ctx, tx, decided)
	})
}

func claimIn(ctx context.Context, q database.Queryer) (ownership.Claim, error) {
	var c ownership.Claim
	err := q.Get(ctx, &c, `SELECT epoch, owner, url, changed_ms FROM ownership WHERE id = 1`)
	if database.IsNoRows(err) {
		err = nil
	}
	return c, err
}

// claim makes the side that the data has come to the owner's.
func claim(ctx context.Context, to lane, c ownership.Claim) (err error) {
	if err := to.beginWrite(ctx); err != nil {
		return err
	}
	return committing(ctx, to, claimOpen(ctx, to, c))
}

// claimOpen is claim in a transaction that is open.
func claimOpen(ctx context.Context, to session, c ownership.Claim) error {
	err := writeOwner(ctx, to, c)
	for _, statement := range []string{`DELETE FROM moved_owner`, `DELETE FROM module_move`, `DELETE FROM move_log`} {
		if err == nil {
			err = to.exec(ctx, statement)
		}
	}
	return err
}

// hasTriggers reports whether the source still notes what is written: a backup that
// was restored under the same name may not.
func hasTriggers(ctx context.Context, db *database.DB, tables int) (bool, error) {
	query, want := `SELECT COUNT(*) FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'move\_%' ESCAPE '\'`, 4*tables
	if db.Dialect() == database.Postgres {
		query, want = `
			SELECT COUNT(*)
			  FROM pg_trigger AS t
			  JOIN pg_class AS c ON c.oid = t.tgrelid
			 WHERE c.relnamespace = to_regnamespace(current_schema())
			   AND t.tgname LIKE 'move\_note%'
			   AND t.tgenabled <> 'D'`, 2*tables
	}
	var n int
	err := db.Read().Get(ctx, &n, query)
	return n == want, err
}

// claimOf is claimIn in a session.
func claimOf(ctx context.Context, s session) (c ownership.Claim, err error) {
	_, err = s.get(ctx, []any{&c.Epoch, &c.Owner, &c.URL, &c.ChangedMS}, `SELECT epoch, owner, url, changed_ms FROM ownership WHERE id = 1`)
	return c, err
}

func ownerBefore(ctx context.Context, q database.Queryer) (owner, url string, err error) {
	var row struct {
		Owner string `db:"owner"`
		URL   string `db:"url"`
	}
	err = q.Get(ctx, &row, `SELECT owner, url FROM moved_owner WHERE id = 1`)
	return row.Owner, row.URL, err
}

// hasRecords reports whether a file can say where its data is. Before its migration it
// cannot, and data that is on a server by the settings does not leave it.
func hasRecords(ctx context.Context, db *database.DB) (has bool, err error) {
	if db.Dialect() != database.SQLite {
		return false, nil
	}
	err = db.Read().Get(ctx, &has, `SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'module_move')`)
	return has, err
}
