package transfer

import (
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"banyan/platform/database"
)

// benchmarkRows is how many rows of about 600 bytes a move has to copy: 130 MB of database.
const benchmarkRows = 200_000

// BenchmarkMove is how fast the data of a module moves, without a limit and without
// writers: to another process's SQLite (without HTTP between the two) beside a copy of
// the same file to the disk, and to PostgreSQL beside COPY of the same rows, which are ready in
// memory. A move does all it does: capture, copy, indexes, sums of both sides, decision.
//
//	make bench-move
func BenchmarkMove(b *testing.B) {
	b.Run("to another host", func(b *testing.B) {
		var own, bare time.Duration
		for b.Loop() {
			b.StopTimer()
			h := newHosts(b)
			fillOutbox(b, h.trunk.db)
			bare += copyAndSync(b, h.trunk.at)
			b.StartTimer()
			begun := time.Now()
			if s := h.move(false, nil); s.Step != StepDone {
				b.Fatalf("%+v", s)
			}
			own += time.Since(begun)
		}
		report(b, own, bare, "ofcp")
	})
	b.Run("to PostgreSQL", func(b *testing.B) {
		var own, bare time.Duration
		for b.Loop() {
			b.StopTimer()
			r := newRunning(b)
			fillOutbox(b, r.db)
			bare += copyIn(b)
			b.StartTimer()
			begun := time.Now()
			if s := r.move(false, nil); s.Step != StepDone {
				b.Fatalf("%+v", s)
			}
			own += time.Since(begun)
		}
		report(b, own, bare, "ofCOPY")
	})
}

func report(b *testing.B, own, bare time.Duration, unit string) {
	b.Helper()
	b.ReportMetric(100*bare.Seconds()/own.Seconds(), "%"+unit)
	b.ReportMetric(float64(b.N)*benchmarkRows/own.Seconds(), "rows/s")
}

func benchmarkRow(n int) (id, payload string) {
	return fmt.Sprint("row ", n), fmt.Sprintf(`{"n":%d,"text":%q}`, n, strings.Repeat("x", 560))
}

func fillOutbox(b *testing.B, db *database.DB) {
	b.Helper()
	if err := db.Write(b.Context(), func(tx *database.Tx) error {
		for n := range benchmarkRows {
			id, payload := benchmarkRow(n)
			if _, err := tx.Exec(b.Context(), `INSERT INTO event_outbox (event_id, topic, key, time, traceparent, payload) VALUES (?, 't', 'k', 1, '', ?)`, id, payload); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
}

// copyAndSync is what `cp` and `sync` of the database's file take.
func copyAndSync(b *testing.B, at database.Options) time.Duration {
	b.Helper()
	copied := filepath.Join(b.TempDir(), "copy.db")
	db, err := sql.Open("sqlite3", filepath.Join(strings.TrimPrefix(at.URL, "sqlite:"), at.Module+".db"))
	if err == nil {
		_, err = db.ExecContext(b.Context(), `VACUUM INTO ?`, copied) // the file without its log
		err = errors.Join(err, db.Close())
	}
	if err != nil {
		b.Fatal(err)
	}
	from, err := os.Open(copied)
	if err != nil {
		b.Fatal(err)
	}
	to, err := os.Create(copied + ".2")
	if err != nil {
		b.Fatal(err)
	}
	begun := time.Now()
	_, err = io.Copy(to, from)
	if err := errors.Join(err, to.Sync(), to.Close(), from.Close()); err != nil {
		b.Fatal(err)
	}
	return time.Since(begun)
}

// copyIn is what COPY of the rows into an empty table of the same form takes.
func copyIn(b *testing.B) time.Duration {
	b.Helper()
	_, server := places(b)
	write(b, server[:1])
	conn, err := pgx.Connect(b.Context(), server[0].URL)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.Close(b.Context()) }() // the benchmark has ended
	rows := make([][]any, benchmarkRows)
	for n := range rows {
		id, payload := benchmarkRow(n)
		rows[n] = []any{id, "t", "k", int64(1), "", payload}
	}
	begun := time.Now()
	if _, err := conn.CopyFrom(b.Context(), pgx.Identifier{server[0].Schema, "event_outbox"}, []string{"event_id", "topic", "key", "time", "traceparent", "payload"}, pgx.CopyFromRows(rows)); err != nil {
		b.Fatal(err)
	}
	return time.Since(begun)
}
