package transfer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"

	"banyan/platform/ownership"
)

// The world of the simulation: two databases, one process that moves the data between
// them and is ended at any moment, writers, and a network that loses requests and answers. A
// transaction whose answer was lost may be committed later, but before anybody else's
// on that database: it holds the row of the owner.

const trunk = "trunk"

var (
	errLost  = errors.New("no answer")
	errCrash = errors.New("the process ended")
)

// simState is what is stored in a database.
type simState struct {
	rows   map[int]int
	claim  ownership.Claim
	record string // of module_move, "" = none
	notes  bool   // triggers note what is written
	seq    int    // of the last entry of the log
	log    map[int]int
}

func (s simState) clone() simState {
	s.rows, s.log = maps.Clone(s.rows), maps.Clone(s.log)
	return s
}

func (s *simState) remembered() *record {
	if s.record == "" {
		return nil
	}
	r := new(record)
	if err := json.Unmarshal([]byte(s.record), r); err != nil {
		panic(err) // the simulation has written it
	}
	return r
}

func (s *simState) remember(r record) {
	line, err := json.Marshal(r)
	if err != nil {
		panic(err) // records are plain values
	}
	s.record = string(line)
}

type simStore struct {
	name string
	simState
	doubt *simState // of a transaction whose answer was lost
}

type simWorld struct {
	random       *rand.Rand
	broken       simMutation
	home, away   *simStore
	expected     map[int]int // what must be stored in the end
	at           *simStore   // to which the process's handle leads
	holding      bool        // the process holds its own writes
	faults       int         // that are left
	calls        int
	epoch        int64 // of the last write
	next         int   // value
	violation    string
	trace        []string
	traced       bool
	moved        int // decisions
	unequal      int // moves that ended because their comparison failed
	crashes      int
	lost, writes int
}

func (w *simWorld) say(format string, args ...any) {
	if w.traced {
		w.trace = append(w.trace, fmt.Sprintf(format, args...))
	}
}

func (w *simWorld) fail(format string, args ...any) {
	if w.violation == "" {
		w.violation = fmt.Sprintf(format, args...)
	}
	w.say("VIOLATION: "+format, args...)
}

func (w *simWorld) chance(percent int) bool { return w.random.IntN(100) < percent }

// faulty reports whether something goes wrong now.
func (w *simWorld) faulty(percent int) bool {
	if w.faults == 0 || !w.chance(percent) {
		return false
	}
	w.faults--
	return true
}

// settle ends a transaction in doubt, one way or the other.
func (w *simWorld) settle(s *simStore) {
	if s.doubt == nil {
		return
	}
	committed := w.chance(50)
	w.say("%s: the transaction in doubt is committed: %v", s.name, committed)
	if committed {
		s.simState = *s.doubt
	}
	s.doubt = nil
	w.check()
}

// check holds what must be so at every moment.
func (w *simWorld) check() {
	if w.home.claim.Owner == trunk && w.away.claim.Owner == trunk {
		w.fail("both sides have an owner, at epochs %d and %d", w.home.claim.Epoch, w.away.claim.Epoch)
	}
}

// call is a request of the process to a database. Others do something before.
func (w *simWorld) call(s *simStore, what string) error {
	if w.calls++; w.calls > 20_000 {
		panic("the move has no end") // recovered by simulate
	}
	for range w.random.IntN(3) {
		w.write()
	}
	if s.claim.Owner == ownership.Moving && w.faulty(6) {
		w.settle(s)
		if s.claim.Owner == ownership.Moving {
			w.say("%s: another process starts, and takes the writes that are held", s.name)
			s.claim = ownership.Claim{Epoch: s.claim.Epoch + 1, Owner: trunk}
			w.check()
		}
	}
	if w.faulty(3) {
		w.crashes++
		w.say("%s: %s: the process ends before", s.name, what)
		return errCrash
	}
	if w.faulty(4) {
		w.lost++
		w.say("%s: %s: the request is lost", s.name, what)
		return errLost
	}
	return nil
}

// read is a transaction that reads; one in doubt is not seen.
func (w *simWorld) read(s *simStore, what string, do func(simState)) error {
	if err := w.call(s, what); err != nil {
		return err
	}
	do(s.simState)
	return nil
}

// change is a transaction that writes.
func (w *simWorld) change(s *simStore, what string, do func(*simState) error) error {
	if err := w.call(s, what); err != nil {
		return err
	}
	w.settle(s)
	next := s.clone()
	if err := do(&next); err != nil {
		return err
	}
	return w.commit(s, what, next)
}

func (w *simWorld) commit(s *simStore, what string, next simState) error {
	switch {
	case w.faulty(4): // in doubt
		w.lost++
		s.doubt = &next
		w.say("%s: %s: in doubt", s.name, what)
		return errLost
	case w.faulty(4):
		w.lost++
		s.simState = next
		w.say("%s: %s: done, the answer is lost", s.name, what)
		w.check()
		return errLost
	}
	s.simState = next
	w.say("%s: %s", s.name, what)
	w.check()
	if w.faulty(3) {
		w.crashes++
		w.say("%s: the process ends after %s", s.name, what)
		return errCrash
	}
	return nil
}

// write is one of the process's own, or of one that believes what was before: the fence
// in the transaction decides.
func (w *simWorld) write() {
	s := w.at
	if s == nil || w.chance(30) {
		s = []*simStore{w.home, w.away}[w.random.IntN(2)]
	} else if w.holding {
		return // it waits
	}
	w.settle(s)
	if s.claim.Owner != trunk {
		return
	}
	if s.claim.Epoch < w.epoch {
		w.fail("a write at epoch %d in %s, after one at %d", s.claim.Epoch, s.name, w.epoch)
	}
	w.epoch = s.claim.Epoch
	key := w.random.IntN(12)
	w.writes++
	if w.chance(20) {
		delete(s.rows, key)
		delete(w.expected, key)
	} else {
		w.next++
		s.rows[key], w.expected[key] = w.next, w.next
	}
	if s.notes {
		s.seq++
		s.log[s.seq] = key
	}
}

// simLane is a connection of the real code to a database of the simulation. It has the
// statements about the record and the owner.
type simLane struct {
	lane // nil: the simulation copies rows by itself

	w     *simWorld
	store *simStore
	what  string
	open  *simState
}

func (l *simLane) beginRead(context.Context) error {
	if err := l.w.call(l.store, l.what); err != nil {
		return err
	}
	seen := l.store.clone()
	l.open = &seen
	return nil
}

func (l *simLane) beginWrite(context.Context) error {
	if err := l.w.call(l.store, l.what); err != nil {
		return err
	}
	l.w.settle(l.store)
	next := l.store.clone()
	l.open = &next
	return nil
}

func (l *simLane) commit(context.Context) error {
	next := *l.open
	l.open = nil
	return l.w.commit(l.store, l.what, next)
}

func (l *simLane) rollback() error {
	l.open = nil
	return nil
}

func (l *simLane) exec(_ context.Context, query string, args ...any) error {
	switch {
	case strings.HasPrefix(query, `DELETE FROM ownership`):
		l.open.claim = ownership.Claim{}
	case strings.HasPrefix(query, `INSERT INTO ownership`):
		l.open.claim = ownership.Claim{Epoch: args[0].(int64), Owner: args[1].(string), URL: args[2].(string)}
	case strings.HasPrefix(query, `DELETE FROM module_move`):
		l.open.record = ""
	case strings.HasPrefix(query, `INSERT INTO module_move`):
		l.open.record = args[0].(string)
	case strings.HasPrefix(query, `DELETE FROM move_log`):
		clear(l.open.log)
	case strings.HasPrefix(query, `DELETE FROM moved_owner`):
	default:
		return fmt.Errorf("the simulation does not know %q", query)
	}
	return nil
}

func (l *simLane) get(_ context.Context, dest []any, query string, _ ...any) (bool, error) {
	if !strings.HasPrefix(query, `SELECT record FROM module_move`) {
		return false, fmt.Errorf("the simulation does not know %q", query)
	}
	*dest[0].(*string) = l.open.record
	return l.open.record != "", nil
}
