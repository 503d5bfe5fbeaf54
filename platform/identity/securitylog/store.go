package securitylog

import (
	"context"

	"banyan/platform/database"
)

// All SQL of the log. Times are UTC milliseconds.

type eventRow struct {
	Seq     int64  `db:"seq"`
	AtMS    int64  `db:"at_ms"`
	What    string `db:"what"`
	Refused int64  `db:"refused"`
	Who     string `db:"who"`
	Whom    string `db:"whom"`
	Origin  string `db:"origin"`
	Detail  string `db:"detail"`
	Times   int64  `db:"times"`
	Hash    []byte `db:"hash"`
}

// position is a row's place in the chain.
type position struct {
	Seq  int64  `db:"seq"`
	Hash []byte `db:"hash"`
}

// readLast returns the end of the chain: the last row, or what was deleted before.
func readLast(ctx context.Context, q database.Queryer) (position, error) {
	var last position
	err := q.Get(ctx, &last, `
		SELECT seq,
		       hash
		  FROM security_event
		 ORDER BY seq DESC
		 LIMIT 1`)
	if database.IsNoRows(err) {
		return readBase(ctx, q)
	}
	return last, err
}

// readBase returns where the chain begins.
func readBase(ctx context.Context, q database.Queryer) (position, error) {
	var base position
	err := q.Get(ctx, &base, `
		SELECT seq,
		       hash
		  FROM security_base`)
	return base, err
}

func insertEvent(ctx context.Context, tx *database.Tx, r eventRow) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO security_event (seq, at_ms, what, refused, who, whom, origin, detail, times, hash)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		r.Seq, r.AtMS, r.What, r.Refused, r.Who, r.Whom, r.Origin, r.Detail, r.Times, r.Hash)
	return err
}

const selectEvents = `
		SELECT seq,
		       at_ms,
		       what,
		       refused,
		       who,
		       whom,
		       origin,
		       detail,
		       times,
		       hash
		  FROM security_event`

// readBefore returns rows before one, newest first; empty texts are not compared.
func readBefore(ctx context.Context, q database.Queryer, before int64, what, who string, limit int) ([]eventRow, error) {
	var rows []eventRow
	err := q.Select(ctx, &rows, selectEvents+`
		 WHERE seq < ?
		   AND (? = '' OR what = ?)
		   AND (? = '' OR who = ? OR whom = ?)
		 ORDER BY seq DESC
		 LIMIT ?`, before, what, what, who, who, who, limit)
	return rows, err
}

// readAfter returns the rows behind one, oldest first.
func readAfter(ctx context.Context, q database.Queryer, after int64, limit int) ([]eventRow, error) {
	var rows []eventRow
	err := q.Select(ctx, &rows, selectEvents+`
		 WHERE seq > ?
		 ORDER BY seq
		 LIMIT ?`, after, limit)
	return rows, err
}

// readOldest returns the newest of the count oldest rows that are older than a time.
// The rows before it may be younger, if a clock went back.
func readOldest(ctx context.Context, q database.Queryer, before int64, count int) (position, error) {
	var last position
	err := q.Get(ctx, &last, `
		SELECT seq,
		       hash
		  FROM security_event
		 WHERE at_ms < ?
		   AND seq <= (SELECT seq FROM security_base) + ?
		 ORDER BY seq DESC
		 LIMIT 1`, before, count)
	return last, err
}

// forget deletes the rows up to one, which becomes the beginning of the chain.
func forget(ctx context.Context, tx *database.Tx, p position) error {
	_, err := tx.Exec(ctx, `
		UPDATE security_base
		   SET seq = ?,
		       hash = ?
		 WHERE seq < ?`, p.Seq, p.Hash, p.Seq)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		DELETE FROM security_event
		 WHERE seq <= ?`, p.Seq)
	return err
}
