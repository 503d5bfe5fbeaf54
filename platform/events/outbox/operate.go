package outbox

import (
	"context"
	"fmt"
	"time"

	"banyan/platform/database"
	"banyan/platform/events"
	"banyan/platform/fault"
	"banyan/platform/page"
)

// Status is how one consumer stands, for the operator page and the metrics.
// Counts end at 10,000: more is only "many".
type Status struct {
	Consumer  string    `json:"consumer"`
	Topic     string    `json:"topic"`
	Lag       int64     `json:"lag"`                 // events published and not yet passed
	Oldest    time.Time `json:"oldest,omitzero"`     // when the first of these was published
	Position  string    `json:"position"`            // "transaction/id" in the outbox
	Failures  int64     `json:"failures"`            // deliveries that failed as a whole, in a row
	LastError string    `json:"last_error,omitzero"` // of these
	MovedAt   time.Time `json:"moved_at"`            // when the position last moved
	Parked    int64     `json:"parked"`              // events waiting to be tried again
	Dead      int64     `json:"dead"`                // events not tried again until replayed
}

// ReadStatus gives the state of every consumer of db's events.
func ReadStatus(ctx context.Context, db *database.DB) ([]Status, error) {
	var all []Status
	err := db.Snapshot(ctx, func(q database.Reader) error {
		rows, err := readConsumers(ctx, q)
		if err != nil {
			return err
		}
		for _, row := range rows {
			s, err := statusOf(ctx, q, row)
			if err != nil {
				return err
			}
			all = append(all, s)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the state of the events of %s: %w", db.Module(), err)
	}
	return all, nil
}

func statusOf(ctx context.Context, q database.Queryer, row consumerRow) (Status, error) {
	s := Status{
		Consumer: row.Consumer, Topic: row.Topic,
		Position: fmt.Sprintf("%d/%d", row.TxID, row.ID),
		Failures: row.Failures, LastError: row.LastError, MovedAt: time.UnixMilli(row.MovedAt).UTC(),
	}
	var err error
	if s.Lag, err = countAfter(ctx, q, row.Topic, row.position); err != nil {
		return s, err
	}
	oldest, err := oldestAfter(ctx, q, row.Topic, row.position)
	if err != nil {
		return s, err
	}
	if oldest > 0 {
		s.Oldest = time.UnixMilli(oldest).UTC()
	}
	if s.Parked, err = countParked(ctx, q, row.Consumer, row.Topic, false); err != nil {
		return s, err
	}
	s.Dead, err = countParked(ctx, q, row.Consumer, row.Topic, true)
	return s, err
}

// Letter is a dead letter: an event that a consumer failed to handle so often
// that it is not tried again until somebody replays it.
type Letter struct {
	Consumer  string       `json:"consumer"`
	Event     events.Event `json:"event"`
	Attempts  int64        `json:"attempts"`
	LastError string       `json:"last_error"`
	ParkedAt  time.Time    `json:"parked_at"` // its first failure
}

// mostLetters bounds a page of dead letters, and the ids of one Replay.
const mostLetters = 500

// letterPlace is a place in the order of dead letters.
type letterPlace struct {
	Consumer string `json:"consumer"`
	Event    string `json:"event"`
}

// ListDead returns dead letters of one consumer (or of all: ""), a page at a
// time: cursor is "" for the first page and next for the one after; next is ""
// after the last. limit is 1–500, 0 = 500. Fails with fault.Invalid for another
// limit, and for a cursor of another consumer.
func ListDead(ctx context.Context, db *database.DB, consumer, cursor string, limit int) (letters []Letter, next string, err error) {
	limits := page.Limits{Default: mostLetters, Max: mostLetters}
	if err := limits.Check(limit); err != nil {
		return nil, "", err
	}
	list := page.NewList[letterPlace]("dead letters", consumer)
	after, err := list.After(cursor, letterPlace{})
	if err != nil {
		return nil, "", err
	}
	size := limits.Size(limit)
	rows, err := readDead(ctx, db.Read(), consumer, after, size+1)
	if err != nil {
		return nil, "", fmt.Errorf("list the dead letters of %s: %w", db.Module(), err)
	}
	rows, next = page.Cut(list, rows, size, func(row parkedRow) letterPlace { return letterPlace{row.Consumer, row.EventID} })
	for _, row := range rows {
		letters = append(letters, Letter{
			Consumer: row.Consumer, Event: row.event(), Attempts: row.Attempts,
			LastError: row.LastError, ParkedAt: time.UnixMilli(row.ParkedAt).UTC(),
		})
	}
	return letters, next, nil
}

// Replay gives dead letters new attempts: those with these event ids, or all
// when none is given; of one consumer, or of all ("" ). It may be called from
// another process than the relay's, which then notices at its next poll.
// revived is how many there were.
func Replay(ctx context.Context, db *database.DB, consumer string, ids ...string) (revived int64, err error) {
	if len(ids) > mostLetters {
		return 0, fault.Newf(fault.TooLarge, "at most %d events can be named at once: name fewer, or none for all", mostLetters)
	}
	err = db.Write(ctx, func(tx *database.Tx) (err error) {
		tx.Wake(wakeName)
		revived, err = store{tx}.reviveDead(ctx, consumer, ids)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("replay dead letters of %s: %w", db.Module(), err)
	}
	return revived, nil
}

// Forget removes a consumer that no longer exists: its positions, what is parked
// for it and its dead letters. Until then every event is kept for it.
func Forget(ctx context.Context, db *database.DB, consumer string) error {
	var known int64
	err := db.Write(ctx, func(tx *database.Tx) (err error) {
		known, err = store{tx}.deleteConsumer(ctx, consumer)
		return err
	})
	if err != nil {
		return fmt.Errorf("forget consumer %s of %s: %w", consumer, db.Module(), err)
	}
	if known == 0 {
		return fault.Newf(fault.NotFound, "%s has no consumer %q: see them with banyan events status", db.Module(), consumer)
	}
	return nil
}
