package ownership

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"

	"banyan/platform/database"
	"banyan/platform/fault"
)

// The simulation: processes, their tasks, a network and one database, in one
// goroutine at a time, in an order that a seed decides. The code of this
// package is the real one; the database (what SQLite and PostgreSQL promise)
// and everything around it are modelled.

// mutation breaks the protocol on purpose, to see that the simulation notices.
type mutation string

const (
	sound        mutation = ""
	noFence      mutation = "writes without asking the fence"
	fenceOutside mutation = "the fence is asked before the transaction, not in it"
	fenceNoLock  mutation = "the fence reads without the lock"
	blindTake    mutation = "a take does not compare the epoch"
	noKeys       mutation = "a repeated write is stored again"
)

// world is one schedule.
type world struct {
	rng       *rand.Rand
	mutated   mutation
	db        simDatabase
	tasks     []*task
	running   *task
	processes []*process
	messages  []message
	calm      bool // no more faults: what can end must end
	plan      bool // the persisted route plan: true = remote

	acknowledged map[string]bool // keys of writes that a client was told are stored
	wanted       int             // writes that clients meant to do
	takes        int
	refusals     int
	violation    string
	trace        []string
	tracing      bool
}

// task is a goroutine of a process (or of nobody: a client).
type task struct {
	process *process // nil: outside, always running
	next    func() (struct{}, bool)
	stop    func()
	yield   func(struct{}) bool
}

type killed struct{}

// spawn adds a task; it begins when the scheduler picks it.
func (w *world) spawn(p *process, body func()) {
	t := &task{process: p}
	t.next, t.stop = iter.Pull(func(yield func(struct{}) bool) {
		defer func() {
			if r := recover(); r != nil {
				if _, isKilled := r.(killed); !isKilled {
					panic(r)
				}
			}
		}()
		t.yield = yield
		body()
	})
	w.tasks = append(w.tasks, t)
}

// step lets others run: it stands wherever the real program may be interrupted.
func (w *world) step() {
	t := w.running
	if !t.yield(struct{}{}) {
		panic(killed{})
	}
}

// until waits for a condition, and gives up when its clock says so: clocks jump,
// so that may be at once.
func (w *world) until(rounds int, condition func() bool) bool {
	for range rounds {
		if condition() {
			return true
		}
		if !w.calm && w.chance(100) {
			return false
		}
		w.step()
	}
	return condition()
}

func (w *world) chance(oneIn int) bool { return w.rng.IntN(oneIn) == 0 }

// schedule runs tasks in random order until none is left, or for so many steps.
func (w *world) schedule(steps int) {
	for range steps {
		if len(w.tasks) == 0 || w.violation != "" {
			return
		}
		w.deliver()
		i := w.rng.IntN(len(w.tasks))
		t := w.tasks[i]
		if t.process != nil && t.process.paused {
			continue
		}
		w.running = t
		if _, alive := t.next(); !alive {
			last := len(w.tasks) - 1
			i = slices.Index(w.tasks, t) // a restart has moved it
			w.tasks[i] = w.tasks[last]
			w.tasks = w.tasks[:last]
		}
	}
}

// kill ends the tasks that are picked.
func (w *world) kill(which func(t *task) bool) {
	left := w.tasks[:0]
	for _, t := range w.tasks {
		if which(t) {
			w.db.rollBack(t)
			t.stop()
			continue
		}
		left = append(left, t)
	}
	clear(w.tasks[len(left):])
	w.tasks = left
}

func (w *world) say(format string, args ...any) {
	if w.tracing {
		w.trace = append(w.trace, fmt.Sprintf(format, args...))
	}
}

func (w *world) violated(format string, args ...any) {
	if w.violation == "" {
		w.violation = fmt.Sprintf(format, args...)
		w.say("VIOLATION %s", w.violation)
	}
}

// simDatabase is one SQLite file or one PostgreSQL schema, as its documentation
// has it.
type simDatabase struct {
	w        *world
	postgres bool
	claim    Claim            // committed
	rows     map[string]int   // key → how often its effect was stored
	owners   map[int64]string // epoch → who took it
	writers  map[int64]string // epoch → who wrote in it
	open     map[*simTx]bool  // transactions
	writer   *simTx           // SQLite: who has the only write lock; PostgreSQL: the exclusive ownership lock
	sharers  map[*simTx]bool  // PostgreSQL: who has the shared ownership lock
}

// simTx is a transaction: what it writes counts at its commit.
type simTx struct {
	database.Queryer // Select is never asked
	db               *simDatabase
	task             *task
	claim            *Claim
	keys             []string
	aborted          bool
}

var errAborted = fault.New(fault.Unavailable, "lost its connection")

func newSimDatabase(w *world, postgres bool) simDatabase {
	return simDatabase{
		w: w, postgres: postgres, rows: map[string]int{}, owners: map[int64]string{}, writers: map[int64]string{},
		open: map[*simTx]bool{}, sharers: map[*simTx]bool{},
	}
}

// begin is BEGIN in PostgreSQL and BEGIN IMMEDIATE in SQLite, which waits for
// the write lock for so long.
func (d *simDatabase) begin() (*simTx, error) {
	tx := &simTx{db: d, task: d.w.running}
	d.w.step()
	if !d.postgres {
		if !d.w.until(40, func() bool { return d.writer == nil }) {
			return nil, fault.New(fault.Unavailable, "is held by another process")
		}
		d.writer = tx
	}
	d.open[tx] = true
	return tx, nil
}

func (d *simDatabase) end(tx *simTx) {
	delete(d.open, tx)
	delete(d.sharers, tx)
	if d.writer == tx {
		d.writer = nil
	}
}

// rollBack ends what a killed task had open.
func (d *simDatabase) rollBack(t *task) {
	for tx := range d.open {
		if tx.task == t {
			d.end(tx)
		}
	}
}

// commit makes everything visible at one moment, or nothing. This is where the
// invariants are looked at: the database sees every write.
func (tx *simTx) commit() error {
	d, w := tx.db, tx.db.w
	w.step()
	if tx.aborted {
		return errAborted
	}
	defer d.end(tx)
	if tx.claim != nil {
		if now, taken := d.owners[tx.claim.Epoch]; taken && now != tx.claim.Owner {
			w.violated("epoch %d was taken by %s and by %s", tx.claim.Epoch, now, tx.claim.Owner)
		}
		if tx.claim.Epoch < d.claim.Epoch {
			w.violated("the epoch went back from %d to %d", d.claim.Epoch, tx.claim.Epoch)
		}
		d.claim = *tx.claim
		d.owners[d.claim.Epoch] = d.claim.Owner
	}
	for _, key := range tx.keys {
		d.rows[key]++
		name, epoch := tx.task.process.name, d.claim.Epoch
		w.say("%s#%d commits %s in epoch %d", name, tx.task.process.id, key, epoch)
		if name != d.claim.Owner {
			w.violated("%s wrote in epoch %d, which belongs to %s", name, epoch, d.claim.Owner)
		}
		if other, wrote := d.writers[epoch]; wrote && other != name {
			w.violated("epoch %d has two writers, %s and %s", epoch, other, name)
		}
		d.writers[epoch] = name
	}
	return nil
}

// Dialect implements database.Queryer.
func (tx *simTx) Dialect() database.Dialect {
	if tx.db.postgres {
		return database.Postgres
	}
	return database.SQLite
}

// Get implements database.Queryer for the fence's one query.
func (tx *simTx) Get(_ context.Context, dest any, query string, _ ...any) error {
	d := tx.db
	d.w.step()
	if tx.aborted {
		return errAborted
	}
	if strings.Contains(query, "ownership_fence()") && d.w.mutated != fenceNoLock {
		if !d.w.until(60, func() bool { return d.writer == nil || tx.aborted }) || tx.aborted {
			return errAborted
		}
		d.sharers[tx] = true
	}
	*dest.(*Claim) = d.claim
	return nil
}

// simRegister is the register in that database, as one process sees it.
type simRegister struct{ db *simDatabase }

func (r simRegister) read(context.Context) (Claim, error) {
	r.db.w.step()
	claim := r.db.claim
	r.db.w.step() // the answer may come late
	return claim, nil
}

func (r simRegister) swap(_ context.Context, expected int64, next Claim) (Claim, error) {
	d, w := r.db, r.db.w
	tx, err := d.begin()
	if err != nil {
		return Claim{}, err
	}
	if d.postgres && !r.lockOut(tx) {
		d.end(tx)
		return Claim{}, fault.New(fault.Unavailable, "a write of the owner has been running for long")
	}
	w.step()
	if d.claim.Epoch == expected || w.mutated == blindTake {
		next.ChangedMS = w.rng.Int64() // this process's clock: it may say anything
		tx.claim = &next
	}
	now := d.claim
	if tx.claim != nil {
		now = *tx.claim
	}
	if err := tx.commit(); err != nil {
		return Claim{}, err
	}
	w.takes++
	w.say("%s#%d take expecting %d: now %d %s", w.running.process.name, w.running.process.id, expected, now.Epoch, now.Owner)
	if w.chance(20) && !w.calm {
		return Claim{}, errAborted // the connection broke after COMMIT
	}
	return now, nil
}

// lockOut is the exclusive lock; sleepers are ended.
func (r simRegister) lockOut(tx *simTx) bool {
	d := r.db
	return d.w.until(60, func() bool {
		for sharer := range d.sharers {
			if p := sharer.task.process; p != nil && p.paused {
				sharer.aborted = true
				d.end(sharer)
			}
		}
		if d.writer != nil || len(d.sharers) > 0 {
			return false
		}
		d.writer = tx
		return true
	})
}

// data is one for all: every process of the simulation has the same database.
func (r simRegister) data(context.Context) (string, error) { return "data", nil }

func (r simRegister) move(_ context.Context, c Claim) error {
	r.db.w.step()
	if r.db.claim.Epoch == c.Epoch && r.db.claim.Owner == c.Owner {
		r.db.claim.URL = c.URL
	}
	return nil
}
