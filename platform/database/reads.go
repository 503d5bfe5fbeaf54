package database

import (
	"context"
	"database/sql/driver"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mattn/go-sqlite3"
)

// openReads knows which reading connections of a SQLite file hold a snapshot,
// and since when: the write-ahead log cannot start over, and grows with every
// write, as long as anybody reads an older state. Reads of other processes on
// the same file do not show here; the size of the log does.
type openReads struct {
	begun time.Time
	mu    sync.Mutex
	conns map[*readConn]struct{}
}

func newOpenReads() *openReads {
	return &openReads{begun: time.Now(), conns: make(map[*readConn]struct{})}
}

// oldest is how long the longest of the reads under way has held its snapshot;
// 0 when nobody reads.
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

// readConnector opens connections that note their reads.
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
		return conn, nil // a driver that wraps its connections: it works, without the figure
	}
	noting := &readConn{SQLiteConn: lite, reads: c.reads}
	c.reads.mu.Lock()
	defer c.reads.mu.Unlock()
	c.reads.conns[noting] = struct{}{}
	return noting, nil
}

// readConn is a connection that notes when a snapshot is taken and let go:
//
//	outside a transaction   by a query, until its rows are closed
//	in a transaction        by its first query, until it ends
//
// database/sql makes one call at a time; only since is read meanwhile.
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

func (c *readConn) take() {
	if c.since.Load() == 0 {
		c.since.Store(max(1, int64(time.Since(c.reads.begun))))
	}
}

func (c *readConn) letGo() {
	if !c.inTx {
		c.since.Store(0)
	}
}

// QueryContext implements driver.QueryerContext.
func (c *readConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.take()
	rows, err := c.SQLiteConn.QueryContext(ctx, query, args)
	lite, is := rows.(*sqlite3.SQLiteRows)
	if err != nil || !is {
		c.letGo()
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

// readRows are the rows of a query, of every optional interface that the
// driver's have.
type readRows struct {
	*sqlite3.SQLiteRows
	conn *readConn
}

// Close implements driver.Rows.
func (r *readRows) Close() error {
	err := r.SQLiteRows.Close()
	r.conn.letGo()
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
	t.conn.letGo()
}
