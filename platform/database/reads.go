package database

import (
	"context"
	"database/sql/driver"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mattn/go-sqlite3"
)

// openReads records which reading connections of a SQLite file hold a snapshot,
// and since when: the write-ahead log cannot be reused, and grows with every
// write, as long as a read of an older state runs. It does not see the reads of
// other processes on the same file; the size of the log shows those.
type openReads struct {
	begun time.Time
	mu    sync.Mutex
	conns map[*readConn]struct{}
}

func newOpenReads() *openReads {
	return &openReads{begun: time.Now(), conns: make(map[*readConn]struct{})}
}

// oldest returns how long the oldest running read has held its snapshot; 0 when
// none runs.
func (o *openReads) oldest() time.Duration {
	now := time.Since(o.begun)
	var longest time.Duration
	o.mu.Lock()
	defer o.mu.Unlock()
	for c := range o.conns {
		if since := c.since.Load(); since != 0 {
			longest = max(longest, now-time.Duration(since))
		}
	}
	return longest
}

// readConnector opens connections that record their reads.
type readConnector struct {
	sqliteConnector
	reads *openReads
}

// Connect opens one connection.
func (c readConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.sqliteConnector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	lite, is := conn.(*sqlite3.SQLiteConn)
	if !is {
		return conn, nil // a driver that wraps its connections: OldestRead stays 0
	}
	recording := &readConn{SQLiteConn: lite, reads: c.reads}
	c.reads.mu.Lock()
	defer c.reads.mu.Unlock()
	c.reads.conns[recording] = struct{}{}
	return recording, nil
}

// readConn is a connection that records when it holds a snapshot:
//
//	outside a transaction   by a query, until its rows are closed
//	in a transaction        by its first query, until it ends
//
// database/sql makes one call at a time; only since is read concurrently.
type readConn struct {
	*sqlite3.SQLiteConn
	reads *openReads
	inTx  bool
	since atomic.Int64 // nanoseconds after reads.begun; 0 = no snapshot
}

var (
	_ driver.QueryerContext     = (*readConn)(nil)
	_ driver.ConnBeginTx        = (*readConn)(nil)
	_ driver.ConnPrepareContext = (*readConn)(nil)
)

func (c *readConn) acquire() {
	if c.since.Load() == 0 {
		c.since.Store(max(1, int64(time.Since(c.reads.begun))))
	}
}

func (c *readConn) release() {
	if !c.inTx {
		c.since.Store(0)
	}
}

// QueryContext implements driver.QueryerContext.
func (c *readConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.acquire()
	rows, err := c.SQLiteConn.QueryContext(ctx, query, args)
	lite, is := rows.(*sqlite3.SQLiteRows)
	if err != nil || !is {
		c.release()
		return rows, err
	}
	return &readRows{lite, c}, nil
}

// BeginTx implements driver.ConnBeginTx.
func (c *readConn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	tx, err := c.SQLiteConn.BeginTx(ctx, options)
	if err != nil {
		return nil, err
	}
	c.inTx = true
	return readTx{tx, c}, nil
}

// Close implements driver.Conn.
func (c *readConn) Close() error {
	c.reads.mu.Lock()
	delete(c.reads.conns, c)
	c.reads.mu.Unlock()
	return c.SQLiteConn.Close()
}

// readRows are the rows of a query, with every optional interface of the driver's.
type readRows struct {
	*sqlite3.SQLiteRows
	conn *readConn
}

// Close implements driver.Rows.
func (r *readRows) Close() error {
	err := r.SQLiteRows.Close()
	r.conn.release()
	return err
}

type readTx struct {
	driver.Tx
	conn *readConn
}

// Commit implements driver.Tx.
func (t readTx) Commit() error {
	defer t.end()
	return t.Tx.Commit()
}

// Rollback implements driver.Tx.
func (t readTx) Rollback() error {
	defer t.end()
	return t.Tx.Rollback()
}

func (t readTx) end() {
	t.conn.inTx = false
	t.conn.release()
}
