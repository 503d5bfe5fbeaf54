package transfer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/ownership"
	"banyan/platform/periodic"
)

// host is one of two processes with a SQLite file of its own.
type host struct {
	t     testing.TB
	name  string
	at    database.Options
	db    *database.DB
	owner *ownership.Ownership
	in    *Receiver
}

func (h *host) start() {
	h.t.Helper()
	var err error
	if h.db, err = database.Open(h.t.Context(), h.at); err == nil {
		err = h.db.Migrate(h.t.Context())
	}
	if err != nil {
		h.t.Fatal(err)
	}
	away, err := FindElsewhere(h.t.Context(), h.db)
	if err != nil {
		h.t.Fatal(err)
	}
	h.owner, err = ownership.Open(h.t.Context(), h.db, ownership.Process{Name: h.name, URL: "http://" + h.name, Waits: h.name != "trunk" || away.Remote != ""})
	if err != nil {
		h.t.Fatal(err)
	}
	o := ReceiverOptions{DB: h.db, Owner: h.owner, Name: h.name, Now: time.Now}
	if h.name == "trunk" {
		o.Arrived = func(ctx context.Context, _ Arrival) error { return Settle(ctx, h.db) }
	}
	h.in = NewReceiver(o)
}

func (h *host) stop() {
	h.in.Close()
	if err := h.db.Close(); err != nil {
		h.t.Error(err)
	}
}

// hosts are two processes on two hosts; faults, which may be nil, is asked before and after
// each call between them.
type hosts struct {
	t     testing.TB
	trunk *host
	other *host
	fault func(call string, isAnswer bool) error
	// bandwidth is how many bytes of rows go over the wire in a second; 0 = as many as come.
	bandwidth int
	full      atomic.Bool // the disk of the side that the data comes to
}

func newHosts(t testing.TB) *hosts {
	t.Helper()
	files, _ := places(t)
	h := &hosts{t: t, trunk: &host{t: t, name: "trunk", at: files[0]}, other: &host{t: t, name: "other", at: files[0]}}
	h.other.at.URL = "sqlite:" + t.TempDir()
	fillSample(t, files[:1])
	h.trunk.start()
	h.other.start()
	t.Cleanup(func() { h.trunk.stop(); h.other.stop() })
	return h
}

// wire is the other process as the calls reach it.
type wire struct {
	h  *hosts
	to *host
}

func (w *wire) call(name string, do func() error) error {
	if w.h.fault != nil {
		if err := w.h.fault(name, false); err != nil {
			return err
		}
	}
	if w.h.full.Load() {
		_ = w.to.in.with(context.Background(), func(l *laneTarget) error { // which does not grow below what it has
			return l.exec(context.Background(), `PRAGMA max_page_count = 1`)
		})
	}
	err := do()
	if err == nil && w.h.fault != nil {
		err = w.h.fault(name, true)
	}
	return err
}

func (w *wire) Begin(ctx context.Context, o Opening) error {
	return w.call("begin", func() error { return w.to.in.Begin(ctx, o) })
}

func (w *wire) Recall(ctx context.Context, q RecallRequest) (known Recalled, err error) {
	err = w.call("recall", func() (err error) { known, err = w.to.in.Recall(ctx, q); return err })
	return known, err
}

func (w *wire) Rows(ctx context.Context, b Batch) (stored Stored, err error) {
	if w.h.bandwidth > 0 {
		body, err := io.ReadAll(b.Body)
		if err != nil {
			return stored, err
		}
		if err := periodic.Sleep(ctx, time.Duration(len(body))*time.Second/time.Duration(w.h.bandwidth)); err != nil {
			return stored, err
		}
		b.Body = bytes.NewReader(body)
	}
	err = w.call("rows", func() (err error) { stored, err = w.to.in.Rows(ctx, b); return err })
	return stored, err
}

func (w *wire) Sum(ctx context.Context, q SumQuery) (page SumPage, err error) {
	err = w.call("sum", func() (err error) { page, err = w.to.in.Sum(ctx, q); return err })
	return page, err
}

func (w *wire) Claim(ctx context.Context, c Claiming) error {
	return w.call("claim", func() error { return w.to.in.Claim(ctx, c) })
}

func (w *wire) Abandon(ctx context.Context, a Abandoning) error {
	return w.call("abandon", func() error { return w.to.in.Abandon(ctx, a) })
}

func (w *wire) Close() {}

// sides are from where and to where a move leads.
func (h *hosts) sides(home bool) (from, to *host) {
	if home {
		return h.other, h.trunk
	}
	return h.trunk, h.other
}

func (h *hosts) options(home bool, reached func(string) error) MoveOptions {
	from, to := h.sides(home)
	return MoveOptions{
		Source: from.db, Owner: from.owner, Remote: "http://" + to.name, FromName: from.name, ToName: to.name, reached: reached,
		Dial: func(string) (Far, error) { return &wire{h: h, to: to}, nil },
	}
}

// move moves there or back, and starts both again and resumes as often as it is stopped.
func (h *hosts) move(home bool, reached func(string) error) Status {
	h.t.Helper()
	from, to := h.sides(home)
	m, err := NewMove(h.t.Context(), h.options(home, reached))
	for {
		if err == nil {
			err = m.Run(h.t.Context())
		}
		if err == nil {
			return m.Status()
		}
		if !errors.Is(err, errStopped) {
			h.t.Fatal(err)
		}
		from.stop()
		to.stop()
		from.start()
		to.start()
		m, err = Resume(h.t.Context(), h.options(home, reached), nil)
		if err == nil && m == nil {
			if to.owner.IsOwner() {
				return Status{Step: StepDone}
			}
			m, err = NewMove(h.t.Context(), h.options(home, reached))
		}
	}
}

// checkOneOwner looks at both files as they are.
func (h *hosts) checkOneOwner() {
	h.t.Helper()
	owned := 0
	for _, one := range []*host{h.trunk, h.other} {
		c, err := claimIn(h.t.Context(), one.db.Read())
		if err != nil {
			h.t.Fatal(err)
		}
		if c.Epoch > 0 && !c.Elsewhere() {
			owned++
		}
	}
	if owned != 1 {
		h.t.Errorf("%d of the two databases have an owner", owned)
	}
}

func rowsAt(h *host) []string { return (&running{t: h.t, db: h.db}).rows() }

// Rows that are written, changed and deleted while the data goes to another host, and
// comes back, are where it is afterwards, each once; no write is refused but by the process
// that the data has left.
func TestDataMovesToAnotherHostWhileItIsWritten(t *testing.T) {
	h := newHosts(t)
	for round := range 4 {
		home := round%2 == 1
		from, to := h.sides(home)
		l := &load{there: map[string]bool{}, gone: map[string]bool{}}
		wipe(t, from.db)
		ctx, cancel := context.WithCancel(t.Context())
		wait := l.runUntilLost(ctx, t, from.db)
		o := h.options(home, nil)
		m, err := NewMove(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Run(t.Context()); err != nil || m.Status().Step != StepDone {
			t.Fatalf("the move ended so: %v, %+v", err, m.Status())
		}
		wait() // each caller was refused by the process that the data has left
		cancel()
		h.checkOneOwner()
		l.check(t, to.db)
		if !to.owner.IsOwner() || to.owner.DataID() != from.owner.DataID() {
			t.Errorf("%s is not the owner of these data", to.name)
		}
		l.write(t, to.db, fmt.Sprintf("after %d", round), 1)
		l.check(t, to.db)
		t.Logf("%d writes, %d rows copied, %d rounds, writes waited %d ms", l.count, m.Status().Rows, m.Status().Rounds, m.Status().PauseMS)
	}
}

// runUntilLost writes from several callers until each is refused because the data has left.
func (l *load) runUntilLost(ctx context.Context, t *testing.T, db *database.DB) (wait func()) {
	return l.start(ctx, func(name string, _ int) bool {
		err := db.Write(ctx, func(tx *database.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO parent (name) VALUES (?)`, name)
			if err == nil {
				_, err = tx.Exec(ctx, `INSERT INTO event_outbox (event_id, topic, key, time, traceparent, payload) VALUES (?, 't', 'k', 1, '', '{}')`, name)
			}
			return err
		})
		switch {
		case ownership.IsLost(err):
			return false
		case err != nil:
			t.Errorf("write %s: %v", name, err)
			return false
		}
		l.note(name, true)
		return true
	})
}

// However many callers write however much more than goes over the wire, each round copies
// less than the one before until few rows are left, and the move ends.
func TestAMoveEndsWhenMoreIsWrittenThanGoesOverTheWire(t *testing.T) {
	h := newHosts(t)
	h.bandwidth = 1 << 20
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var all sync.WaitGroup
	var written atomic.Int64
	for caller := range 100 {
		all.Go(func() {
			for n := 0; ; n++ {
				err := h.trunk.db.Write(ctx, func(tx *database.Tx) error {
					for row := range 20 {
						if _, err := tx.Exec(ctx, `INSERT INTO event_outbox (event_id, topic, key, time, traceparent, payload) VALUES (?, 't', 'k', 1, '', '{}')`, fmt.Sprintf("%d/%d/%d", caller, n, row)); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					if !ownership.IsLost(err) {
						t.Errorf("a write failed: %v", err)
					}
					return
				}
				written.Add(20)
			}
		})
	}
	for written.Load() < 1000 {
		runtime.Gosched()
	}
	m, err := NewMove(t.Context(), h.options(false, nil))
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	if err := m.Run(t.Context()); err != nil || m.Status().Step != StepDone {
		t.Fatalf("%v, %+v", err, m.Status())
	}
	all.Wait()
	s := m.Status()
	t.Logf("%d rows written, %d rounds, %d rows in the last, writes waited %d ms; %v in all", written.Load(), s.Rounds, s.Lag, s.PauseMS, time.Since(begun).Round(time.Millisecond))
	if s.Rounds >= manyRounds || s.Lag > okKeys {
		t.Errorf("%d rounds, the last with %d rows", s.Rounds, s.Lag)
	}
	var there int64
	if err := h.other.db.Read().Get(t.Context(), &there, `SELECT COUNT(*) FROM event_outbox WHERE event_id LIKE '%/%'`); err != nil || there != written.Load() {
		t.Errorf("%d rows were acknowledged, and %d are there: %v", written.Load(), there, err)
	}
}

// Writes that were held go on as soon as the calls are led to the data, and do not wait
// for what is written down about that.
func TestWritesGoOnBeforeTheMoveIsWrittenDown(t *testing.T) {
	h := newHosts(t)
	var order []string
	refused := make(chan struct{})
	var writing sync.WaitGroup
	o := h.options(false, func(at string) error {
		if at == "held" {
			writing.Go(func() {
				defer close(refused)
				if err := h.trunk.db.Write(t.Context(), func(*database.Tx) error { return nil }); !ownership.IsLost(err) {
					t.Errorf("a held write ended with %v", err)
				}
			})
		}
		return nil
	})
	o.Prepare = func(context.Context, Arrival) error { order = append(order, "prepare"); return nil }
	o.Route = func(context.Context, Arrival) error { order = append(order, "route"); return nil }
	o.Led = func(ctx context.Context, a Arrival) error {
		order = append(order, "led "+a.Remote)
		select {
		case <-refused:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	m, err := NewMove(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Run(t.Context()); err != nil || m.Status().Step != StepDone {
		t.Fatalf("%v, %+v", err, m.Status())
	}
	writing.Wait()
	if want := []string{"prepare", "route", "led http://other"}; !slices.Equal(order, want) {
		t.Errorf("in the order %v, not %v", order, want)
	}
	h.checkOneOwner()
}

// Both programs end at any step, and go on when they are started again, with one owner.
func TestAMoveToAnotherHostGoesOnAfterACrashAtEachStep(t *testing.T) {
	h := newHosts(t)
	for _, step := range append(slices.Clone(steps), "settled") {
		for _, home := range []bool{false, true} {
			from, to := h.sides(home)
			before, times := rowsAt(from), 0
			s := h.move(home, func(at string) error {
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
			if after := rowsAt(to); !slices.Equal(before, after) {
				t.Errorf("stopped at %s (home %v), the rows have changed:\n%v\n%v", step, home, before, after)
			}
			h.checkOneOwner()
			(&load{there: map[string]bool{}, gone: map[string]bool{}}).write(t, to.db, fmt.Sprintf("after %s %v", step, home), 1)
		}
	}
}

func TestAMoveToAnotherHostGoesOnAfterACrashAtEachChunk(t *testing.T) {
	h := newHosts(t)
	enlarge(t, h.trunk.db)
	before := rowsAt(h.trunk)
	for chunk := 1; ; chunk++ {
		stopped := false
		for _, home := range []bool{false, true} {
			_, to := h.sides(home)
			reached, wasStopped := stopAt(chunk)
			if s := h.move(home, reached); s.Step != StepDone {
				t.Fatalf("stopped at chunk %d (home %v), it ended so: %+v", chunk, home, s)
			}
			if !slices.Equal(before, rowsAt(to)) {
				t.Fatalf("stopped at chunk %d (home %v), the rows have changed", chunk, home)
			}
			h.checkOneOwner()
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

// A call that does not arrive, and an answer that is lost, delay the move and no more.
func TestLostCallsAndAnswersDelayAMove(t *testing.T) {
	for _, call := range []string{"begin", "recall", "rows", "sum", "claim"} {
		for _, isAnswer := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, answer %v", call, isAnswer), func(t *testing.T) {
				t.Parallel()
				h := newHosts(t)
				before, times := rowsAt(h.trunk), 0
				h.fault = func(at string, answered bool) error {
					if at == call && answered == isAnswer {
						if times++; times == 1 {
							return fault.New(fault.Unavailable, "the network is gone")
						}
					}
					return nil
				}
				m, err := NewMove(t.Context(), h.options(false, nil))
				if call == "begin" && err != nil { // nothing has begun: the same command again
					m, err = NewMove(t.Context(), h.options(false, nil))
				}
				if err != nil {
					t.Fatal(err)
				}
				if err := m.Run(t.Context()); err != nil || m.Status().Step != StepDone || times < 2 {
					t.Fatalf("after %d calls it ended so: %v, %+v", times, err, m.Status())
				}
				if !slices.Equal(before, rowsAt(h.other)) {
					t.Error("the rows have changed")
				}
				h.checkOneOwner()
			})
		}
	}
}

// A move that is canceled leaves the data where it was; the same target takes it later.
func TestAMoveToAnotherHostIsCanceled(t *testing.T) {
	h := newHosts(t)
	for _, home := range []bool{false, true} {
		from, _ := h.sides(home)
		for _, step := range []string{"captured", "chunk", "checked"} {
			before := rowsAt(from)
			var m *Move
			var err error
			m, err = NewMove(t.Context(), h.options(home, func(at string) error {
				if at == step {
					return m.Cancel()
				}
				return nil
			}))
			if err != nil {
				t.Fatal(err)
			}
			if err := m.Run(t.Context()); err != nil || m.Status().Step != StepCanceled {
				t.Fatalf("canceled at %s (home %v): %v, %+v", step, home, err, m.Status())
			}
			if !slices.Equal(before, rowsAt(from)) {
				t.Errorf("the rows have changed after a cancel at %s", step)
			}
			h.checkOneOwner()
			(&load{there: map[string]bool{}, gone: map[string]bool{}}).write(t, from.db, fmt.Sprintf("after %v %s", home, step), 1)
		}
		if s := h.move(home, nil); s.Step != StepDone {
			t.Fatalf("%+v", s)
		}
	}
}

// A move that was begun and whose answer was lost keeps no next one from being made.
func TestAMoveThatNobodyMakesIsForgottenByTheNext(t *testing.T) {
	h := newHosts(t)
	if _, err := NewMove(t.Context(), h.options(false, nil)); err != nil {
		t.Fatal(err)
	}
	before := rowsAt(h.trunk)
	m, err := NewMove(t.Context(), h.options(false, nil))
	if err != nil {
		t.Fatalf("the same command again: %v", err)
	}
	if err := m.Run(t.Context()); err != nil || m.Status().Step != StepDone || !slices.Equal(before, rowsAt(h.other)) {
		t.Errorf("%v, %+v", err, m.Status())
	}
	h.checkOneOwner()
}

// A move that is canceled while its source cannot be written is forgotten when it can: a
// start after that does not go on with it.
func TestACanceledMoveIsForgottenWhenTheSourceCanBeWritten(t *testing.T) {
	h := newHosts(t)
	var m *Move
	o := h.options(false, func(at string) error {
		if at != "captured" {
			return nil
		}
		return errors.Join(m.Cancel(), outside(t, h.trunk.at, `CREATE TRIGGER disk_full BEFORE DELETE ON module_move BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`))
	})
	failed := &firstWarning{seen: make(chan struct{})}
	o.Log = slog.New(failed)
	m, err := NewMove(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	var mending sync.WaitGroup
	mending.Go(func() {
		<-failed.seen
		if err := outside(t, h.trunk.at, `DROP TRIGGER disk_full`); err != nil {
			t.Error(err)
		}
	})
	if err := m.Run(t.Context()); err != nil || m.Status().Step != StepCanceled {
		t.Fatalf("%v, %+v", err, m.Status())
	}
	mending.Wait()
	if again, err := Resume(t.Context(), h.options(false, nil), nil); again != nil || err != nil {
		t.Errorf("a start goes on with the canceled move: %v", err)
	}
	if s := h.move(false, nil); s.Step != StepDone {
		t.Errorf("the next move: %+v", s)
	}
}

// firstWarning is a log that says when something goes wrong.
type firstWarning struct {
	slog.Handler
	once sync.Once
	seen chan struct{}
}

func (f *firstWarning) Enabled(context.Context, slog.Level) bool { return true }

func (f *firstWarning) Handle(_ context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn && strings.Contains(r.Message, "left behind") {
		f.once.Do(func() { close(f.seen) })
	}
	return nil
}

// manyRows writes so many that the file of the other side must grow for them.
func (h *hosts) manyRows(from *host, mark string) {
	h.t.Helper()
	if err := from.db.Write(h.t.Context(), func(tx *database.Tx) error {
		for n := range 300 {
			if _, err := tx.Exec(h.t.Context(), `INSERT INTO event_outbox (event_id, topic, key, time, traceparent, payload) VALUES (?, 't', 'k', 1, '', ?)`,
				fmt.Sprintf("%s %d", mark, n), strings.Repeat("x", 2000)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		h.t.Fatal(err)
	}
}

// The disk of the side that the data comes to is full from a step on. With space the move
// goes on by itself; one that is canceled leaves the data where it was. Writes go on.
func TestAFullDiskAtTheOtherHostDelaysAMove(t *testing.T) {
	for _, step := range []string{"begun", "captured", "chunk", "copied", "indexed", "checked"} {
		for _, home := range []bool{false, true} {
			for _, isCanceled := range []bool{false, true} {
				t.Run(fmt.Sprintf("from %s on, home %v, canceled %v", step, home, isCanceled), func(t *testing.T) {
					t.Parallel()
					h := newHosts(t)
					if home {
						if s := h.move(false, nil); s.Step != StepDone {
							t.Fatalf("%+v", s)
						}
					}
					from, to := h.sides(home)
					h.manyRows(from, "before")
					var m *Move
					full := sync.OnceFunc(func() { // once: after it there is space
						h.full.Store(true)
						h.manyRows(from, "meanwhile")
					})
					o := h.options(home, func(at string) error {
						if at == step {
							full()
						}
						return nil
					})
					m, err := NewMove(t.Context(), o)
					if err != nil {
						t.Fatal(err)
					}
					var watching sync.WaitGroup
					watching.Go(func() {
						for !strings.Contains(m.Status().Problem, "at "+to.name+": the database cannot grow, its disk is full") {
							if m.Status().Ended() || periodic.Sleep(t.Context(), time.Millisecond) != nil {
								t.Error("nobody was told of the full disk")
								return
							}
						}
						if isCanceled {
							if err := m.Cancel(); err != nil {
								t.Error(err)
							}
						}
						h.full.Store(false)
					})
					if err := m.Run(t.Context()); err != nil {
						t.Fatal(err)
					}
					watching.Wait()
					want, at := StepDone, to
					if isCanceled {
						want, at = StepCanceled, from
					}
					if s := m.Status(); s.Step != want {
						t.Fatalf("it ended so: %+v", s)
					}
					h.checkOneOwner()
					h.manyRows(at, "after")
					var rows int
					if err := at.db.Read().Get(t.Context(), &rows, `SELECT COUNT(*) FROM event_outbox WHERE payload LIKE 'x%'`); err != nil || rows != 900 {
						t.Errorf("%d rows are there, %v", rows, err)
					}
				})
			}
		}
	}
}

// The disk of the side that the data leaves is full when the move is decided, while writes
// wait: they go on where the data is, and with space the move ends by itself.
func TestAFullDiskWhileWritesAreHeldLetsThemGo(t *testing.T) {
	h := newHosts(t)
	full := sync.OnceValue(func() error {
		return outside(t, h.trunk.at, `CREATE TRIGGER disk_full BEFORE UPDATE ON ownership WHEN NEW.owner = 'moved' BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`)
	})
	m, err := NewMove(t.Context(), h.options(false, func(at string) error {
		if at == "held" {
			return full()
		}
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	var watching sync.WaitGroup
	watching.Go(func() {
		for m.Status().Problem == "" {
			if m.Status().Ended() || periodic.Sleep(t.Context(), time.Millisecond) != nil {
				t.Error("nobody was told of the full disk")
				return
			}
		}
		h.checkOneOwner()
		h.manyRows(h.trunk, "meanwhile")
		if err := outside(t, h.trunk.at, `DROP TRIGGER disk_full`); err != nil {
			t.Error(err)
		}
	})
	if err := m.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	watching.Wait()
	if s := m.Status(); s.Step != StepDone {
		t.Fatalf("it ended so: %+v", s)
	}
	h.checkOneOwner()
	h.manyRows(h.other, "after")
	var rows int
	if err := h.other.db.Read().Get(t.Context(), &rows, `SELECT COUNT(*) FROM event_outbox WHERE payload LIKE 'x%'`); err != nil || rows != 600 {
		t.Errorf("%d rows are there, %v", rows, err)
	}
}

// A request that arrives when its sender has given it up changes nothing.
func TestLateRowsAreRefused(t *testing.T) {
	h := newHosts(t)
	o := h.options(false, nil)
	m, err := NewMove(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	s, err := m.connect(t.Context()) // attempt 1
	if err != nil {
		t.Fatal(err)
	}
	parent, err := s.table("parent")
	if err != nil {
		t.Fatal(err)
	}
	row := make([]any, len(parent.columns))
	for i, c := range parent.columns {
		row[i] = map[kind]any{integer: int64(1), text: "late", blob: []byte{1}, real: 1.0}[c.kind]
	}
	late := Batch{ID: m.id, Attempt: 1, Body: strings.NewReader(string(appendGroup(nil, parent, nil, [][]any{row})))}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	if err := m.Run(t.Context()); err != nil || m.Status().Step != StepDone {
		t.Fatalf("%v, %+v", err, m.Status())
	}
	for _, b := range []Batch{late, {ID: m.id, Attempt: 2, Body: late.Body}} {
		if _, err := h.other.in.Rows(t.Context(), b); !fault.Is(err, fault.Unavailable) {
			t.Errorf("late rows of attempt %d: %v", b.Attempt, err)
		}
	}
	if slices.ContainsFunc(rowsAt(h.other), func(row string) bool { return strings.Contains(row, "late") }) {
		t.Error("late rows are stored")
	}
}

// A changed row, and one that is missing, end the move with the data where it was.
func TestAMoveToAnotherHostRefusesACopyThatIsNotEqual(t *testing.T) {
	for _, statement := range []string{`UPDATE parent SET name = 'changed' WHERE id = 2`, `DELETE FROM a_child WHERE parent_id = 3`} {
		h := newHosts(t)
		done := false
		s := h.move(false, func(at string) error {
			if at == "copied" && !done {
				done = true
				return outside(t, h.other.at, statement)
			}
			return nil
		})
		if s.Step != StepFailed || s.Problem == "" || !h.trunk.owner.IsOwner() {
			t.Errorf("after %s it ended so: %+v", statement, s)
		}
		h.checkOneOwner()
	}
}

// A process with data of its own, and one of another release, take nothing.
func TestATargetRefusesWhatItMustNotTake(t *testing.T) {
	h := newHosts(t)
	if err := h.other.in.Begin(t.Context(), Opening{ID: "a", DataID: h.trunk.owner.DataID(), Schema: "events 1"}); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "one release") {
		t.Errorf("other migrations: %v", err)
	}
	write(t, []database.Options{h.other.at}, fmt.Sprintf(aParent, "another"))
	if _, err := NewMove(t.Context(), h.options(false, nil)); !fault.Is(err, fault.Conflict) {
		t.Errorf("a target with rows: %v", err)
	}
	if again, err := Resume(t.Context(), h.options(false, nil), nil); again != nil || err != nil {
		t.Errorf("a refused move is remembered: %v, %v", again, err)
	}
	if !h.trunk.owner.IsOwner() {
		t.Error("the trunk does not own its data any longer")
	}
}

// Whatever arrives, it is read with a bound, and refused without a trace.
func FuzzRows(f *testing.F) {
	t := newTable("parent", []column{{"id", integer}, {"name", text}, {"share", real}, {"wallet", blob}}, []string{"id"}, "id")
	whole := appendGroup(nil, t, [][]any{{int64(1)}}, [][]any{{int64(1), "a", 1.5, []byte{1, 2}}, {int64(-2), nil, nil, nil}})
	whole = appendEnd(whole, []table{t}, []int64{7})
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Add([]byte{})
	f.Fuzz(func(tt *testing.T, body []byte) {
		groups := newGroupReader(strings.NewReader(string(body)))
		var again []byte
		for {
			err := groups.next(batchReader{
				find:  func(string) (table, error) { return t, nil },
				group: func(_ table, keys, rows [][]any) error { again = appendGroup(again, t, keys, rows); return nil },
				end: func(counters map[string]int64) error {
					again = appendEnd(again, []table{t}, []int64{counters["parent"]})
					return nil
				},
			})
			if err != nil {
				if errors.Is(err, io.EOF) && !fault.Is(err, fault.Invalid) && len(body) == len(whole) && string(body) == string(whole) && string(again) != string(whole) {
					tt.Errorf("read %x as %x", body, again)
				}
				return
			}
		}
	})
}
