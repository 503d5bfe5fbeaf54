package outbox

import (
	"context"
	"strings"

	"banyan/platform/database"
)

// parkedRow is an event that a consumer failed to handle.
type parkedRow struct {
	eventRow
	Consumer  string `db:"consumer"`
	Attempts  int64  `db:"attempts"`
	NextAt    int64  `db:"next_at"`
	LastError string `db:"last_error"`
	ParkedAt  int64  `db:"parked_at"`
}

const parkedColumns = `
	o.txid, o.id, o.event_id, o.topic, o.key, o.time, o.traceparent, o.payload,
	p.consumer, p.attempts, p.next_at, p.last_error, p.parked_at`

// readDue returns parked events whose retry is due, oldest event first.
func readDue(ctx context.Context, q database.Queryer, consumer, topic string, now int64, limit int) ([]parkedRow, error) {
	var rows []parkedRow
	err := q.Select(ctx, &rows, `
		SELECT `+parkedColumns+`
		FROM event_parked p
		JOIN event_outbox o ON o.id = p.outbox_id
		WHERE p.consumer = ?
		AND p.topic = ?
		AND p.dead = 0
		AND p.next_at <= ?
		ORDER BY p.outbox_id
		LIMIT ?`, consumer, topic, now, limit)
	return rows, err
}

// readNextDue returns the time of the next parked event, 0 when there is none.
func readNextDue(ctx context.Context, q database.Queryer, consumer, topic string) (int64, error) {
	var next int64
	err := q.Get(ctx, &next, `
		SELECT COALESCE(MIN(next_at), 0)
		FROM event_parked
		WHERE consumer = ?
		AND topic = ?
		AND dead = 0`, consumer, topic)
	return next, err
}

// insertParked parks an event after its first failure. Another relay may have
// done so already.
func (s store) insertParked(ctx context.Context, p parkedRow, dead bool) error {
	_, err := s.tx.Exec(ctx, `
		INSERT INTO event_parked (
			consumer,
			event_id,
			topic,
			outbox_id,
			attempts,
			next_at,
			last_error,
			dead,
			parked_at
		) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (consumer, event_id) DO NOTHING`,
		p.Consumer, p.EventID, p.Topic, p.ID, p.Attempts, p.NextAt, p.LastError, bit(dead), p.ParkedAt)
	return err
}

// updateParked counts one more failure, unless another relay has done so since the
// row was read with seen attempts.
func (s store) updateParked(ctx context.Context, p parkedRow, seen int64, dead bool) error {
	_, err := s.tx.Exec(ctx, `
		UPDATE event_parked
		SET attempts = ?, next_at = ?, last_error = ?, dead = ?
		WHERE consumer = ?
		AND event_id = ?
		AND attempts = ?
		AND dead = 0`,
		p.Attempts, p.NextAt, p.LastError, bit(dead), p.Consumer, p.EventID, seen)
	return err
}

func (s store) deleteParked(ctx context.Context, consumer, eventID string) error {
	_, err := s.tx.Exec(ctx, `
		DELETE FROM event_parked
		WHERE consumer = ?
		AND event_id = ?`, consumer, eventID)
	return err
}

// readDead returns the dead letters after a place, in their order.
func readDead(ctx context.Context, q database.Queryer, consumer string, after deadLetterPlace, limit int) ([]parkedRow, error) {
	var rows []parkedRow
	err := q.Select(ctx, &rows, `
		SELECT `+parkedColumns+`
		FROM event_parked p
		JOIN event_outbox o ON o.id = p.outbox_id
		WHERE p.dead = 1
		AND (? = '' OR p.consumer = ?)
		AND (p.consumer, p.event_id) > (?, ?)
		ORDER BY p.consumer, p.event_id
		LIMIT ?`, consumer, consumer, after.Consumer, after.Event, limit)
	return rows, err
}

// reviveDead makes dead letters due at once with new attempts; no ids = all.
func (s store) reviveDead(ctx context.Context, consumer string, ids []string) (int64, error) {
	query := `
		UPDATE event_parked
		SET dead = 0, attempts = 0, next_at = 0
		WHERE dead = 1
		AND (? = '' OR consumer = ?)`
	args := []any{consumer, consumer}
	if len(ids) > 0 {
		query += ` AND event_id IN (?` + strings.Repeat(`, ?`, len(ids)-1) + `)`
		for _, id := range ids {
			args = append(args, id)
		}
	}
	return s.tx.Exec(ctx, query, args...)
}

func countParked(ctx context.Context, q database.Queryer, consumer, topic string, dead bool) (int64, error) {
	var n int64
	err := q.Get(ctx, &n, `
		SELECT COUNT(*)
		FROM (
			SELECT 1
			FROM event_parked
			WHERE consumer = ?
			AND topic = ?
			AND dead = ?
			LIMIT ?
		) AS parked`, consumer, topic, bit(dead), maxCounted)
	return n, err
}
