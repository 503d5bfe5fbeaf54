package database

import (
	"database/sql/driver"
	"math/bits"
	"os"
	"sync/atomic"
	"time"

	"github.com/jmoiron/sqlx"

	"banyan/platform/latency"
)

// writerCounts are the writer's counters since the start.
type writerCounts struct {
	written   atomic.Int64
	groups    atomic.Int64
	regrouped atomic.Int64
	discarded atomic.Int64
	withdrawn atomic.Int64
	waits     latency.Histogram
	sizes     groupSizes
	turnSince atomic.Pointer[time.Time] // nil between turns
}

// groupSizes counts groups by their members: up to 1, 2, 4 … groupMost.
type groupSizes struct {
	buckets [9]atomic.Uint64
	members atomic.Uint64
}

func (g *groupSizes) observe(members int) {
	if members == 0 {
		return // all were withdrawn
	}
	g.buckets[bits.Len(uint(members-1))].Add(1)
	g.members.Add(uint64(members))
}

// Stats are the statistics of one database in this process since the start. Those
// of the writer and of the write-ahead log are SQLite's, and zero with
// PostgreSQL.
type Stats struct {
	Database  string
	Dialect   Dialect
	Written   int64   // writes committed
	Groups    int64   // transactions they shared
	Regrouped int64   // groups that failed as a whole and ran again one by one
	Discarded int64   // connections closed because even ROLLBACK failed
	Withdrawn int64   // writes whose callers gave up before they ran
	Waiting   int     // writes in the queue now
	QueueSize int     // how many may wait
	WaitP50   float64 // seconds from the call of Write until fn runs
	WaitP99   float64 // likewise
	// Turn is how long the running fn of Write has held the only writer, 0 when none
	// runs. A long one delays all other writes; one that never ends has called
	// Write itself.
	Turn time.Duration
	// WAL is the size of the write-ahead log in bytes. It is reused when no read
	// of an older state runs; OldestRead is the age of the oldest in this process.
	WAL         int64
	OldestRead  time.Duration
	Connections int   // open connections for reading (PostgreSQL: for everything)
	InUse       int   // of these, in use
	ConnWaits   int64 // times that a caller waited for one
}

// Stats returns the current statistics.
func (db *DB) Stats() Stats { return db.now().stats() }

func (db *DB) stats() Stats {
	pool := db.readers.Stats()
	s := Stats{
		Database: db.options.Module, Dialect: db.dialect,
		Connections: pool.OpenConnections, InUse: pool.InUse, ConnWaits: pool.WaitCount,
	}
	if g := db.writer; g != nil {
		s.Written, s.Groups = g.counts.written.Load(), g.counts.groups.Load()
		s.Regrouped, s.Discarded = g.counts.regrouped.Load(), g.counts.discarded.Load()
		s.Withdrawn = g.counts.withdrawn.Load()
		s.Waiting, s.QueueSize = len(g.queue), cap(g.queue)
		waits := g.counts.waits.Counts()
		s.WaitP50, s.WaitP99 = waits.Quantile(0.5), waits.Quantile(0.99)
		if since := g.counts.turnSince.Load(); since != nil {
			s.Turn = time.Since(*since)
		}
		s.WAL, s.OldestRead = db.walSize(), db.reads.oldest()
	}
	return s
}

// walSize returns the size of the write-ahead log in bytes, 0 when there is none.
func (db *DB) walSize() int64 {
	about, err := os.Stat(db.path + "-wal")
	if err != nil {
		return 0
	}
	return about.Size()
}

// discard makes the pool close this connection instead of keeping it;
// either database then rolls back an open transaction. The error is the signal
// to the pool.
func discard(conn *sqlx.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
}
