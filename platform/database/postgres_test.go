package database_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"

	"banyan/platform/database"
	"banyan/platform/fault"
)

// Two writers that each read what the other changes: PostgreSQL fails one with
// a serialization error, and Write runs it again.
func TestPostgresSerializationFailuresRunAgain(t *testing.T) {
	db := postgresShelf(t)
	ctx := t.Context()
	if err := db.Write(ctx, book(t, 1, "0")); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	runs := 0
	bothHaveRead := newBarrier(2)
	for range 2 {
		wg.Go(func() {
			first := true
			err := db.Write(ctx, func(tx *database.Tx) error {
				mu.Lock()
				runs++
				mu.Unlock()
				if _, err := tx.Exec(ctx, `SET TRANSACTION ISOLATION LEVEL SERIALIZABLE`); err != nil {
					return err
				}
				var n string
				if err := tx.Get(ctx, &n, `SELECT (CAST(title AS BIGINT) + 1)::text FROM book WHERE id = 1`); err != nil {
					return err
				}
				if first {
					first = false
					bothHaveRead.wait()
				}
				_, err := tx.Exec(ctx, `UPDATE book SET title = ? WHERE id = 1`, n)
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := titles(t, db); got != "2" || runs < 3 {
		t.Errorf("the counter is %s after %d runs, want 2 after at least 3", got, runs)
	}
}

// barrier lets n goroutines go on together.
type barrier struct{ wg sync.WaitGroup }

func newBarrier(n int) *barrier {
	b := &barrier{}
	b.wg.Add(n)
	return b
}

func (b *barrier) wait() {
	b.wg.Done()
	b.wg.Wait()
}

func TestPostgresDeadlocksRunAgain(t *testing.T) {
	db := postgresShelf(t)
	ctx := t.Context()
	if err := db.Write(ctx, func(tx *database.Tx) error {
		return errors.Join(addBook(ctx, tx, 1, "a"), addBook(ctx, tx, 2, "b"))
	}); err != nil {
		t.Fatal(err)
	}
	bothHold := newBarrier(2)
	var wg sync.WaitGroup
	for _, order := range [][2]int{{1, 2}, {2, 1}} {
		wg.Go(func() {
			first := true
			err := db.Write(ctx, func(tx *database.Tx) error {
				for i, id := range order {
					if _, err := tx.Exec(ctx, `UPDATE book SET title = title || 'x' WHERE id = ?`, id); err != nil {
						return err
					}
					if i == 0 && first {
						first = false
						bothHold.wait()
					}
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := titles(t, db); got != "axx bxx" {
		t.Errorf("got %q, want both writes", got)
	}
}

func TestPostgresLocksKeepReadThenWriteTogether(t *testing.T) {
	db := postgresShelf(t)
	ctx := t.Context()
	if err := db.Write(ctx, book(t, 1, "")); err != nil {
		t.Fatal(err)
	}
	const writers = 20
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			err := db.Write(ctx, func(tx *database.Tx) error {
				if err := tx.Lock(ctx, "book 1"); err != nil {
					return err
				}
				var title string
				if err := tx.Get(ctx, &title, `SELECT title FROM book WHERE id = 1`); err != nil {
					return err
				}
				_, err := tx.Exec(ctx, `UPDATE book SET title = ? WHERE id = 1`, title+"x")
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := titles(t, db); got != strings.Repeat("x", writers) {
		t.Errorf("%d of %d updates are left", len(got), writers)
	}
}

func TestPostgresALostConnectionIsAFaultAndHealsByItself(t *testing.T) {
	db := postgresShelf(t)
	ctx := t.Context()
	err := db.Write(ctx, func(tx *database.Tx) error {
		if err := addBook(ctx, tx, 1, "lost"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `SELECT pg_terminate_backend(pg_backend_pid())`)
		return err
	})
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("err = %v, want unavailable", err)
	}
	if err := db.Write(ctx, book(t, 2, "next")); err != nil || titles(t, db) != "next" {
		t.Errorf("the next write: %v, kept %q", err, titles(t, db))
	}
}

// A caller that gives up must not leave its transaction, or a broken
// connection, in the pool for the next.
func TestPostgresManyCancelledWritesLeaveThePoolClean(t *testing.T) {
	db := postgresShelf(t)
	for i := range 8 {
		ctx, cancel := context.WithCancel(t.Context())
		err := db.Write(ctx, func(tx *database.Tx) error {
			if err := addBook(ctx, tx, 1, "cancelled"); err != nil {
				return err
			}
			go cancel()
			_, err := tx.Exec(ctx, `SELECT pg_sleep(10)`)
			return err
		})
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("write %d: %v", i, err)
		}
	}
	if err := db.Write(t.Context(), book(t, 2, "next")); err != nil || titles(t, db) != "next" {
		t.Errorf("the next write: %v, kept %q", err, titles(t, db))
	}
}

func TestPostgresSchemasAreSeparate(t *testing.T) {
	one, other := postgresShelf(t), postgresShelf(t)
	if err := one.Write(t.Context(), book(t, 1, "mine")); err != nil {
		t.Fatal(err)
	}
	if got := titles(t, other); got != "" {
		t.Errorf("the other schema has %q", got)
	}
}

// A server that has no connection left says so when it is connected to: the
// address, the user and the password are right, and nobody is to look there.
func TestPostgresWithoutAConnectionLeftSaysSo(t *testing.T) {
	db := postgresShelf(t)
	role := "crowded_" + db.Options().Schema
	change := func(statement string) {
		if err := db.Write(context.Background(), func(tx *database.Tx) error {
			_, err := tx.Exec(context.Background(), statement)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	change(`CREATE ROLE ` + role + ` LOGIN PASSWORD 'crowded' CONNECTION LIMIT 0`)
	defer change(`DROP ROLE ` + role)
	options := db.Options()
	server, err := url.Parse(options.URL)
	if err != nil {
		t.Fatal(err)
	}
	server.User = url.UserPassword(role, "crowded")
	options.URL = server.String()
	crowded, err := database.Open(t.Context(), options)
	if err == nil {
		_ = crowded.Close()
	}
	if !fault.Is(err, fault.Unavailable) || !strings.Contains(fault.From(err).Message, "database.connections") {
		t.Errorf("got %v", err)
	}
}
