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
		return // everybody had withdrawn
	}
	g.buckets[bits.Len(uint(members-1))].Add(1)
	g.members.Add(uint64(members))
}

// Stats are the figures of one database in this process, counted since the
// start. Those of the writer and of the write-ahead log are SQLite's, and zero
// on PostgreSQL.
type Stats struct {
	Database  string
	Dialect   Dialect
	Written   int64   // writes committed
	Groups    int64   // transactions they shared
	Regrouped int64   // groups that failed as a whole and ran again one by one
	Discarded int64   // connections thrown away because not even ROLLBACK worked
	Withdrawn int64   // writes whose callers gave up before their turn
	Waiting   int     // writes in the queue now
	QueueSize int     // how many may wait
	WaitP50   float64 // seconds from the call of Write to its turn
	WaitP99   float64 // likewise
	// Turn is how long the fn of Write that runs now has had the only writer. A
	// long one holds up everybody; one that never ends has called Write itself.
	Turn time.Duration
	// WAL is the size of the write-ahead log in bytes. It starts over when nobody
	// reads an older state; OldestRead is how long somebody in this process has.
	WAL         int64
	OldestRead  time.Duration
	Connections int   // open connections for reading (PostgreSQL: for everything)
	InUse       int   // of these, busy now
	ConnWaits   int64 // times a caller had to wait for one
}

// Stats returns the figures of now.
func (db *DB) Stats() Stats {
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

// walSize is 0 when there is no log: then nothing is in it.
func (db *DB) walSize() int64 {
	about, err := os.Stat(db.path + "-wal")
	if err != nil {
		return 0
	}
	return about.Size()
}

// discard makes the pool close this connection instead of taking it back;
// either database then rolls back what was open. The error is the signal itself.
func discard(conn *sqlx.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
}
