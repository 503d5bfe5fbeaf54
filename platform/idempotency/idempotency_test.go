package idempotency_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/idempotency"
	"banyan/platform/identity"
	"banyan/platform/testenv/databasetest"
	"banyan/platform/wallet"
)

// The effect of the tests' writes is a row in the module's table activity.

var (
	alice = identity.Caller{Wallet: wallet.MustParse("0x52908400098527886E0F7030069857D2E4169EE7"), Role: identity.Member}
	bob   = identity.Caller{Subject: "bob", Role: identity.Operator}
)

type answer struct {
	Number int64  `json:"number"`
	Text   string `json:"text"`
}

// effects counts what was done.
func effects(t *testing.T, db *database.DB) (n int64) {
	t.Helper()
	if err := db.Read().Get(t.Context(), &n, `SELECT COUNT(*) FROM activity`); err != nil {
		t.Fatal(err)
	}
	return n
}

// add is the write under test: it counts the rows and adds one.
func add(ctx context.Context, tx *database.Tx, text string) (a answer, err error) {
	if err := tx.Lock(ctx, "activity"); err != nil {
		return a, err
	}
	if err := tx.Get(ctx, &a.Number, `SELECT COUNT(*) FROM activity`); err != nil {
		return a, err
	}
	a.Text = text
	_, err = tx.Exec(ctx, `INSERT INTO activity (wallet, kind, count, last_ms) VALUES (?, ?, 1, 0)`,
		alice.Wallet, fmt.Sprint("kind ", a.Number))
	return a, err
}

func write(ctx context.Context, w idempotency.Write, text string) (answer, error) {
	w.Request = idempotency.Of(text)
	if w.Operation == "" {
		w.Operation = "add"
	}
	return idempotency.Do(ctx, w, func(ctx context.Context, keep idempotency.Keep[answer]) (a answer, err error) {
		err = w.DB.Write(ctx, func(tx *database.Tx) error {
			if a, err = add(ctx, tx, text); err != nil {
				return err
			}
			return keep(ctx, tx, a)
		})
		return a, err
	})
}

func TestAKeyHasOneEffectAndOneAnswer(t *testing.T) {
	databasetest.Each(t, "reputation", func(t *testing.T, db *database.DB) {
		for _, first := range []bool{false, true} {
			ctx := identity.With(t.Context(), alice)
			w := idempotency.Write{DB: db, Key: fmt.Sprint("key ", first), LookFirst: first}
			before := effects(t, db)
			one, err := write(ctx, w, `a "text" with <b> and ü`)
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				again, err := write(ctx, w, `a "text" with <b> and ü`)
				if err != nil || again != one {
					t.Errorf("again: %+v, %v, want %+v", again, err, one)
				}
			}
			if got := effects(t, db) - before; got != 1 {
				t.Errorf("%d effects", got)
			}
		}
	})
}

func TestWhatAKeyStandsFor(t *testing.T) {
	databasetest.Each(t, "reputation", func(t *testing.T, db *database.DB) {
		service := identity.Caller{Service: "bob"}
		for i, c := range []struct {
			caller         identity.Caller
			operation, key string
		}{
			{alice, "add", "1"},
			{bob, "add", "1"},
			{service, "add", "1"},
			{identity.Caller{}, "add", "1"},
			{alice, "add", "2"},
			{alice, "ad", "d1"},
			{alice, "add", ""},
			{alice, "add", ""},
		} {
			got, err := write(identity.With(t.Context(), c.caller), idempotency.Write{DB: db, Operation: c.operation, Key: c.key}, "same")
			if err != nil || got.Number != int64(i) {
				t.Errorf("%+v: %+v, %v: one key was taken for another", c, got, err)
			}
		}
		ctx := identity.With(t.Context(), alice)
		for _, first := range []bool{false, true} {
			if _, err := write(ctx, idempotency.Write{DB: db, Key: "1", LookFirst: first}, "other"); !fault.Is(err, fault.Conflict) {
				t.Errorf("another request with the same key: %v", err)
			}
		}
		if got := effects(t, db); got != 8 {
			t.Errorf("%d effects", got)
		}
	})
}

func TestErrorsAreNotStored(t *testing.T) {
	databasetest.Each(t, "reputation", func(t *testing.T, db *database.DB) {
		ctx := identity.With(t.Context(), alice)
		refusal := fault.New(fault.Conflict, "not now")
		w := idempotency.Write{DB: db, Operation: "add", Key: "k", Request: idempotency.Of("x")}
		for _, late := range []bool{false, true} { // before keep, and after
			_, err := idempotency.Do(ctx, w, func(ctx context.Context, keep idempotency.Keep[answer]) (a answer, err error) {
				return a, db.Write(ctx, func(tx *database.Tx) error {
					if a, err = add(ctx, tx, "x"); err == nil && late {
						err = keep(ctx, tx, a)
					}
					return errors.Join(err, refusal)
				})
			})
			if !errors.Is(err, refusal) {
				t.Errorf("got %v", err)
			}
		}
		if got, err := write(ctx, w, "x"); err != nil || got.Number != 0 {
			t.Errorf("after it was refused: %+v, %v", got, err)
		}
	})
}

// A repeated write that fails because its effect is there returns the answer.
func TestAWriteThatCannotBeRepeatedAnswersFromTheStore(t *testing.T) {
	databasetest.Each(t, "reputation", func(t *testing.T, db *database.DB) {
		ctx := identity.With(t.Context(), alice)
		w := idempotency.Write{DB: db, Operation: "add", Key: "k", Request: idempotency.Of()}
		do := func(ctx context.Context, keep idempotency.Keep[answer]) (a answer, err error) {
			err = db.Write(ctx, func(tx *database.Tx) error {
				if _, err := tx.Exec(ctx, `INSERT INTO activity (wallet, kind, count, last_ms) VALUES (?, 'only one', 1, 0)`, alice.Wallet); err != nil {
					return err
				}
				a.Number = 7
				return keep(ctx, tx, a)
			})
			return a, err
		}
		for range 2 {
			if a, err := idempotency.Do(ctx, w, do); err != nil || a.Number != 7 {
				t.Errorf("got %+v, %v", a, err)
			}
		}
		w.Key = "another"
		if a, err := idempotency.Do(ctx, w, do); err == nil {
			t.Errorf("the effect was made twice: %+v", a)
		}
	})
}

// Two processes, many callers: one effect per key, and everybody has its answer.
func TestConcurrentRepetitions(t *testing.T) {
	databasetest.Each(t, "reputation", func(t *testing.T, db *database.DB) {
		processes := []*database.DB{db, databasetest.Again(t, db)}
		ctx := identity.With(t.Context(), alice)
		const keys, callers = 20, 6
		answers := make([][callers]answer, keys)
		var all sync.WaitGroup
		for k := range keys {
			for c := range callers {
				all.Go(func() {
					var err error
					w := idempotency.Write{DB: processes[c%2], Key: fmt.Sprint(k), LookFirst: c%3 == 0}
					if answers[k][c], err = write(ctx, w, "x"); err != nil {
						t.Errorf("key %d, caller %d: %v", k, c, err)
					}
				})
			}
		}
		all.Wait()
		for k, got := range answers {
			for _, a := range got {
				if a != got[0] {
					t.Errorf("key %d has the answers %+v", k, got)
					break
				}
			}
		}
		if got := effects(t, db); got != keys {
			t.Errorf("%d effects of %d keys", got, keys)
		}
	})
}

func TestAnswersAreDeletedAfterADay(t *testing.T) {
	databasetest.Each(t, "reputation", func(t *testing.T, db *database.DB) {
		var now atomic.Int64
		now.Store(time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC).UnixMilli())
		options := db.Options()
		options.Clock = func() time.Time { return time.UnixMilli(now.Load()) }
		db = databasetest.Open(t, options)
		ctx := identity.With(t.Context(), alice)
		const old = 1100 // more than two of Prune's batches
		if err := db.Write(ctx, func(tx *database.Tx) error {
			for i := range old {
				if _, err := tx.Exec(ctx, `INSERT INTO once_answer (scope, request, answer, kept_ms) VALUES (?, ?, '{}', ?)`,
					fmt.Appendf(nil, "%032d", i), make([]byte, 32), tx.Now().UnixMilli()); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		now.Add(1)
		one, err := write(ctx, idempotency.Write{DB: db, Key: "k"}, "x")
		if err != nil {
			t.Fatal(err)
		}
		job := idempotency.NewJob(db, slog.New(slog.DiscardHandler))
		prune := func(want int64) {
			t.Helper()
			if got, err := job.Prune(ctx); err != nil || got != want {
				t.Errorf("deleted %d, %v, want %d", got, err, want)
			}
		}
		now.Add(idempotency.Kept.Milliseconds() - 1)
		prune(0)
		now.Add(1)
		prune(old)
		if again, err := write(ctx, idempotency.Write{DB: db, Key: "k"}, "x"); err != nil || again != one {
			t.Errorf("an answer of a day ago: %+v, %v", again, err)
		}
		now.Add(1)
		prune(1)
		if again, err := write(ctx, idempotency.Write{DB: db, Key: "k"}, "x"); err != nil || again == one {
			t.Errorf("a deleted answer came back: %+v, %v", again, err)
		}
	})
}
