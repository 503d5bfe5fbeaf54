package transfer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/ownership"
	"banyan/platform/testenv/databasetest"
)

// running is a module's data as one process has it.
type running struct {
	t     testing.TB
	home  database.Options
	away  database.Options
	db    *database.DB
	owner *ownership.Ownership
}

// newRunning makes a database with some rows, and opens it.
func newRunning(t testing.TB) *running {
	t.Helper()
	files, server := places(t)
	r := &running{t: t, home: files[0], away: server[0]}
	fillSample(t, files[:1])
	r.start()
	t.Cleanup(r.stop)
	return r
}

// start does what a process does at its start.
func (r *running) start() {
	r.t.Helper()
	var err error
	if r.db, err = database.Open(r.t.Context(), r.home); err != nil {
		r.t.Fatal(err)
	}
	if err := r.db.Migrate(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	if err := Follow(r.t.Context(), r.db, func(ctx context.Context, url string) (*database.DB, error) {
		if url != r.away.URL {
			return nil, fmt.Errorf("the data is at %q", url)
		}
		return database.Open(ctx, r.away)
	}); err != nil {
		r.t.Fatal(err)
	}
	if r.owner, err = ownership.Open(r.t.Context(), r.db, ownership.Process{Name: "trunk", URL: "http://localhost:1"}); err != nil {
		r.t.Fatal(err)
	}
}

func (r *running) stop() {
	if err := r.db.Close(); err != nil {
		r.t.Error(err)
	}
}

func (r *running) options(home bool, reached func(string) error) MoveOptions {
	o := MoveOptions{Source: r.db, Owner: r.owner, To: r.away, FromName: "the old place", ToName: "the new place", reached: reached}
	if home {
		o.To = r.home
	}
	return o
}

// move moves there or back, and starts again and resumes as often as it is stopped.
func (r *running) move(home bool, reached func(string) error) Status {
	r.t.Helper()
	m, err := NewMove(r.t.Context(), r.options(home, reached))
	for {
		if err == nil {
			err = m.Run(r.t.Context())
		}
		if err == nil {
			return m.Status()
		}
		if !errors.Is(err, errStopped) {
			r.t.Fatal(err)
		}
		r.stop()
		r.start()
		m, err = Resume(r.t.Context(), r.options(false, reached), func(string) (database.Options, string) { return r.away, "there" })
		if err == nil && m == nil { // it was decided, or had not begun
			if isHome := r.db.Home() == nil; isHome == home {
				return Status{Step: StepDone}
			}
			m, err = NewMove(r.t.Context(), r.options(home, reached))
		}
	}
}

// rows are the rows of the module as they are now.
func (r *running) rows() []string {
	r.t.Helper()
	var all []string
	for _, query := range []string{
		`SELECT id || ' ' || name FROM parent`,
		`SELECT parent_id || ' ' || big || ' ' || made || ' ' || COALESCE(note, 'NULL') || ' ' || CASE WHEN share IS NULL THEN 'NULL' WHEN share = -7 THEN '-7' WHEN share > 1 THEN 'more' ELSE 'less' END FROM a_child`,
		`SELECT id || event_id || payload FROM event_outbox`,
	} {
		var found []string
		if err := r.db.Read().Select(r.t.Context(), &found, query); err != nil {
			r.t.Fatal(err)
		}
		slices.Sort(found)
		all = append(all, found...)
	}
	return all
}

// load writes from several callers until its context ends, and remembers what was
// acknowledged: the names that are there, and those that are not any longer.
type load struct {
	mu    sync.Mutex
	there map[string]bool
	gone  map[string]bool
	count int
}

func (l *load) run(ctx context.Context, t *testing.T, db *database.DB) (wait func()) {
	return l.start(ctx, func(name string, n int) bool {
		l.write(t, db, name, n)
		return true
	})
}

// start calls write from several callers until it returns false, or the context ends.
func (l *load) start(ctx context.Context, write func(name string, n int) bool) (wait func()) {
	var all sync.WaitGroup
	for caller := range 8 {
		all.Go(func() {
			for n := 0; ctx.Err() == nil && write(fmt.Sprintf("%d/%d", caller, n), n); n++ {
			}
		})
	}
	return all.Wait
}

// write makes a row with children, and every third time deletes it, or gives its name
// to another row.
func (l *load) write(t testing.TB, db *database.DB, name string, n int) {
	ctx := t.Context()
	err := db.Write(ctx, func(tx *database.Tx) error {
		var id int64
		if err := tx.Get(ctx, &id, `INSERT INTO parent (name) VALUES (?) RETURNING id`, name); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO a_child (parent_id, wallet, note, big) VALUES (?, ?, 'x', ?)`, id, []byte{1, 2, byte(n)}, int64(n)); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO event_outbox (event_id, topic, key, time, traceparent, payload) VALUES (?, 't', 'k', 1, '', '{}')`, name)
		return err
	})
	if err != nil {
		t.Errorf("write %s: %v", name, err)
		return
	}
	if n%3 != 0 {
		l.note(name, true)
		return
	}
	err = db.Write(ctx, func(tx *database.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM a_child WHERE parent_id = (SELECT id FROM parent WHERE name = ?)`, name); err != nil {
			return err
		}
		if n%2 == 0 {
			_, err := tx.Exec(ctx, `DELETE FROM parent WHERE name = ?`, name)
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE parent SET name = ? WHERE name = ?`, "old "+name, name); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO parent (name) VALUES (?)`, name)
		return err
	})
	if err != nil {
		t.Errorf("write %s again: %v", name, err)
		return
	}
	l.note(name, n%2 != 0)
}

func (l *load) note(name string, there bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count++
	if there {
		l.there[name] = true
		return
	}
	l.gone[name] = true
}

// check compares the rows with what was acknowledged.
func (l *load) check(t *testing.T, db *database.DB) {
	t.Helper()
	var names, events []string
	if err := errors.Join(db.Read().Select(t.Context(), &names, `SELECT name FROM parent`),
		db.Read().Select(t.Context(), &events, `SELECT event_id FROM event_outbox`)); err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for _, name := range names {
		found[name]++
	}
	for name := range l.there {
		if found[name] != 1 {
			t.Errorf("the acknowledged row %s is there %d times", name, found[name])
		}
	}
	for name := range l.gone {
		if found[name] != 0 {
			t.Errorf("the deleted row %s is there", name)
		}
	}
	told := map[string]int{}
	for _, id := range events {
		told[id]++
	}
	for name := range maps.Keys(l.there) {
		if told[name] != 1 {
			t.Errorf("the event %s is there %d times", name, told[name])
		}
	}
}

// Rows that are written, changed and deleted while the data moves are where it is
// afterwards, each once; no write fails, and reads go on.
func TestDataMovesWhileItIsWritten(t *testing.T) {
	r := newRunning(t)
	for round := range 3 {
		home := round%2 == 1
		ctx, cancel := context.WithCancel(t.Context())
		l := &load{there: map[string]bool{}, gone: map[string]bool{}}
		wipe(t, r.db)
		wait := l.run(ctx, t, r.db)
		status := r.move(home, func(string) error { return nil })
		cancel()
		wait()
		if status.Step != StepDone {
			t.Fatalf("the move ended so: %+v", status)
		}
		l.check(t, r.db)
		if want := map[bool]database.Dialect{true: database.SQLite, false: database.Postgres}[home]; r.db.Dialect() != want {
			t.Errorf("the data is in %s", r.db.Dialect())
		}
		t.Logf("%d writes, %d rows copied, %d rounds, writes waited %d ms", l.count, status.Rows, status.Rounds, status.PauseMS)
		r.stop()
		r.start()
		l.check(t, r.db)
		l.write(t, r.db, fmt.Sprintf("after %d", round), 1)
	}
}

// wipe removes what an earlier round wrote, whose names come again.
func wipe(t *testing.T, db *database.DB) {
	t.Helper()
	err := db.Write(t.Context(), func(tx *database.Tx) error {
		for _, statement := range []string{`DELETE FROM a_child WHERE parent_id > 3`, `DELETE FROM parent WHERE id > 3`, `DELETE FROM event_outbox WHERE id > 1`} {
			if _, err := tx.Exec(t.Context(), statement); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// steps are where a program may end.
var steps = []string{"begun", "captured", "chunk", "copied", "indexed", "followed", "checked", "held", "compared", "moved", "claimed"}

// A program that ends at any step goes on when it is started again, with one owner.
func TestAMoveGoesOnAfterACrashAtEachStep(t *testing.T) {
	r := newRunning(t)
	for _, step := range steps {
		for _, home := range []bool{false, true} {
			before, times := r.rows(), 0
			s := r.move(home, func(at string) error {
				if at == step {
					if times++; times == 1 {
						return errStopped
					}
				}
				return nil
			})
			if s.Step != StepDone || times == 0 {
				t.Fatalf("stopped at %s (home %v) %d times, it ended so: %+v", step, home, times, s)
			}
			if after := r.rows(); !slices.Equal(before, after) {
				t.Errorf("stopped at %s (home %v), the rows have changed:\n%v\n%v", step, home, before, after)
			}
			if isHome := r.db.Dialect() == database.SQLite; isHome != home {
				t.Errorf("stopped at %s (home %v), the data is in %s", step, home, r.db.Dialect())
			}
			r.checkOneOwner()
			(&load{there: map[string]bool{}, gone: map[string]bool{}}).write(t, r.db, fmt.Sprintf("after %s %v", step, home), 1)
		}
	}
}

// enlarge gives a table several chunks.
func enlarge(t testing.TB, db *database.DB) {
	t.Helper()
	ctx := t.Context()
	if err := db.Write(ctx, func(tx *database.Tx) error {
		for n := range 3*chunkRows + 1 {
			if _, err := tx.Exec(ctx, `INSERT INTO parent (name) VALUES (?)`, fmt.Sprintf("one of many %d", n)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// stopAt stops a program once, after so many chunks.
func stopAt(chunk int) (reached func(string) error, wasStopped func() bool) {
	n := 0
	return func(at string) error {
		if at != "chunk" {
			return nil
		}
		if n++; n == chunk {
			return errStopped
		}
		return nil
	}, func() bool { return n >= chunk }
}

// A program that ends after any chunk of a table goes on, although the target has rows
// that the record of the move does not know of.
func TestAMoveGoesOnAfterACrashAtEachChunk(t *testing.T) {
	r := newRunning(t)
	enlarge(t, r.db)
	before := r.rows()
	for chunk := 1; ; chunk++ {
		stopped := false
		for _, home := range []bool{false, true} {
			reached, wasStopped := stopAt(chunk)
			if s := r.move(home, reached); s.Step != StepDone {
				t.Fatalf("stopped at chunk %d (home %v), it ended so: %+v", chunk, home, s)
			}
			if !slices.Equal(before, r.rows()) {
				t.Fatalf("stopped at chunk %d (home %v), the rows have changed", chunk, home)
			}
			r.checkOneOwner()
			stopped = stopped || wasStopped()
		}
		if !stopped {
			if chunk < 5 {
				t.Errorf("a move has only %d chunks", chunk-1)
			}
			return
		}
	}
}

// checkOneOwner opens both databases as processes would that know of one alone.
func (r *running) checkOneOwner() {
	r.t.Helper()
	owned := 0
	for _, o := range []database.Options{r.home, r.away} {
		db := databasetest.Open(r.t, o)
		c, err := claimIn(r.t.Context(), db.Read())
		if err := errors.Join(err, db.Close()); err != nil {
			r.t.Fatal(err)
		}
		if c.Epoch > 0 && !c.Elsewhere() {
			owned++
		}
	}
	if owned != 1 {
		r.t.Errorf("%d of the two databases have an owner", owned)
	}
}

// A move that is canceled leaves the data where it was, and can be made again.
func TestAMoveIsCanceledUntilItHoldsWrites(t *testing.T) {
	r := newRunning(t)
	for _, home := range []bool{false, true} {
		for _, step := range []string{"captured", "chunk", "indexed", "checked"} {
			before := r.rows()
			var m *Move
			o := r.options(home, func(at string) error {
				if at == step {
					return m.Cancel()
				}
				return nil
			})
			var err error
			if m, err = NewMove(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			if err := m.Run(t.Context()); err != nil || m.Status().Step != StepCanceled {
				t.Fatalf("canceled at %s: %v, %+v", step, err, m.Status())
			}
			// If the source could not forget the move, it goes on at the next start.
			s, err := m.open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if isKnown, err := s.to.recall(t.Context(), m.id); isKnown || err != nil {
				t.Errorf("canceled at %s, home %v: what was abandoned counts as the move's target (%v)", step, home, err)
			}
			if err := s.close(); err != nil {
				t.Error(err)
			}
			if !slices.Equal(before, r.rows()) {
				t.Errorf("the rows have changed after a cancel at %s", step)
			}
			r.stop()
			r.start()
			(&load{there: map[string]bool{}, gone: map[string]bool{}}).write(t, r.db, fmt.Sprintf("after %v %s", home, step), 1)
		}
		if s := r.move(home, nil); s.Step != StepDone {
			t.Fatalf("%+v", s)
		}
		r.checkOneOwner()
	}
}

// What the comparison is for: a row that is not what it should be is found, and the data
// stays where it is.
func TestAMoveRefusesACopyThatIsNotEqual(t *testing.T) {
	spoil := map[string]func(r *running) error{
		"a row changed in the copy": func(r *running) error {
			return outside(r.t, r.away, `UPDATE parent SET name = 'changed' WHERE id = 2`)
		},
		"a row missing in the copy": func(r *running) error {
			return outside(r.t, r.away, `DELETE FROM a_child WHERE parent_id = 3`)
		},
		"an entry missing in the log": func(r *running) error {
			(&load{there: map[string]bool{}, gone: map[string]bool{}}).write(r.t, r.db, "logged", 1)
			return outside(r.t, r.home, `DELETE FROM move_log WHERE seq = (SELECT MIN(seq) FROM move_log)`)
		},
	}
	for what, change := range spoil {
		t.Run(what, func(t *testing.T) {
			r := newRunning(t)
			before, done := r.rows(), false
			s := r.move(false, func(at string) error {
				if at == "copied" && !done {
					done = true
					return change(r)
				}
				return nil
			})
			if s.Step != StepFailed || s.Problem == "" {
				t.Fatalf("it ended so: %+v", s)
			}
			if r.db.Dialect() != database.SQLite || !slices.ContainsFunc(r.rows(), func(row string) bool { return slices.Contains(before, row) }) {
				t.Error("the data has left")
			}
			r.checkOneOwner()
		})
	}
}

func outside(t testing.TB, o database.Options, statement string) error {
	db := databasetest.Open(t, o)
	return errors.Join(db.Write(t.Context(), func(tx *database.Tx) error {
		_, err := tx.Exec(t.Context(), statement)
		return err
	}), db.Close())
}

// Text that PostgreSQL does not store ends the move, and says which row it is.
func TestAMoveNamesARowThatPostgreSQLRefuses(t *testing.T) {
	r := newRunning(t)
	if err := r.db.Write(t.Context(), func(tx *database.Tx) error {
		_, err := tx.Exec(t.Context(), `INSERT INTO parent (name) VALUES (?)`, "a\x00b")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if s := r.move(false, nil); s.Step != StepFailed || !strings.Contains(s.Problem, "has a zero byte in it") || r.db.Dialect() != database.SQLite {
		t.Errorf("it ended so: %+v", s)
	}
	r.checkOneOwner()
}

// A target with data of its own is refused, before anything has changed.
func TestAMoveRefusesDataThatIsThere(t *testing.T) {
	r := newRunning(t)
	write(t, []database.Options{r.away}, fmt.Sprintf(aParent, "another"))
	if _, err := NewMove(t.Context(), r.options(false, nil)); !fault.Is(err, fault.Conflict) {
		t.Errorf("a move over other data: %v", err)
	}
	if again, err := Resume(t.Context(), r.options(false, nil), nil); again != nil || err != nil {
		t.Errorf("a refused move is remembered: %v, %v", again, err)
	}
}

// A server that does not answer delays the move, and no write.
func TestAMoveWaitsForAServer(t *testing.T) {
	r := newRunning(t)
	failed := 0
	s := r.move(false, func(at string) error {
		if at == "held" {
			if failed++; failed == 1 {
				return fault.New(fault.Unavailable, "the server is not there")
			}
		}
		return nil
	})
	if s.Step != StepDone || failed != 2 {
		t.Errorf("after %d attempts: %+v", failed, s)
	}
	r.checkOneOwner()
}
