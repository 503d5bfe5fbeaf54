package outbox

import (
	"context"

	"banyan/platform/database"
)

// rebase repairs the order after a dump was restored into another PostgreSQL
// cluster, whose transaction counter may be lower than the rows': new events
// would sort before positions already passed, and be lost. It resets all positions
// to the start; the inbox, kept longer than the outbox, recognises repeated events.
func (s store) rebase(ctx context.Context) (bool, error) {
	if s.tx.Dialect() != database.Postgres {
		return false, nil
	}
	var ahead bool
	err := s.tx.Get(ctx, &ahead, `
		SELECT GREATEST(
			(SELECT COALESCE(MAX(txid), 0) FROM event_outbox),
			(SELECT COALESCE(MAX(txid), 0) FROM event_consumer)
		) >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint`)
	if err != nil || !ahead {
		return false, err
	}
	if _, err := s.tx.Exec(ctx, `UPDATE event_outbox SET txid = 0`); err != nil {
		return false, err
	}
	_, err = s.tx.Exec(ctx, `UPDATE event_consumer SET txid = 0, id = 0`)
	return err == nil, err
}

// numbered reports whether a SQLite database has PostgreSQL's transaction numbers, from
// data that was moved back: new events, of number 0, would sort before positions that
// were passed.
func numbered(ctx context.Context, q database.Queryer) (is bool, err error) {
	if q.Dialect() != database.SQLite {
		return false, nil
	}
	err = q.Get(ctx, &is, `
		SELECT EXISTS (SELECT 1 FROM event_outbox WHERE txid > 0)
		    OR EXISTS (SELECT 1 FROM event_consumer WHERE txid > 0)`)
	return is, err
}

// passByID moves each consumer, whose position is in the order of PostgreSQL, to
// before the first event that it has not passed, in the order of ids. Events of number
// 0 with ids above a position were published after the data came back: ids go on.
func (s store) passByID(ctx context.Context) error {
	_, err := s.tx.Exec(ctx, `
		UPDATE event_consumer
		   SET id = COALESCE(
		       (SELECT MIN(o.id) - 1
		          FROM event_outbox AS o
		         WHERE o.topic = event_consumer.topic
		           AND (
		               (o.txid > 0 AND (o.txid, o.id) > (event_consumer.txid, event_consumer.id))
		               OR (o.txid = 0 AND o.id > event_consumer.id)
		           )),
		       MAX(event_consumer.id, COALESCE((SELECT MAX(o.id) FROM event_outbox AS o WHERE o.topic = event_consumer.topic), 0))),
		       txid = 0`)
	return err
}

// renumber sets the numbers of some events after an id to 0, and returns the last.
func (s store) renumber(ctx context.Context, after int64, limit int) (last int64, err error) {
	if err := s.tx.Get(ctx, &last, `
		SELECT COALESCE(MAX(id), 0)
		  FROM (SELECT id FROM event_outbox WHERE id > ? AND txid > 0 ORDER BY id LIMIT ?) AS next`, after, limit); err != nil || last == 0 {
		return 0, err
	}
	_, err = s.tx.Exec(ctx, `
		UPDATE event_outbox
		   SET txid = 0
		 WHERE id > ?
		   AND id <= ?
		   AND txid > 0`, after, last)
	return last, err
}
