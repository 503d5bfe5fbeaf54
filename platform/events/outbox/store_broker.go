package outbox

import "context"

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
