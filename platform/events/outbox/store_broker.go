package outbox

import (
	"context"

	"banyan/platform/database"
)

// idRow is an outbox row without what it says.
type idRow struct {
	position
	EventID string `db:"event_id"`
}

// readIDsAfter returns the next events of a topic, oldest first, as readAfter does.
func readIDsAfter(ctx context.Context, q database.Queryer, topic string, after position, limit int) ([]idRow, error) {
	var rows []idRow
	err := q.Select(ctx, &rows, `
		SELECT txid, id, event_id
		FROM event_outbox
		WHERE topic = ?
		AND (txid, id) > (?, ?)`+horizon(q)+`
		ORDER BY txid, id
		LIMIT ?`, topic, after.TxID, after.ID, limit)
	return rows, err
}

// insertBroker registers a broker for a topic; it starts where the slowest consumer
// is, because others have had what is before.
func (s store) insertBroker(ctx context.Context, broker, topic string, now int64) error {
	_, err := s.tx.Exec(ctx, `
		INSERT INTO event_consumer (consumer, topic, txid, id, moved_at)
		SELECT CAST(? AS TEXT), topic, txid, id, CAST(? AS BIGINT)
		FROM event_consumer
		WHERE topic = ?
		AND consumer NOT LIKE ?
		ORDER BY txid, id
		LIMIT 1
		ON CONFLICT (consumer, topic) DO NOTHING`,
		broker, now, topic, brokerPrefix+"%")
	return err
}

// deleteBrokers deletes the positions of all brokers.
func (s store) deleteBrokers(ctx context.Context) error {
	_, err := s.tx.Exec(ctx, `DELETE FROM event_consumer WHERE consumer LIKE ?`, brokerPrefix+"%")
	return err
}
