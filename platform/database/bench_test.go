package database_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3" // registers "sqlite3" for the baseline

	"banyan/platform/database"
	"banyan/platform/testenv/databasetest"
)

const benchCallers = 64

// load runs n writes from 64 goroutines and returns writes per second and the
// slowest of a hundred.
func load(b *testing.B, n int, write func(id int) error) (perSecond float64, p99 time.Duration) {
	b.Helper()
	var next atomic.Int64
	took := make([]time.Duration, n)
	var wg sync.WaitGroup
	begun := time.Now()
	for range benchCallers {
		wg.Go(func() {
			for {
				id := int(next.Add(1)) - 1
				if id >= n {
					return
				}
				start := time.Now()
				if err := write(id); err != nil {
					b.Error(err)
					return
				}
				took[id] = time.Since(start)
			}
		})
	}
	wg.Wait()
	perSecond = float64(n) / time.Since(begun).Seconds()
	slices.Sort(took)
	return perSecond, took[n*99/100]
}

// BenchmarkDurableWrites compares group commit with one transaction per write,
// both at synchronous=FULL with 64 callers, in the same run.
func BenchmarkDurableWrites(b *testing.B) {
	db := sqliteShelf(b)
	ctx := context.Background()
	group, groupP99 := load(b, b.N, func(id int) error {
		return db.Write(ctx, func(tx *database.Tx) error { return addBook(ctx, tx, id, fmt.Sprint("title ", id)) })
	})

	alone := sqliteShelf(b)
	conn, err := sql.Open("sqlite3", "file:"+alone.Path()+"?_journal_mode=WAL&_synchronous=FULL&_txlock=immediate&_busy_timeout=60000&_stmt_cache_size=64")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	conn.SetMaxOpenConns(1)
	single, singleP99 := load(b, min(b.N, 4000), func(id int) error {
		tx, err := conn.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO book (id, title) VALUES (?, ?)`, id, fmt.Sprint("title ", id)); err != nil {
			return err
		}
		return tx.Commit()
	})
	stats := db.Stats()
	b.ReportMetric(group, "group_writes/s")
	b.ReportMetric(single, "single_writes/s")
	b.ReportMetric(group/single, "ratio")
	b.ReportMetric(float64(stats.Written)/float64(stats.Groups), "writes/group")
	b.ReportMetric(float64(groupP99.Microseconds())/1000, "group_p99_ms")
	b.ReportMetric(float64(singleP99.Microseconds())/1000, "single_p99_ms")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkOneWriter is a caller alone: what a write costs beside its fsync.
func BenchmarkOneWriter(b *testing.B) {
	for name, db := range map[string]*database.DB{"sqlite": sqliteShelf(b), "postgres": postgresShelf(b)} {
		b.Run(name, func(b *testing.B) {
			ctx := b.Context()
			offset := int(time.Now().UnixNano())
			for i := range b.N {
				id := offset + i
				if err := db.Write(ctx, func(tx *database.Tx) error { return addBook(ctx, tx, id, fmt.Sprint(id)) }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkStart is what opening a database that is up to date adds to the start.
func BenchmarkStart(b *testing.B) {
	options := sqliteOptions(b)
	databasetest.Open(b, options)
	for b.Loop() {
		db, err := database.Open(b.Context(), options)
		if err != nil {
			b.Fatal(err)
		}
		if err := db.Migrate(b.Context()); err != nil {
			b.Fatal(err)
		}
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPointReads compares Get with a statement that its caller prepared.
func BenchmarkPointReads(b *testing.B) {
	const rows = 10_000
	db := sqliteShelf(b)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel() // a context that can end, as a request's
	if err := db.Write(ctx, func(tx *database.Tx) error {
		for i := range rows {
			if err := addBook(ctx, tx, i, fmt.Sprint("title ", i)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	const query = `SELECT title FROM book WHERE id = ?`
	b.Run("get", func(b *testing.B) {
		var title string
		for i := range b.N {
			if err := db.Read().Get(ctx, &title, query, i%rows); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reads/s")
	})
	b.Run("get, 64 callers", func(b *testing.B) {
		perSecond, p99 := load(b, b.N, func(id int) error {
			var title string
			return db.Read().Get(ctx, &title, query, id%rows)
		})
		b.ReportMetric(perSecond, "reads/s")
		b.ReportMetric(float64(p99.Microseconds()), "p99_µs")
	})
	b.Run("get a struct", func(b *testing.B) {
		var row struct {
			ID    int64  `db:"id"`
			Title string `db:"title"`
		}
		for i := range b.N {
			if err := db.Read().Get(ctx, &row, `SELECT id, title FROM book WHERE id = ?`, i%rows); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reads/s")
	})
	b.Run("prepared by hand", func(b *testing.B) {
		conn, err := sql.Open("sqlite3", "file:"+db.Path()+"?_journal_mode=WAL&_query_only=on")
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		conn.SetMaxOpenConns(1)
		stmt, err := conn.PrepareContext(ctx, query)
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = stmt.Close() }()
		var title string
		for i := range b.N {
			if err := stmt.QueryRowContext(context.Background(), i%rows).Scan(&title); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reads/s")
	})
}

// BenchmarkPostgresWrites is a transaction per write, without the server's wait
// for its disk (see databasetest): what the way there and back costs.
func BenchmarkPostgresWrites(b *testing.B) {
	db := databasetest.Again(b, postgresShelf(b))
	ctx := context.Background()
	perSecond, p99 := load(b, b.N, func(id int) error {
		return db.Write(ctx, func(tx *database.Tx) error { return addBook(ctx, tx, id, fmt.Sprint("title ", id)) })
	})
	b.ReportMetric(perSecond, "writes/s")
	b.ReportMetric(float64(p99.Microseconds())/1000, "p99_ms")
	b.ReportMetric(0, "ns/op")
}
