package database

import (
	"database/sql/driver"
	"sync/atomic"
	"time"

	"github.com/jmoiron/sqlx"
)

// writerCounts are the writer's counters since the start.
type writerCounts struct {
	written   atomic.Int64
	groups    atomic.Int64
	regrouped atomic.Int64
	discarded atomic.Int64
	turnSince atomic.Pointer[time.Time] // nil between turns
}

// Stats are numbers for the metrics page, counted since the start. Except for
// the connections they are about SQLite's writer, and zero on PostgreSQL.
type Stats struct {
	Written   int64 // writes committed
	Groups    int64 // transactions they shared
	Regrouped int64 // groups that failed as a whole and ran again one by one
	Discarded int64 // connections thrown away because not even ROLLBACK worked
	Waiting   int   // writes in the queue now
	QueueSize int   // how many may wait
	// Turn is how long the fn of Write that runs now has had the only writer. A
	// long one holds up everybody; one that never ends has called Write itself.
	Turn        time.Duration
	Connections int   // open connections for reading (PostgreSQL: for everything)
	InUse       int   // of these, busy now
	ConnWaits   int64 // times a caller had to wait for one
}

// Stats gives the numbers of now.
func (db *DB) Stats() Stats {
	pool := db.readers.Stats()
	s := Stats{Connections: pool.OpenConnections, InUse: pool.InUse, ConnWaits: pool.WaitCount}
	if g := db.writer; g != nil {
		s.Written, s.Groups = g.counts.written.Load(), g.counts.groups.Load()
		s.Regrouped, s.Discarded = g.counts.regrouped.Load(), g.counts.discarded.Load()
		s.Waiting, s.QueueSize = len(g.queue), cap(g.queue)
		if since := g.counts.turnSince.Load(); since != nil {
			s.Turn = time.Since(*since)
		}
	}
	return s
}

// discard makes the pool close this connection instead of taking it back;
// either database then rolls back what was open. The error is the signal itself.
func discard(conn *sqlx.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
}
