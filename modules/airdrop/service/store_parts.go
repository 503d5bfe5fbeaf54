package service

import (
	"context"
	"fmt"

	"banyan/platform/database"
)

// partRow is a row of the table course_part.
type partRow struct {
	Number  int64  `db:"number"`
	ToBlock int64  `db:"to_block"`
	ToHash  []byte `db:"to_hash"`
	Events  int64  `db:"events"`
	Body    []byte `db:"-"`
}

// lastPart returns the last part of what a query has read; ok is false when there is none.
func (s store) lastPart(ctx context.Context, campaign, query string) (row partRow, ok bool, err error) {
	err = s.db.Read().Get(ctx, &row, `
		SELECT
			number,
			to_block,
			to_hash,
			events
		FROM course_part
		WHERE campaign_id = ?
			AND query = ?
		ORDER BY number DESC
		LIMIT 1`, campaign, query)
	if database.IsNoRows(err) {
		return row, false, nil
	}
	if err != nil {
		return row, false, fmt.Errorf("look how far a chain was read: %w", err)
	}
	return row, true, nil
}

func (s store) addPart(ctx context.Context, tx *database.Tx, campaign, query string, p partRow) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO course_part (
			campaign_id,
			query,
			number,
			to_block,
			to_hash,
			events,
			body
		) VALUES (?, ?, ?, ?, ?, ?, ?)`, campaign, query, p.Number, p.ToBlock, p.ToHash, p.Events, p.Body)
	if err != nil {
		return fmt.Errorf("store what was read of a chain: %w", err)
	}
	return nil
}

// eachPart calls each with the parts of what a query has read, in their order.
func (s store) eachPart(ctx context.Context, campaign, query string, each func(body []byte) error) error {
	rows, err := s.db.Read().Query(ctx, `SELECT body FROM course_part WHERE campaign_id = ? AND query = ? ORDER BY number`, campaign, query)
	if err != nil {
		return fmt.Errorf("read what was read of a chain: %w", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err has the error
	for rows.Next() {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			return fmt.Errorf("read what was read of a chain: %w", err)
		}
		if err := each(body); err != nil {
			return err
		}
	}
	return rows.Err()
}

// partQueries returns what parts a campaign has.
func (s store) partQueries(ctx context.Context, campaign string) (queries []string, err error) {
	if err = s.db.Read().Select(ctx, &queries, `SELECT DISTINCT query FROM course_part WHERE campaign_id = ?`, campaign); err != nil {
		return nil, fmt.Errorf("look for what was read of a chain: %w", err)
	}
	return queries, nil
}

// dropParts deletes up to most parts of what a query has read, the last ones first: what
// is left can be gone on with.
func (s store) dropParts(ctx context.Context, campaign, query string, most int) (deleted int64, err error) {
	err = s.db.Write(ctx, func(tx *database.Tx) (err error) {
		deleted, err = tx.Exec(ctx, `
			DELETE FROM course_part
			WHERE campaign_id = ?
				AND query = ?
				AND number IN (
					SELECT number
					FROM course_part
					WHERE campaign_id = ?
						AND query = ?
					ORDER BY number DESC
					LIMIT ?
				)`, campaign, query, campaign, query, most)
		return err
	})
	return deleted, err
}
