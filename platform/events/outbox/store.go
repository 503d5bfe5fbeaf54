package outbox

import (
	"context"
	"encoding/json"

	"banyan/platform/database"
	"banyan/platform/events"
)

// store contains all SQL of this package. It works on a transaction; reads that
// need none take a Queryer.
type store struct{ tx *database.Tx }

// position is the last event that a consumer has passed, in the order (TxID, ID).
// SQLite commits in the order of ids, so there TxID is always 0.
type position struct {
	TxID int64 `db:"txid"`
	ID   int64 `db:"id"`
}

// before reports whether p comes before q.
func (p position) before(q position) bool {
	return p.TxID < q.TxID || (p.TxID == q.TxID && p.ID < q.ID)
}

// eventRow is an outbox row.
type eventRow struct {
	position
	EventID     string `db:"event_id"`
	Topic       string `db:"topic"`
	Key         string `db:"key"`
	Time        int64  `db:"time"`
	TraceParent string `db:"traceparent"`
	Payload     string `db:"payload"`
}

func (r eventRow) event() events.Event {
	return events.Event{
		ID: r.EventID, Topic: r.Topic, Key: r.Key, Time: r.Time,
		TraceParent: r.TraceParent, Payload: json.RawMessage(r.Payload),
	}
}

func (s store) insertEvent(ctx context.Context, e events.Event) error {
	_, err := s.tx.Exec(ctx, `
		INSERT INTO event_outbox (
			event_id,
			topic,
			key,
			time,
			traceparent,
			payload
		) VALUES (?, ?, ?, ?, ?, ?)`,
		e.ID, e.Topic, e.Key, e.Time, e.TraceParent, string(e.Payload))
	return err
}

// insertInbox reports whether the event is new to the consumer.
func (s store) insertInbox(ctx context.Context, consumer, eventID string, now int64) (bool, error) {
	changed, err := s.tx.Exec(ctx, `
		INSERT INTO event_inbox (consumer, event_id, time)
		VALUES (?, ?, ?)
		ON CONFLICT (consumer, event_id) DO NOTHING`,
		consumer, eventID, now)
	return changed == 1, err
}

// insertConsumer registers the consumer; it starts with the oldest event kept.
func (s store) insertConsumer(ctx context.Context, consumer, topic string, now int64) error {
	_, err := s.tx.Exec(ctx, `
		INSERT INTO event_consumer (consumer, topic, moved_at)
		VALUES (?, ?, ?)
		ON CONFLICT (consumer, topic) DO NOTHING`,
		consumer, topic, now)
	return err
}

// consumerRow is the state of a consumer.
type consumerRow struct {
	position
	Consumer  string `db:"consumer"`
	Topic     string `db:"topic"`
	Failures  int64  `db:"failures"`
	LastError string `db:"last_error"`
	MovedAt   int64  `db:"moved_at"`
}

func readConsumer(ctx context.Context, q database.Queryer, consumer, topic string) (consumerRow, error) {
	var row consumerRow
	err := q.Get(ctx, &row, `
		SELECT consumer, topic, txid, id, failures, last_error, moved_at
		FROM event_consumer
		WHERE consumer = ?
		AND topic = ?`, consumer, topic)
	return row, err
}

// horizon returns the condition that excludes events after the oldest running
// PostgreSQL transaction: a row of that may appear later, with a lower id.
func horizon(q database.Queryer) string {
	if q.Dialect() == database.Postgres {
		return ` AND txid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint `
	}
	return ` `
}

// readAfter returns the next events of a topic, oldest first.
func readAfter(ctx context.Context, q database.Queryer, topic string, after position, limit int) ([]eventRow, error) {
	var rows []eventRow
	err := q.Select(ctx, &rows, `
		SELECT txid, id, event_id, topic, key, time, traceparent, payload
		FROM event_outbox
		WHERE topic = ?
		AND (txid, id) > (?, ?)`+horizon(q)+`
		ORDER BY txid, id
		LIMIT ?`, topic, after.TxID, after.ID, limit)
	return rows, err
}

// readLast returns the newest committed position of a topic, zero when it has none.
func readLast(ctx context.Context, q database.Queryer, topic string) (position, error) {
	var last position
	err := q.Get(ctx, &last, `
		SELECT txid, id
		FROM event_outbox
		WHERE topic = ?
		ORDER BY txid DESC, id DESC
		LIMIT 1`, topic)
	if database.IsNoRows(err) {
		return position{}, nil
	}
	return last, err
}

// moveConsumer moves the position unless another relay has. It also resets the
// consecutive failures.
func (s store) moveConsumer(ctx context.Context, consumer, topic string, from, to position, now int64) (bool, error) {
	changed, err := s.tx.Exec(ctx, `
		UPDATE event_consumer
		SET txid = ?, id = ?, failures = 0, last_error = '', moved_at = ?
		WHERE consumer = ?
		AND topic = ?
		AND txid = ?
		AND id = ?`,
		to.TxID, to.ID, now, consumer, topic, from.TxID, from.ID)
	return changed == 1, err
}

func (s store) countFailure(ctx context.Context, consumer, topic, message string) error {
	_, err := s.tx.Exec(ctx, `
		UPDATE event_consumer
		SET failures = failures + 1, last_error = ?
		WHERE consumer = ?
		AND topic = ?`, message, consumer, topic)
	return err
}

func (s store) clearFailures(ctx context.Context, consumer, topic string) error {
	_, err := s.tx.Exec(ctx, `
		UPDATE event_consumer
		SET failures = 0, last_error = ''
		WHERE consumer = ?
		AND topic = ?
		AND failures > 0`, consumer, topic)
	return err
}

// deleteConsumer deletes a consumer and its parked events.
func (s store) deleteConsumer(ctx context.Context, consumer string) (int64, error) {
	if _, err := s.tx.Exec(ctx, `DELETE FROM event_parked WHERE consumer = ?`, consumer); err != nil {
		return 0, err
	}
	return s.tx.Exec(ctx, `DELETE FROM event_consumer WHERE consumer = ?`, consumer)
}

func readConsumers(ctx context.Context, q database.Queryer) ([]consumerRow, error) {
	var rows []consumerRow
	err := q.Select(ctx, &rows, `
		SELECT consumer, topic, txid, id, failures, last_error, moved_at
		FROM event_consumer
		ORDER BY consumer, topic`)
	return rows, err
}

// maxCounted bounds the counts of a Status, so that a page is quick.
const maxCounted = 10_000

func countAfter(ctx context.Context, q database.Queryer, topic string, after position) (int64, error) {
	var n int64
	err := q.Get(ctx, &n, `
		SELECT COUNT(*)
		FROM (
			SELECT 1
			FROM event_outbox
			WHERE topic = ?
			AND (txid, id) > (?, ?)
			LIMIT ?
		) AS waiting`, topic, after.TxID, after.ID, maxCounted)
	return n, err
}

// oldestAfter returns the time of the oldest event not yet passed, 0 for none.
func oldestAfter(ctx context.Context, q database.Queryer, topic string, after position) (int64, error) {
	var at int64
	err := q.Get(ctx, &at, `
		SELECT time
		FROM event_outbox
		WHERE topic = ?
		AND (txid, id) > (?, ?)
		ORDER BY txid, id
		LIMIT 1`, topic, after.TxID, after.ID)
	if database.IsNoRows(err) {
		return 0, nil
	}
	return at, err
}

// deleteDelivered deletes old events that every consumer has passed and that are
// parked for none.
func (s store) deleteDelivered(ctx context.Context, before int64, limit int) (int64, error) {
	return s.tx.Exec(ctx, `
		DELETE FROM event_outbox
		WHERE id IN (
			SELECT o.id
			FROM event_outbox o
			WHERE o.time < ?
			AND NOT EXISTS (
				SELECT 1
				FROM event_parked p
				WHERE p.outbox_id = o.id
			)
			AND NOT EXISTS (
				SELECT 1
				FROM event_consumer c
				WHERE c.topic = o.topic
				AND (c.txid, c.id) < (o.txid, o.id)
			)
			ORDER BY o.time
			LIMIT ?
		)`, before, limit)
}

func (s store) deleteInbox(ctx context.Context, before int64, limit int) (int64, error) {
	return s.tx.Exec(ctx, `
		DELETE FROM event_inbox
		WHERE (consumer, event_id) IN (
			SELECT consumer, event_id
			FROM event_inbox
			WHERE time < ?
			ORDER BY time
			LIMIT ?
		)`, before, limit)
}

// bit returns a boolean as both dialects store it.
func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
