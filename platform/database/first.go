package database

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"reflect"

	"github.com/jackc/pgx/v5"
	"github.com/jmoiron/sqlx"
)

// beginFenced begins a transaction and asks the fence, with PostgreSQL itself in one
// round trip instead of two. failed is that there is no transaction; refused is the
// fence's answer.
func (db *DB) beginFenced(ctx context.Context, conn *sqlx.Conn) (failed, refused error) {
	f := db.fence.Load()
	if f == nil {
		_, failed = conn.ExecContext(ctx, begin)
		return failed, nil
	}
	first := &firstRead{Conn: conn}
	tx := &Tx{db: db, run: first}
	defer func() { tx.over = true }()
	refused = tx.outcome((*f).Check(ctx, tx))
	if !first.sent {
		return first.begin(ctx), refused
	}
	return first.failed, refused
}

// firstRead is a connection whose first read begins a transaction and is sent together
// with BEGIN. It must change nothing: when the connection turns out to be lost it is sent
// again on another one.
type firstRead struct {
	*sqlx.Conn
	sent   bool
	failed error // BEGIN's
}

func (r *firstRead) begin(ctx context.Context) error {
	r.sent = true
	_, r.failed = r.Conn.ExecContext(ctx, begin) //nolint:wrapcheck // beginPostgres says what could not begin
	return r.failed
}

// GetContext implements statements.
func (r *firstRead) GetContext(ctx context.Context, dest any, query string, args ...any) error {
	if r.sent {
		return r.Conn.GetContext(ctx, dest, query, args...)
	}
	together := false
	var read error
	r.failed = r.Conn.Raw(func(driverConn any) error {
		c, is := driverConn.(*postgresConn)
		if !is {
			r.sent = true
			return fmt.Errorf("the pool holds a %T", driverConn)
		}
		if together = c.setPath == ""; !together { // the query finds its tables only when the path is set
			return nil
		}
		r.sent = true
		var batch pgx.Batch
		batch.Queue(begin)
		batch.Queue(query, args...)
		results := c.Conn.Conn().SendBatch(ctx, &batch)
		defer func() { _ = results.Close() }() // each answer is looked at below
		if _, err := results.Exec(); err != nil {
			return c.unsent(ctx, err)
		}
		read = get(results, dest)
		if c.Conn.Conn().IsClosed() {
			return c.unsent(ctx, read)
		}
		return nil
	})
	if r.failed == nil && !together {
		if r.begin(ctx) == nil {
			return r.Conn.GetContext(ctx, dest, query, args...)
		}
	}
	if r.failed != nil {
		return r.failed
	}
	return read
}

// get reads the first row of the next answer of a batch, as sqlx.Get would; dest is a
// pointer to a struct or to a single value.
func get(results pgx.BatchResults, dest any) error {
	rows, err := results.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	to := reflect.ValueOf(dest).Elem()
	if to.Kind() != reflect.Struct {
		if !rows.Next() {
			return cmp.Or(rows.Err(), sql.ErrNoRows)
		}
		return rows.Scan(dest)
	}
	all := reflect.New(reflect.SliceOf(to.Type()))
	if err := sqlx.StructScan(batchRows{rows}, all.Interface()); err != nil {
		return err
	}
	if all.Elem().Len() == 0 {
		return sql.ErrNoRows
	}
	to.Set(all.Elem().Index(0))
	return nil
}

// batchRows are rows of pgx as sqlx takes them.
type batchRows struct{ pgx.Rows }

func (r batchRows) Close() error {
	r.Rows.Close()
	return r.Err()
}

func (r batchRows) Columns() ([]string, error) {
	var names []string
	for _, f := range r.FieldDescriptions() {
		names = append(names, f.Name)
	}
	return names, nil
}
