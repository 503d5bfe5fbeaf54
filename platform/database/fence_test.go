package database_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"banyan/platform/database"
	"banyan/platform/testenv/databasetest"
)

// gate is a fence that a row opens and closes.
type gate struct {
	known  atomic.Pointer[error]
	checks atomic.Int64
	query  string
	first  func() // what the first check does before it looks
}

var errShut = errors.New("the gate is shut")

func (g *gate) Known() error {
	if known := g.known.Load(); known != nil {
		return *known
	}
	return nil
}

func (g *gate) Check(ctx context.Context, q database.Queryer) error {
	if g.checks.Add(1) == 1 && g.first != nil {
		g.first()
	}
	query := g.query
	if query == "" {
		query = `SELECT COUNT(*) FROM book WHERE title = 'shut'`
	}
	var shut int
	if err := q.Get(ctx, &shut, query); err != nil {
		return err
	}
	if shut > 0 {
		return errShut
	}
	return nil
}

func TestTheFenceIsAskedInEveryTransaction(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		g := &gate{}
		db.SetFence(g)
		if err := db.Write(t.Context(), book(t, 1, "Emma")); err != nil {
			t.Fatal(err)
		}
		// The gate is shut by another handle: this one can only know from the row.
		if err := databasetest.Again(t, db).Write(t.Context(), book(t, 2, "shut")); err != nil {
			t.Fatal(err)
		}
		ran := false
		err := db.Write(t.Context(), func(*database.Tx) error {
			ran = true
			return nil
		})
		if !errors.Is(err, errShut) || ran {
			t.Errorf("got %v, fn ran: %t", err, ran)
		}
		if n := g.checks.Load(); n != 2 {
			t.Errorf("asked %d times, want once for each of two writes", n)
		}
		if err := db.Unfenced(t.Context(), book(t, 3, "Persuasion")); err != nil {
			t.Errorf("past the fence: %v", err)
		}
		if n := g.checks.Load(); n != 2 {
			t.Error("Unfenced asked the fence")
		}
		db.SetFence(nil)
		if err := db.Write(t.Context(), book(t, 4, "Sanditon")); err != nil {
			t.Errorf("without a fence: %v", err)
		}
		if got := titles(t, db); got != "Emma shut Persuasion Sanditon" {
			t.Errorf("stored %s", got)
		}
	})
}

// What is in memory costs no lock: another may hold it.
func TestAKnownRefusalDoesNotWait(t *testing.T) {
	db := sqliteShelf(t)
	release := hold(t, db)
	defer release()
	g := &gate{}
	g.known.Store(&errShut)
	db.SetFence(g)
	if err := db.Write(t.Context(), book(t, 1, "Emma")); !errors.Is(err, errShut) || g.checks.Load() != 0 {
		t.Errorf("got %v after %d checks", err, g.checks.Load())
	}
}

func TestARefusalIsForTheWholeGroup(t *testing.T) {
	db := sqliteShelf(t)
	const members = 20
	g := &gate{query: `SELECT 1`}
	g.first = func() { awaitWaiting(t, db, members-1) } // one has begun the group
	db.SetFence(g)
	errs := make([]error, members)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = db.Write(context.Background(), book(t, 10+i, string(rune('a'+i)))) })
	}
	wg.Wait()
	for i, err := range errs {
		if !errors.Is(err, errShut) {
			t.Errorf("member %d: %v", i, err)
		}
	}
	if n := g.checks.Load(); n != 1 {
		t.Errorf("the fence was asked %d times for one group", n)
	}
	if got := titles(t, db); got != "" {
		t.Errorf("stored %s", got)
	}
	g.query = `SELECT 0`
	if err := db.Write(t.Context(), book(t, 1, "Emma")); err != nil {
		t.Errorf("after the fence was lifted: %v", err)
	}
}

// A group that fails as a whole runs again one by one, and the fence may have
// fallen in between.
func TestAMemberThatRunsAloneIsFenced(t *testing.T) {
	for range 100 {
		if fallsBetweenTheGroupAndItsMembers(t, sqliteShelf(t)) {
			return
		}
	}
	t.Fatal("the three writes were never one group, or the fence let some through every time")
}

// fallsBetweenTheGroupAndItsMembers is false when something was stored: on a
// machine with other work the group may be too old for its last members.
func fallsBetweenTheGroupAndItsMembers(t *testing.T, db *database.DB) bool {
	t.Helper()
	g := &gate{}
	writes := []func(tx *database.Tx) error{
		book(t, 1, "Emma"),
		func(*database.Tx) error {
			g.query = `SELECT 1` // from the next transaction on
			return nil
		},
		loanOfNothing(t), // fails at COMMIT
	}
	g.first = func() { awaitWaiting(t, db, len(writes)-1) }
	db.SetFence(g)
	errs := make([]error, len(writes))
	var wg sync.WaitGroup
	for i, fn := range writes {
		wg.Go(func() { errs[i] = db.Write(context.Background(), fn) })
	}
	wg.Wait()
	if stats := db.Stats(); stats.Groups > 1 || stats.Written > 0 {
		return false
	}
	for i, err := range errs {
		if !errors.Is(err, errShut) {
			t.Errorf("member %d: %v", i, err)
		}
	}
	if n := db.Stats().Regrouped; n != 1 || g.checks.Load() != 4 {
		t.Errorf("%d groups ran again one by one, %d checks; want 1 and 4", n, g.checks.Load())
	}
	if got := titles(t, db); got != "" {
		t.Errorf("stored %s", got)
	}
	return true
}

// A failure of the fence's own query refuses, and leaves the writer in order.
func TestAFenceThatCannotLookRefuses(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		g := &gate{query: `SELECT n FROM nowhere`}
		db.SetFence(g)
		if err := db.Write(t.Context(), book(t, 1, "Emma")); !database.IsStatement(err) {
			t.Errorf("got %v, want the failed statement", err)
		}
		g.query = `SELECT 0`
		if err := db.Write(t.Context(), book(t, 2, "Emma")); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}

func TestUnfencedKeepsAllOrNothing(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		refusal := errors.New("changed my mind")
		err := db.Unfenced(t.Context(), func(tx *database.Tx) error {
			if err := addBook(t.Context(), tx, 1, "Emma"); err != nil {
				return err
			}
			return refusal
		})
		if !errors.Is(err, refusal) {
			t.Errorf("got %v", err)
		}
		woken, stop := db.Listen("shelf")
		defer stop()
		err = db.Unfenced(t.Context(), func(tx *database.Tx) error {
			tx.Wake("shelf")
			return addBook(t.Context(), tx, 2, "Persuasion")
		})
		if err != nil {
			t.Error(err)
		}
		select {
		case <-woken:
		default:
			t.Error("a commit woke nobody")
		}
		if got := titles(t, db); got != "Persuasion" {
			t.Errorf("stored %s", got)
		}
	})
}

// Unfenced gets its turn beside a process that writes group after group, and
// gives up when its caller does.
func TestUnfencedGetsItsTurn(t *testing.T) {
	db := sqliteShelf(t)
	release := hold(t, db)
	gone, leave := context.WithCancel(t.Context())
	given := make(chan error, 1)
	go func() {
		given <- db.Unfenced(gone, func(*database.Tx) error {
			t.Error("it ran while another held the lock")
			return nil
		})
	}()
	leave()
	if err := <-given; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	release()
	var next atomic.Int64
	var wg sync.WaitGroup
	busy, end := context.WithCancel(t.Context())
	for range 16 {
		wg.Go(func() {
			for busy.Err() == nil {
				id := int(next.Add(1))
				if err := db.Write(context.Background(), book(t, id, string(rune(0x4e00+id)))); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for turn := range 5 {
		for begun := next.Load(); next.Load() < begun+32; {
			runtime.Gosched()
		}
		if err := db.Unfenced(t.Context(), book(t, -1-turn, string(rune('A'+turn)))); err != nil {
			t.Error(err)
		}
	}
	end()
	wg.Wait()
}

// BenchmarkFence is what a fence costs 64 callers who commit in groups: the same
// writes with and without one, in turns, so that the disk is the same for both.
func BenchmarkFence(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) { fenced(b, sqliteShelf(b), sqliteShelf(b)) })
	b.Run("postgres", func(b *testing.B) { fenced(b, postgresShelf(b), postgresShelf(b)) })
}

func fenced(b *testing.B, with, without *database.DB) {
	with.SetFence(&gate{query: `SELECT COUNT(*) FROM book WHERE id = -1`})
	const chunk = 2000
	var rate [2]float64 // seconds per write
	written := 0
	b.ResetTimer()
	for written < b.N {
		for i, db := range []*database.DB{with, without} {
			base := written
			perSecond, _ := load(b, chunk, func(id int) error {
				return db.Write(b.Context(), func(tx *database.Tx) error {
					return addBook(b.Context(), tx, base+id, string(rune(0x4e00+id))+" "+string(rune(0x4e00+base/chunk)))
				})
			})
			rate[i] += chunk / perSecond
		}
		written += chunk
	}
	b.ReportMetric(float64(written)/rate[0], "fenced/s")
	b.ReportMetric(float64(written)/rate[1], "open/s")
	b.ReportMetric(rate[1]/rate[0], "ratio")
	b.ReportMetric(0, "ns/op")
}

// What reads much before it writes waits for held writes as they do, and is refused as they
// are.
func TestAdmitWaitsWhileWritesAreHeld(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		g, over := &gate{}, make(chan struct{})
		var held error = &database.Held{Over: over, Cause: errShut}
		g.known.Store(&held)
		db.SetFence(g)
		admitted := make(chan error, 1)
		go func() { admitted <- db.Admit(t.Context()) }()
		select {
		case err := <-admitted:
			t.Fatalf("admitted while writes are held: %v", err)
		default:
		}
		g.known.Store(&errShut)
		close(over)
		if err := <-admitted; !errors.Is(err, errShut) {
			t.Errorf("where the writes have left: %v", err)
		}
		g.known.Store(nil)
		if err := db.Admit(t.Context()); err != nil {
			t.Errorf("where they go on: %v", err)
		}
	})
}
