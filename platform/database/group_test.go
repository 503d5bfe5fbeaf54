package database_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/testenv/databasetest"
)

// hold makes the writer busy until release is called, so that the writes queued
// meanwhile become one group.
func hold(t *testing.T, db *database.DB) (release func()) {
	t.Helper()
	held, free, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	isHeld := sync.OnceFunc(func() { close(held) }) // it runs again when its group fails
	go func() {
		done <- db.Write(context.Background(), func(*database.Tx) error {
			isHeld()
			<-free
			return nil
		})
	}()
	<-held
	return sync.OnceFunc(func() {
		close(free)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// awaitWaiting returns when this many writes are queued.
func awaitWaiting(t *testing.T, db *database.DB, n int) {
	t.Helper()
	for db.Stats().Waiting != n {
		if t.Context().Err() != nil {
			t.Fatal("the writes were never queued")
		}
		runtime.Gosched()
	}
}

// together runs the writes in this order, as one group, and returns their errors.
func together(t *testing.T, db *database.DB, writes ...func(tx *database.Tx) error) []error {
	t.Helper()
	release := hold(t, db)
	defer release()
	errs := make([]error, len(writes))
	var wg sync.WaitGroup
	for i, fn := range writes {
		wg.Go(func() { errs[i] = db.Write(context.Background(), fn) })
		awaitWaiting(t, db, i+1)
	}
	release()
	wg.Wait()
	return errs
}

// book is a write of one row.
func book(t *testing.T, id int, title string) func(tx *database.Tx) error {
	return func(tx *database.Tx) error { return addBook(t.Context(), tx, id, title) }
}

func loanOfNothing(t *testing.T) func(tx *database.Tx) error {
	return func(tx *database.Tx) error {
		if err := addBook(t.Context(), tx, 2, "two"); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), `INSERT INTO loan (id, book) VALUES (1, 77)`)
		return err
	}
}

func TestOneFailureNeverFailsItsNeighbours(t *testing.T) {
	refusal := errors.New("changed my mind")
	for _, c := range []struct {
		what      string
		bad       func(t *testing.T) func(tx *database.Tx) error
		isRight   func(error) bool
		regrouped int64
	}{
		{
			what: "fn refuses after a write",
			bad: func(t *testing.T) func(tx *database.Tx) error {
				return func(tx *database.Tx) error { return errors.Join(addBook(t.Context(), tx, 2, "two"), refusal) }
			},
			isRight: func(err error) bool { return errors.Is(err, refusal) },
		},
		{
			what:    "a clash with a neighbour",
			bad:     func(t *testing.T) func(tx *database.Tx) error { return book(t, 2, "one") },
			isRight: database.IsUnique,
		},
		{
			what:    "a foreign key that fails the COMMIT",
			bad:     loanOfNothing,
			isRight: database.IsForeignKey, regrouped: 1,
		},
		{
			what: "SQLite rolls back everything by itself",
			bad:  func(t *testing.T) func(tx *database.Tx) error { return book(t, 2, "poison") },
			isRight: func(err error) bool {
				return err != nil && strings.Contains(err.Error(), "poisoned")
			},
			regrouped: 1,
		},
		{
			what: "fn ends the transaction behind our back",
			bad: func(t *testing.T) func(tx *database.Tx) error {
				return func(tx *database.Tx) error {
					if err := addBook(t.Context(), tx, 2, "two"); err != nil {
						return err
					}
					_, err := tx.Exec(t.Context(), `ROLLBACK`)
					return err
				}
			},
			isRight: func(err error) bool { return err != nil }, regrouped: 1,
		},
	} {
		t.Run(c.what, func(t *testing.T) {
			db := sqliteShelf(t)
			errs := together(t, db, book(t, 1, "one"), c.bad(t), book(t, 3, "three"))
			if errs[0] != nil || errs[2] != nil {
				t.Errorf("the neighbours failed: %v, %v", errs[0], errs[2])
			}
			if !c.isRight(errs[1]) {
				t.Errorf("the bad one got %v", errs[1])
			}
			if got := titles(t, db); got != "one three" {
				t.Errorf("kept %q, want the neighbours", got)
			}
			if got := db.Stats().Regrouped; got != c.regrouped {
				t.Errorf("%d groups ran again, want %d", got, c.regrouped)
			}
		})
	}
}

// When the group fails, a member that failed because of another member's row
// must run again too: that row is not there any more.
func TestAClashWithARowThatIsRolledBackIsNoClash(t *testing.T) {
	db := sqliteShelf(t)
	errs := together(t, db, loanOfNothing(t), book(t, 3, "two"))
	if !database.IsForeignKey(errs[0]) || errs[1] != nil || titles(t, db) != "two" {
		t.Errorf("got %v and kept %q, want the second to be stored", errs, titles(t, db))
	}
}

func TestNobodyIsAnsweredBeforeTheCommit(t *testing.T) {
	refusal := errors.New("no")
	for what, first := range map[string]func(tx *database.Tx) error{
		"a success": func(tx *database.Tx) error { return addBook(t.Context(), tx, 1, "one") },
		"a failure": func(*database.Tx) error { return refusal },
		"a panic":   func(*database.Tx) error { panic(refusal) },
	} {
		t.Run(what, func(t *testing.T) {
			db := sqliteShelf(t)
			observer := databasetest.Again(t, db)
			release := hold(t, db)
			answered := make(chan struct{})
			var wg sync.WaitGroup
			wg.Go(func() {
				defer close(answered)
				defer func() { _ = recover() }()
				if err := db.Write(context.Background(), first); err != nil && !errors.Is(err, refusal) {
					t.Error(err)
				}
			})
			awaitWaiting(t, db, 1)
			wg.Go(func() {
				err := db.Write(context.Background(), func(*database.Tx) error {
					for range 1000 {
						runtime.Gosched() // every chance for an early answer
					}
					select {
					case <-answered:
						t.Error("the first member was answered while the group was open")
					default:
					}
					if got := titles(t, observer); got != "" {
						t.Errorf("another process sees %q of an open group", got)
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
			awaitWaiting(t, db, 2)
			release()
			wg.Wait()
		})
	}
}

// endsMeanwhile is a context that ends while the statement runs that it was
// given to.
type endsMeanwhile struct {
	context.Context
	looks atomic.Int32
	ended chan struct{}
}

func (c *endsMeanwhile) Done() <-chan struct{} { return c.ended }

func (c *endsMeanwhile) Err() error {
	if c.looks.Add(1) == 1 { // before the statement
		time.AfterFunc(10*time.Millisecond, func() { close(c.ended) })
		return nil
	}
	return context.Canceled
}

// SQLite rolls back everybody's transaction when it interrupts a statement.
func TestARunningStatementIsNotInterrupted(t *testing.T) {
	db := sqliteShelf(t)
	errs := together(t, db, book(t, -1, "neighbour"), func(tx *database.Tx) error {
		changed, err := tx.Exec(&endsMeanwhile{Context: t.Context(), ended: make(chan struct{})}, `
			INSERT INTO book (id, title)
			WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 100000)
			SELECT n, 'book ' || n FROM number`)
		if err != nil || changed != 100000 {
			t.Errorf("a statement that had begun wrote %d rows: %v", changed, err)
		}
		return nil
	})
	if errs[0] != nil || errs[1] != nil || db.Stats().Regrouped != 0 {
		t.Errorf("errors %v, %d groups ran again", errs, db.Stats().Regrouped)
	}
}

func TestAWaitingWriteIsWithdrawnAtOnce(t *testing.T) {
	db := sqliteShelf(t)
	release := hold(t, db)
	defer release()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		done <- db.Write(ctx, func(*database.Tx) error { t.Error("a withdrawn write ran"); return nil })
	}()
	awaitWaiting(t, db, 1)
	if db.Stats().Turn == 0 {
		t.Error("the running turn does not show in the statistics")
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) || !fault.Is(err, fault.Canceled) {
		t.Errorf("err = %v", err)
	}
	release() // only now may the writer go on, so the answer did not wait for it
	if got := db.Stats().Turn; got != 0 {
		t.Errorf("a turn of %s goes on with nobody writing", got)
	}
	if err := db.Write(t.Context(), book(t, 1, "one")); err != nil {
		t.Error(err)
	}
}

func TestACallerThatLeavesInTheMiddleKeepsNothing(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			err := db.Write(ctx, func(tx *database.Tx) error {
				if err := addBook(ctx, tx, 1, "half"); err != nil {
					return err
				}
				cancel()
				_ = addBook(ctx, tx, 2, "other half") // even when its error is dropped
				return nil
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("err = %v, want canceled", err)
			}
		})
		wg.Go(func() {
			if err := db.Write(t.Context(), book(t, 3, "neighbour")); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		if got := titles(t, db); got != "neighbour" {
			t.Errorf("kept %q", got)
		}
	})
}

func TestAGoroutineThatEndsInsideFnHoldsNobodyUp(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		var wg sync.WaitGroup
		wg.Go(func() {
			_ = db.Write(t.Context(), func(tx *database.Tx) error {
				if err := addBook(t.Context(), tx, 1, "gone"); err != nil {
					t.Error(err)
				}
				runtime.Goexit() // what t.FailNow does
				return nil
			})
		})
		wg.Wait()
		if err := db.Write(t.Context(), book(t, 2, "stays")); err != nil || titles(t, db) != "stays" {
			t.Errorf("kept %q, %v", titles(t, db), err)
		}
	})
}

// awaited calls tell when somebody begins to wait for its end.
type awaited struct {
	context.Context
	tell func()
}

func (c awaited) Done() <-chan struct{} {
	c.tell()
	return c.Context.Done()
}

func TestAFullQueueWaitsAndThenRefuses(t *testing.T) {
	options := sqliteOptions(t)
	options.Queue = 1
	db := databasetest.Open(t, options)
	release := hold(t, db)
	defer release()
	done := make(chan error)
	go func() { done <- db.Write(context.Background(), book(t, 1, "queued")) }()
	awaitWaiting(t, db, 1)
	ctx, cancel := context.WithCancel(t.Context())
	refused, waits := make(chan error, 1), make(chan struct{})
	go func() {
		refused <- db.Write(awaited{ctx, sync.OnceFunc(func() { close(waits) })}, book(t, 2, "refused"))
	}()
	select {
	case <-waits: // until then it might see at its first look that its time is over
	case err := <-refused:
		t.Fatalf("refused before its time was over: %v", err)
	}
	cancel()
	if err := <-refused; !fault.Is(err, fault.Unavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v, want unavailable, caused by the context", err)
	}
	release()
	if err := <-done; err != nil || titles(t, db) != "queued" {
		t.Errorf("kept %q, %v", titles(t, db), err)
	}
}

func TestADiskThatFailsSaysWhatToDo(t *testing.T) {
	for _, c := range []struct {
		what, pragma, advice string
	}{
		{"disk full", `PRAGMA max_page_count = 1`, "free space"},
		{"read-only", `PRAGMA query_only = on`, "writable"},
	} {
		t.Run(c.what, func(t *testing.T) {
			db := sqliteShelf(t)
			big := strings.Repeat("x", 1<<20)
			if err := db.Write(t.Context(), func(tx *database.Tx) error {
				_, err := tx.Exec(t.Context(), c.pragma)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			for id := range 4 {
				wg.Go(func() {
					err := db.Write(t.Context(), book(t, id, big+strings.Repeat("y", id)))
					if !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), c.advice) {
						t.Errorf("err = %.200v, want unavailable with advice", err)
					}
				})
			}
			wg.Wait()
			if got := titles(t, db); got != "" {
				t.Errorf("kept %d bytes", len(got))
			}
		})
	}
}

func TestAnotherProcessThatHoldsTheFileIsNamed(t *testing.T) {
	db := sqliteShelf(t)
	other := databasetest.Again(t, db)
	if err := other.Write(t.Context(), func(tx *database.Tx) error {
		_, err := tx.Exec(t.Context(), `PRAGMA busy_timeout = 0`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	release := hold(t, db)
	err := other.Write(t.Context(), book(t, 1, "one"))
	release()
	if !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "another process") {
		t.Errorf("err = %v", err)
	}
	if err := other.Write(t.Context(), book(t, 1, "one")); err != nil {
		t.Errorf("after the other let go: %v", err)
	}
}

// Many callers with every kind of end at once: what was acknowledged is there,
// whole; what was not is not.
func TestAMixedLoadKeepsExactlyWhatWasAcknowledged(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		const callers, writesEach = 24, 25
		var mu sync.Mutex
		acknowledged := map[int]bool{}
		var wg sync.WaitGroup
		for caller := range callers {
			random := rand.New(rand.NewPCG(7, uint64(caller)))
			wg.Go(func() {
				for i := range writesEach {
					id := (caller*writesEach + i) * 2
					if err := mixedWrite(t, db, id, random.IntN(7)); err == nil {
						mu.Lock()
						acknowledged[id] = true
						mu.Unlock()
					}
				}
			})
		}
		wg.Wait()
		var ids []int
		if err := db.Read().Select(t.Context(), &ids, `SELECT id FROM book ORDER BY id`); err != nil {
			t.Fatal(err)
		}
		if len(ids) != 2*len(acknowledged) || len(acknowledged) == 0 {
			t.Fatalf("%d rows for %d acknowledged writes of two rows", len(ids), len(acknowledged))
		}
		for i := 0; i < len(ids); i += 2 {
			if !acknowledged[ids[i]] || ids[i+1] != ids[i]+1 {
				t.Errorf("row %d is half of a write, or was not acknowledged", ids[i])
			}
		}
	})
}

// mixedWrite writes the rows id and id+1, and ends in one of seven ways.
func mixedWrite(t *testing.T, db *database.DB, id, way int) (err error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer func() {
		if recovered := recover(); recovered != nil {
			err = fmt.Errorf("panicked: %v", recovered)
		}
	}()
	if way == 6 {
		go cancel() // before, during or after: whoever wins, the answer must be true
	}
	return db.Write(ctx, func(tx *database.Tx) error {
		if err := addBook(ctx, tx, id, fmt.Sprint("a", id)); err != nil {
			return err
		}
		switch way {
		case 1:
			return errors.New("refused")
		case 2:
			panic("left")
		case 3:
			if db.Dialect() == database.SQLite {
				return addBook(ctx, tx, -1, "poison")
			}
		case 4:
			if _, err := tx.Exec(ctx, `INSERT INTO loan (id, book) VALUES (?, -5)`, id); err != nil {
				return err
			}
		case 5:
			cancel()
		}
		return addBook(ctx, tx, id+1, fmt.Sprint("b", id))
	})
}
