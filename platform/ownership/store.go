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

// read returns the zero Claim when there is no owner yet.
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

// readLocked reads inside a write transaction, so that no take can happen between
// it and COMMIT. SQLite's write lock ensures that by itself.
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
		return "", fault.New(fault.Conflict, "the table data_identity is empty: the row with the id of the data was removed; restore it from a backup")
	}
	return id, err
}

// The time-outs of a take in PostgreSQL. While it waits for the lock, new writes
// wait behind it; so it waits several times for a short time, and a long write of
// the old owner does not block all others for its whole duration.
const (
	takeAttempt = 200 * time.Millisecond // one wait for the lock
	takePause   = 200 * time.Millisecond // between two, in which other writes run
	takeWait    = 30 * time.Second       // in all
	// idleLimit is how long an idle transaction may delay a take. Its process is
	// frozen or has lost its connection: the session is terminated, which rolls back
	// a write whose caller has no result yet.
	idleLimit = time.Second
)

// swap is the compare-and-swap.
func (r rows) swap(ctx context.Context, expected int64, next Claim) (Claim, error) {
	bounded, cancel := context.WithTimeout(ctx, takeWait)
	defer cancel()
	if expected > 0 {
		r.db.Warm(bounded) // before the lock: all writes wait while it is held
		r.db.Drain(bounded)
	}
	for {
		now, err := r.trySwap(bounded, expected, next)
		if !database.IsLockTimeout(err) {
			return now, err
		}
		if err := r.endIdle(bounded); err != nil {
			return Claim{}, err
		}
		if periodic.Sleep(bounded, takePause) != nil {
			if ctx.Err() != nil {
				return Claim{}, ctx.Err()
			}
			return Claim{}, fault.New(fault.Unavailable,
				"a write of the owner runs for longer than a take waits (30 s): wait until it ends, and take again")
		}
	}
}

func (r rows) trySwap(ctx context.Context, expected int64, next Claim) (Claim, error) {
	var now Claim
	err := r.db.Unfenced(ctx, func(tx *database.Tx) (err error) {
		nowMS := tx.Now().UnixMilli() // the database's clock; informational only
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

// takePostgres waits for the running write transactions and blocks new ones until
// this one ends. After the wait it needs one round trip to the server.
func takePostgres(ctx context.Context, tx *database.Tx, expected int64, next Claim, nowMS int64) (Claim, error) {
	if _, err := tx.Exec(ctx, fmt.Sprintf(`SET LOCAL lock_timeout = %d`, takeAttempt.Milliseconds())); err != nil {
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
		   AND epoch = ?
		   AND owner NOT IN ('moved', 'arriving')`,
		next.Epoch, next.Owner, next.URL, nowMS, expected)
	return err
}

// endIdle terminates the sessions that hold the writers' lock in an idle
// transaction.
func (r rows) endIdle(ctx context.Context) error {
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
			   AND a.state_change < clock_timestamp() - make_interval(secs => ?)`, idleLimit.Seconds())
		return err
	})
}

// move changes the URL of a claim that is still the current one.
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
