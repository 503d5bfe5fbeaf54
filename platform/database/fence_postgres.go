package database

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/jmoiron/sqlx"
)

// beginPostgres begins a transaction and asks the fence. The fence's query goes
// to the server together with BEGIN: a way there and back of its own would cost
// a short write a third of its speed.
func (db *DB) beginPostgres(ctx context.Context, conn *sqlx.Conn, fenced bool) error {
	f := db.fence.Load()
	if f == nil || !fenced {
		return db.plainBegin(ctx, conn)
	}
	o := &opening{db: db, conn: conn, tx: &Tx{db: db, run: conn}}
	defer func() { o.tx.over = true }()
	if err := o.tx.outcome((*f).Check(ctx, o)); err != nil || o.begun {
		return err
	}
	return db.plainBegin(ctx, conn) // the fence did not need to look
}

func (db *DB) plainBegin(ctx context.Context, conn *sqlx.Conn) error {
	if _, err := conn.ExecContext(ctx, `BEGIN`); err != nil {
		return fmt.Errorf("begin to write to %s: %w", db.options.Module, db.explain(ctx, err))
	}
	return nil
}

// Row is what a fence reads into when its query has several columns: Into gives
// where they go, in the order of the query.
type Row interface{ Into() []any }

// opening is the Queryer of a fence whose first query also begins the transaction.
type opening struct {
	db    *DB
	conn  *sqlx.Conn
	tx    *Tx
	begun bool
}

// Dialect implements Queryer.
func (o *opening) Dialect() Dialect { return Postgres }

// Select implements Queryer.
func (o *opening) Select(ctx context.Context, dest any, query string, args ...any) error {
	if !o.begun {
		o.begun = true
		if err := o.db.plainBegin(ctx, o.conn); err != nil {
			return err
		}
	}
	return o.tx.Select(ctx, dest, query, args...)
}

// Get implements Queryer.
func (o *opening) Get(ctx context.Context, dest any, query string, args ...any) error {
	if o.begun {
		return o.tx.Get(ctx, dest, query, args...)
	}
	o.begun = true
	return o.tx.statement(ctx, func(ctx context.Context) error {
		return o.conn.Raw(func(driverConn any) error {
			batch := &pgx.Batch{}
			batch.Queue(`BEGIN`)
			batch.Queue(o.db.rebind(query), args...)
			results := driverConn.(*stdlib.Conn).Conn().SendBatch(ctx, batch)
			err := firstRow(results, dest)
			if closed := results.Close(); err == nil {
				err = closed
			}
			return err
		})
	})
}

// firstRow reads the answers to BEGIN and to the query.
func firstRow(results pgx.BatchResults, dest any) error {
	if _, err := results.Exec(); err != nil {
		return err
	}
	rows, err := results.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return err
		}
		return sql.ErrNoRows
	}
	if row, several := dest.(Row); several {
		return rows.Scan(row.Into()...)
	}
	return rows.Scan(dest)
}
