package service

import (
	"context"
	"crypto/sha256"
	"fmt"

	"banyan/platform/database"
	"banyan/platform/fault"
)

// beginList adds the row of a new list.
func (s store) beginList(ctx context.Context, listID string, nowMS int64) error {
	return s.db.Write(ctx, func(tx *database.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO list (id, touched_ms) VALUES (?, ?)`, listID, nowMS)
		return err
	})
}

// addChunk stores one chunk of a list that is being written.
func (s store) addChunk(ctx context.Context, listID string, number int, body []byte, nowMS int64) error {
	return s.db.Write(ctx, func(tx *database.Tx) error {
		if err := s.touchList(ctx, tx, listID, nowMS); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO list_chunk (list_id, number, body) VALUES (?, ?, ?)`, listID, number, body)
		return err
	})
}

// touchList marks the list as still being written. It fails when another
// process took it for abandoned meanwhile.
func (s store) touchList(ctx context.Context, tx *database.Tx, listID string, nowMS int64) error {
	changed, err := tx.Exec(ctx, `UPDATE list SET touched_ms = ? WHERE id = ? AND touched_ms > 0`, nowMS, listID)
	if err != nil {
		return err
	}
	if changed != 1 {
		return fault.New(fault.Unavailable, "storing the list took so long that it counted as abandoned: nothing was kept, send it again")
	}
	return nil
}

// readChunks calls each with the chunks of a list, in order.
func (s store) readChunks(ctx context.Context, from database.Reader, listID string, each func(body []byte) error) error {
	rows, err := from.Query(ctx, `
		SELECT
			body
		FROM list_chunk
		WHERE list_id = ?
		ORDER BY number`, listID)
	if err != nil {
		return fmt.Errorf("read list: %w", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err has the error
	for rows.Next() {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			return fmt.Errorf("read list: %w", err)
		}
		if err := each(body); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read list: %w", err)
	}
	return nil
}

// digest returns the digest of a list. For a list from before digests were
// stored it reads the chunks.
func (s store) digest(ctx context.Context, from database.Reader, listID string) (sum []byte, err error) {
	if err := from.Get(ctx, &sum, `SELECT digest FROM list WHERE id = ?`, listID); err != nil {
		return nil, fmt.Errorf("read the digest of a list: %w", err)
	}
	if sum != nil {
		return sum, nil
	}
	h := sha256.New()
	err = s.readChunks(ctx, from, listID, func(body []byte) error {
		h.Write(body) // a hash never fails
		return nil
	})
	return h.Sum(nil), err
}

// abandon marks a list for deletion unless a campaign has it or it was touched
// since beforeMS. The mark stops an upload that is still writing to it.
func (s store) abandon(ctx context.Context, listID string, beforeMS int64) (marked bool, err error) {
	err = s.db.Write(ctx, func(tx *database.Tx) error {
		changed, err := tx.Exec(ctx, `
			UPDATE list
			SET touched_ms = 0
			WHERE id = ?
				AND touched_ms < ?
				AND NOT EXISTS (SELECT 1 FROM campaign WHERE campaign.list_id = list.id)`, listID, beforeMS)
		marked = changed == 1
		return err
	})
	return marked, err
}

// abandoned returns lists that no campaign has and nobody touched since
// beforeMS.
func (s store) abandoned(ctx context.Context, beforeMS int64) ([]string, error) {
	var ids []string
	err := s.db.Read().Select(ctx, &ids, `
		SELECT
			id
		FROM list
		WHERE touched_ms < ?
			AND NOT EXISTS (SELECT 1 FROM campaign WHERE campaign.list_id = list.id)
		ORDER BY id
		LIMIT 100`, beforeMS)
	if err != nil {
		return nil, fmt.Errorf("look for abandoned lists: %w", err)
	}
	return ids, nil
}

// deleteChunks deletes up to most of the chunks of a list that is marked for
// deletion, and the list itself with its last one.
func (s store) deleteChunks(ctx context.Context, listID string, most int) (done bool, err error) {
	err = s.db.Write(ctx, func(tx *database.Tx) error {
		changed, err := tx.Exec(ctx, `
			DELETE FROM list_chunk
			WHERE list_id = ?
				AND number IN (
					SELECT number
					FROM list_chunk
					WHERE list_id = ?
					ORDER BY number
					LIMIT ?
				)
				AND EXISTS (SELECT 1 FROM list WHERE list.id = list_chunk.list_id AND touched_ms = 0)`,
			listID, listID, most)
		if err != nil {
			return err
		}
		done = changed < int64(most)
		if !done {
			return nil
		}
		_, err = tx.Exec(ctx, `DELETE FROM list WHERE id = ? AND touched_ms = 0`, listID)
		return err
	})
	return done, err
}
