package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/jmoiron/sqlx"

	"banyan/platform/fault"
)

// A connection pooler such as PgBouncer may run each transaction of a connection
// in another session of PostgreSQL, and shares these sessions among its clients:
// nothing that is set for a session, no prepared statement and no lock of a
// session may be relied on, or left behind for others.
//
//	                 to PostgreSQL itself         through a pooler
//	search path      with the session's start     SET LOCAL in each transaction
//	single reads     as they are                  in a transaction of their own
//	statements       prepared and kept            described once, then unnamed
//
// What a pooler's session mode would allow beyond this is not used, because
// nothing shows reliably which mode it runs in.

// poolerIdle is how long a connection to a pooler is kept unused. In session mode
// each one occupies a session of the pooler, which others wait for.
const poolerIdle = 10 * time.Second

// postgresConnector opens connections to PostgreSQL or to a pooler.
type postgresConnector struct {
	driver.Connector
	setPath string // SET LOCAL search_path = …; empty: the session has it
}

// Connect opens one connection.
func (c postgresConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	std, is := conn.(*stdlib.Conn)
	if !is {
		return nil, fmt.Errorf("pgx opened a %T, which is not its own connection", conn)
	}
	return &postgresConn{Conn: std, setPath: c.setPath}, nil
}

// postgresConn is a connection of pgx. What begins outside a transaction and finds
// the connection lost has not happened, and is reported as driver.ErrBadConn, so
// that it is sent again on another one.
type postgresConn struct {
	*stdlib.Conn
	setPath string
}

var (
	_ driver.ExecerContext      = (*postgresConn)(nil)
	_ driver.QueryerContext     = (*postgresConn)(nil)
	_ driver.ConnBeginTx        = (*postgresConn)(nil)
	_ driver.ConnPrepareContext = (*postgresConn)(nil)
	_ driver.SessionResetter    = (*postgresConn)(nil)
	_ driver.NamedValueChecker  = (*postgresConn)(nil)
)

// errPrepared is a defect of the program.
var errPrepared = errors.New("a prepared statement does not outlive its transaction behind a connection pooler: pass the query itself")

func (c *postgresConn) status() byte { return c.Conn.Conn().PgConn().TxStatus() }

// alone reports whether the next statement needs a transaction put around it.
func (c *postgresConn) alone() bool { return c.setPath != "" && c.status() == 'I' }

// unsent turns the error of a statement outside a transaction that changes nothing
// into driver.ErrBadConn if the server ended the connection.
func (c *postgresConn) unsent(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil || !c.Conn.Conn().IsClosed() {
		return err
	}
	code := postgresCode(err)
	if code == "" || strings.HasPrefix(code, "57P") {
		return driver.ErrBadConn
	}
	return err
}

// ExecContext implements driver.ExecerContext.
func (c *postgresConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if query == begin && c.status() == 'I' {
		return driver.ResultNoRows, c.unsent(ctx, c.begin(ctx))
	}
	if !c.alone() {
		return c.Conn.ExecContext(ctx, query, args)
	}
	if err := c.begin(ctx); err != nil {
		return nil, c.unsent(ctx, err)
	}
	result, err := c.Conn.ExecContext(ctx, query, args)
	return result, c.end(ctx, err)
}

// QueryContext implements driver.QueryerContext. Outside a transaction it is for
// reading only.
func (c *postgresConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if !c.alone() {
		outside := c.status() == 'I'
		rows, err := c.Conn.QueryContext(ctx, query, args)
		if outside {
			err = c.unsent(ctx, err)
		}
		return rows, err
	}
	if err := c.begin(ctx); err != nil {
		return nil, c.unsent(ctx, err)
	}
	rows, err := c.Conn.QueryContext(ctx, query, args)
	if err != nil {
		return nil, c.unsent(ctx, c.end(ctx, err))
	}
	std, is := rows.(*stdlib.Rows)
	if !is {
		return nil, c.end(ctx, fmt.Errorf("pgx answered with a %T, which is not its own", rows))
	}
	return &postgresRows{Rows: std, conn: c, ctx: ctx}, nil
}

// BeginTx implements driver.ConnBeginTx.
func (c *postgresConn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	tx, err := c.Conn.BeginTx(ctx, options)
	if err != nil {
		return nil, c.unsent(ctx, err)
	}
	if c.setPath == "" {
		return tx, nil
	}
	if _, err := c.Conn.ExecContext(ctx, c.setPath, nil); err != nil {
		return nil, c.unsent(ctx, c.end(ctx, err))
	}
	return tx, nil
}

// PrepareContext implements driver.ConnPrepareContext.
func (c *postgresConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if c.setPath != "" {
		return nil, errPrepared
	}
	return c.Conn.PrepareContext(ctx, query)
}

// Close implements driver.Conn. It fails only where the server has ended the
// connection already, and every statement has been answered by then.
func (c *postgresConn) Close() error {
	_ = c.Conn.Close() // see above
	return nil
}

// begin is one message to the server, with the search path in it.
func (c *postgresConn) begin(ctx context.Context) error {
	query := begin
	if c.setPath != "" {
		query += "; " + c.setPath
	}
	_, err := c.Conn.ExecContext(ctx, query, nil)
	return err
}

// end commits the transaction around a single statement that ended with err, or
// rolls it back. A connection that does neither is closed. It returns err, or what
// became of the commit.
func (c *postgresConn) end(ctx context.Context, err error) error {
	if c.Conn.Conn().IsClosed() {
		return err
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitWait)
	defer cancel()
	query := `COMMIT`
	if err != nil {
		query = `ROLLBACK`
	}
	if _, failed := c.Conn.ExecContext(bounded, query, nil); failed != nil {
		_ = c.Close() // it never fails
		return errors.Join(err, failed)
	}
	return err
}

// postgresRows end the transaction around their query when they are closed.
type postgresRows struct {
	*stdlib.Rows
	conn *postgresConn
	ctx  context.Context // the query's: Close has none of its own
	over bool
}

// Close implements driver.Rows.
func (r *postgresRows) Close() error {
	err := r.Rows.Close()
	if r.over {
		return err
	}
	r.over = true
	return r.conn.end(r.ctx, err)
}

// throughPooler reports whether something between the program and PostgreSQL hands
// out the sessions: then it made up the number of the process that a connection is
// told, and may have dropped the search path.
func (db *DB) throughPooler(ctx context.Context, path string) (bool, error) {
	conn, err := db.readers.Connx(ctx)
	if err != nil {
		return startupRefused(err), err
	}
	defer func() { _ = conn.Close() }() // back to the pool
	pooler := false
	err = conn.Raw(func(driverConn any) error {
		c, is := driverConn.(*postgresConn)
		if !is {
			return fmt.Errorf("the pool holds a %T", driverConn)
		}
		pg := c.Conn.Conn().PgConn()
		// The simple protocol leaves no prepared statement in a session of others.
		results, err := pg.Exec(ctx, `SELECT pg_backend_pid(), current_setting('search_path')`).ReadAll()
		if err != nil {
			return err
		}
		row := results[0].Rows[0]
		pooler = string(row[0]) != fmt.Sprint(pg.PID()) || string(row[1]) != path
		return nil
	})
	return pooler, err
}

// startupRefused reports whether PgBouncer refused a parameter that connections to
// PostgreSQL itself start with.
func startupRefused(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "08P01" && strings.Contains(pg.Message, "startup parameter")
}

// openPooler opens the pool for connections through a pooler, and makes sure that
// it keeps a setting for as long as a transaction lasts.
func (db *DB) openPooler(ctx context.Context, config pgx.ConnConfig, path string) error {
	delete(config.RuntimeParams, "search_path")
	if !strings.Contains(db.options.URL, "default_query_exec_mode=") {
		config.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	}
	db.readers = db.postgresPool(config, `SET LOCAL search_path = `+path)
	db.readers.SetConnMaxIdleTime(poolerIdle)
	var kept string
	if err := db.readers.GetContext(ctx, &kept, `SELECT current_setting('search_path')`); err != nil {
		return err
	}
	if kept != path && kept != db.options.Schema { // SET drops quotes that are not needed
		return fault.Newf(fault.Unavailable,
			"the connection pooler in front of the database of %s does not keep a search path within a transaction (%s became %s): set its pool_mode to transaction or session",
			db.options.Module, path, kept)
	}
	return nil
}

// postgresPool is a pool of at most Options.Connections.
func (db *DB) postgresPool(config pgx.ConnConfig, setPath string) *sqlx.DB {
	pool := sqlx.NewDb(sql.OpenDB(postgresConnector{stdlib.GetConnector(config), setPath}), "pgx")
	pool.SetMaxOpenConns(db.options.Connections)
	pool.SetMaxIdleConns(db.options.Connections)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	return pool
}

// dropIdle closes the connections that nobody uses: those to a server that was
// stopped, or is a standby by now.
func (db *DB) dropIdle() {
	db.readers.SetMaxIdleConns(-1)
	db.readers.SetMaxIdleConns(db.options.Connections)
}
