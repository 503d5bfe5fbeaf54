package ownership

import (
	"context"
	"fmt"
	"time"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/periodic"
)

// rows is the register in a module's database.
type rows struct{ db *database.DB }

// read returns the zero Claim when nobody owns yet.
func (r rows) read(ctx context.Context) (Claim, error) { return readClaim(ctx, r.db.Read()) }

func readClaim(ctx context.Context, q database.Queryer) (Claim, error) {
	return one(ctx, q, `
		SELECT epoch,
		       owner,
		       url,
		       changed_ms
		  FROM ownership
		 WHERE id = 1`)
}

// readLocked reads inside a write transaction, so that no take can come between
// it and COMMIT. SQLite's write lock does that by itself.
func readLocked(ctx context.Context, q database.Queryer) (Claim, error) {
	if q.Dialect() == database.SQLite {
		return readClaim(ctx, q)
	}
	return one(ctx, q, `
		SELECT epoch,
		       owner,
		       url,
		       changed_ms
		  FROM ownership_fence()`)
}

func one(ctx context.Context, q database.Queryer, query string, args ...any) (Claim, error) {
	var c Claim
	err := q.Get(ctx, &c, query, args...)
	if database.IsNoRows(err) {
		return Claim{}, nil
	}
	return c, err
}

// data fails with fault.Conflict when the row is missing: a migration made it,
// and no program removes it.
func (r rows) data(ctx context.Context) (string, error) {
	var id string
	err := r.db.Read().Get(ctx, &id, `
		SELECT data_id
		  FROM data_identity
		 WHERE id = 1`)
	if database.IsNoRows(err) {
		return "", fault.New(fault.Conflict, "the table data_identity is empty: somebody has removed the row that names the data; put it back from a backup")
	}
	return id, err
}

// The time-outs of a take on PostgreSQL. While it waits for the lock of the
// writers, new writes wait behind it; so it waits in short turns, and a long write
// of the old owner does not stop all others for its whole length.
const (
	takeTurn  = 200 * time.Millisecond // waiting for the lock
	takePause = 200 * time.Millisecond // letting others through
	takeWait  = 30 * time.Second       // in all
	// asleep is how long a transaction that does nothing may keep a take waiting.
	// Its process is frozen or cut off: its connection is ended, which rolls back
	// what nobody was told was stored.
	asleep = time.Second
)

// swap is the compare-and-swap.
func (r rows) swap(ctx context.Context, expected int64, next Claim) (Claim, error) {
	bounded, cancel := context.WithTimeout(ctx, takeWait)
	defer cancel()
	if expected > 0 {
		r.db.Warm(bounded) // before the lock: everybody waits while it is held
	}
	for {
		now, err := r.trySwap(bounded, expected, next)
		if !database.IsLockTimeout(err) {
			return now, err
		}
		if err := r.endSleepers(bounded); err != nil {
			return Claim{}, err
		}
		if periodic.Sleep(bounded, takePause) != nil {
			if ctx.Err() != nil {
				return Claim{}, ctx.Err()
			}
			return Claim{}, fault.New(fault.Unavailable,
				"a write of the owner has been running for longer than a take waits: wait for it to end, and take again")
		}
	}
}

func (r rows) trySwap(ctx context.Context, expected int64, next Claim) (Claim, error) {
	var now Claim
	err := r.db.Unfenced(ctx, func(tx *database.Tx) (err error) {
		nowMS := tx.Now().UnixMilli() // the database's clock, for people
		if tx.Dialect() == database.Postgres {
			now, err = takePostgres(ctx, tx, expected, next, nowMS)
			return err
		}
		if err := store(ctx, tx, expected, next, nowMS); err != nil {
			return err
		}
		now, err = readClaim(ctx, tx)
		return err
	})
	return now, err
}

// takePostgres waits for the write transactions under way and keeps new ones
// out until this one ends. What comes after the wait is one trip to the server.
func takePostgres(ctx context.Context, tx *database.Tx, expected int64, next Claim, nowMS int64) (Claim, error) {
	if _, err := tx.Exec(ctx, fmt.Sprintf(`SET LOCAL lock_timeout = %d`, takeTurn.Milliseconds())); err != nil {
		return Claim{}, err
	}
	return one(ctx, tx, `
		SELECT epoch,
		       owner,
		       url,
		       changed_ms
		  FROM ownership_take(?, ?, ?, ?, ?)`,
		expected, next.Epoch, next.Owner, next.URL, nowMS)
}

// store changes the row if its epoch is expected; ownership_take does the same.
func store(ctx context.Context, tx *database.Tx, expected int64, next Claim, nowMS int64) error {
	if expected == 0 {
		_, err := tx.Exec(ctx, `
			INSERT INTO ownership (id, epoch, owner, url, changed_ms)
			VALUES (1, ?, ?, ?, ?)
			    ON CONFLICT (id) DO NOTHING`,
			next.Epoch, next.Owner, next.URL, nowMS)
		return err
	}
	_, err := tx.Exec(ctx, `
		UPDATE ownership
		   SET epoch = ?,
		       owner = ?,
		       url = ?,
		       changed_ms = ?
		 WHERE id = 1
		   AND epoch = ?`,
		next.Epoch, next.Owner, next.URL, nowMS, expected)
	return err
}

// endSleepers ends the connections that hold the writers' lock and do nothing
// with it.
func (r rows) endSleepers(ctx context.Context) error {
	return r.db.Unfenced(ctx, func(tx *database.Tx) error {
		_, err := tx.Exec(ctx, `
			SELECT pg_terminate_backend(a.pid)
			  FROM pg_locks AS l
			  JOIN pg_stat_activity AS a ON a.pid = l.pid
			 WHERE l.locktype = 'advisory'
			   AND l.granted
			   AND l.objsubid = 1
			   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
			   AND l.classid = ((ownership_lock() >> 32) & 4294967295)::oid
			   AND l.objid = (ownership_lock() & 4294967295)::oid
			   AND a.state LIKE 'idle in transaction%'
			   AND a.state_change < clock_timestamp() - make_interval(secs => ?)`, asleep.Seconds())
		return err
	})
}

// move changes the URL of a claim that still holds.
func (r rows) move(ctx context.Context, c Claim) error {
	return r.db.Unfenced(ctx, func(tx *database.Tx) error {
		_, err := tx.Exec(ctx, `
			UPDATE ownership
			   SET url = ?
			 WHERE id = 1
			   AND epoch = ?
			   AND owner = ?`,
			c.URL, c.Epoch, c.Owner)
		return err
	})
}
