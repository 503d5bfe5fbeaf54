package ownership_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"banyan/platform/database"
)

const (
	handOvers   = 24
	perHandOver = 60 // operations acknowledged between two of them, at least
	callers     = 8
)

// operation is what porcupine looks at: a counter that each add raises by one.
type operation struct {
	key   int64
	isAdd bool
}

var counters = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		parts := make([][]porcupine.Operation, keys)
		for _, o := range history {
			k := o.Input.(operation).key
			parts[k] = append(parts[k], o)
		}
		return parts
	},
	Init: func() any { return int64(0) },
	Step: func(state, input, output any) (bool, any) {
		n := state.(int64)
		if input.(operation).isAdd {
			n++
		}
		return output.(int64) == n, n
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprint(input, " → ", output) },
}

// load calls two processes while the ownership goes to and fro between them.
type load struct {
	t            *testing.T
	children     [2]*child
	owner        atomic.Int64 // where writes are sent: the route
	begun        time.Time
	acknowledged chan struct{} // one for each operation, as long as somebody counts
	refused      atomic.Int64
	anywhere     bool // the negative control: writes go to either process
	stop         chan struct{}

	mu      sync.Mutex
	history []porcupine.Operation
}

// caller does one operation after the other. A refused add has had no effect,
// and is sent to the other process.
func (c *load) caller(id int) {
	for !c.t.Failed() {
		o := operation{key: rand.Int64N(keys), isAdd: rand.IntN(10) < 7}
		what, to := "get", rand.Int64N(2) // both may read
		if o.isAdd {
			what = "add"
			if !c.anywhere {
				to = c.owner.Load()
			}
		}
		for {
			call := time.Since(c.begun).Nanoseconds()
			n, lost, err := c.children[to].ask(what, o.key)
			if err != nil {
				c.t.Error(err)
				return
			}
			if lost {
				c.refused.Add(1)
				to = c.owner.Load()
				continue
			}
			done := porcupine.Operation{ClientId: id, Input: o, Call: call, Output: n, Return: time.Since(c.begun).Nanoseconds()}
			c.mu.Lock()
			c.history = append(c.history, done)
			c.mu.Unlock()
			break
		}
		select {
		case <-c.stop:
			return
		default:
		}
		select {
		case c.acknowledged <- struct{}{}:
		default: // a hand-over is under way, and nobody counts
		}
	}
}

// Two real processes on one database, both willing to write all the time, and
// the ownership handed to and fro: what was acknowledged is linearizable, and
// every acknowledged add counts once. The owner counts in memory, so that a
// second writer at the same time would show.
func TestTheHistoryOfTwoProcessesIsLinearizable(t *testing.T) {
	for _, dialect := range []database.Dialect{database.SQLite, database.Postgres} {
		t.Run(string(dialect), func(t *testing.T) {
			options := tallyOptions(t, dialect)
			db := tally(t, options)
			c := newLoad(t)
			c.children[0] = start(t, "trunk", options)
			c.children[1] = start(t, "tally", options)
			c.run(c.handOver)
			if !t.Failed() {
				c.check(db)
			}
		})
	}
}

// Negative control: the same without the fence, and writes to both, must show.
func TestWithoutTheFenceTheHistoryIsNotLinearizable(t *testing.T) {
	options := tallyOptions(t, database.SQLite)
	tally(t, options)
	c := newLoad(t)
	c.anywhere = true
	c.children[0] = start(t, "trunk", options, childFree+"=yes")
	c.children[1] = start(t, "tally", options, childFree+"=yes")
	c.run(func(ended <-chan struct{}) {
		for range 4 * perHandOver {
			select {
			case <-c.acknowledged:
			case <-ended:
				return
			}
		}
	})
	if r := porcupine.CheckOperationsTimeout(counters, c.history, time.Minute); r != porcupine.Illegal {
		t.Errorf("two writers give a history that is %s: the check shows nothing", r)
	}
}

func newLoad(t *testing.T) *load {
	return &load{t: t, begun: time.Now(), acknowledged: make(chan struct{}, perHandOver), stop: make(chan struct{})}
}

// run has the callers call until script is over. It hands script a channel that
// is closed when all callers have ended, which they do when one fails.
func (c *load) run(script func(ended <-chan struct{})) {
	var wg sync.WaitGroup
	for id := range callers {
		wg.Go(func() { c.caller(id) })
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		wg.Wait()
	}()
	script(ended)
	close(c.stop)
	<-ended
}

// handOver returns up when the callers have: one of them has failed.
func (c *load) handOver(ended <-chan struct{}) {
	for epoch := int64(1); epoch <= handOvers; epoch++ {
		for range perHandOver {
			select {
			case <-c.acknowledged:
			case <-ended:
				return
			}
		}
		next := epoch % 2
		now, _, err := c.children[next].ask("take", epoch)
		if err != nil || now != epoch+1 {
			c.t.Errorf("take of epoch %d: now %d, %v", epoch, now, err)
			return
		}
		c.owner.Store(next)
	}
}

func (c *load) check(db *database.DB) {
	c.t.Helper()
	c.t.Logf("%d operations acknowledged over %d hand-overs, %d refused by the fence and sent on", len(c.history), handOvers, c.refused.Load())
	if c.refused.Load() == 0 {
		c.t.Error("no write met the fence: this shows nothing")
	}
	if r := porcupine.CheckOperationsTimeout(counters, c.history, time.Minute); r != porcupine.Ok {
		c.t.Errorf("the acknowledged history is not linearizable: %s", r)
	}
	adds := map[int64]int64{}
	for _, o := range c.history {
		if in := o.Input.(operation); in.isAdd {
			adds[in.key]++
		}
	}
	for key := range int64(keys) {
		if n, err := count(c.t.Context(), db, key); err != nil || n != adds[key] {
			c.t.Errorf("counter %d stands at %d after %d acknowledged adds (%v)", key, n, adds[key], err)
		}
	}
}

// The owner is frozen in the middle of a transaction: the other takes all the
// same, the frozen one's write is not kept when it wakes up, and it is told so.
func TestAFrozenOwnerIsTakenOver(t *testing.T) {
	options := tallyOptions(t, database.Postgres)
	db := tally(t, options)
	frozen, other := start(t, "trunk", options), start(t, "tally", options)
	if _, _, err := frozen.ask("add", 0); err != nil {
		t.Fatal(err)
	}
	held, err := frozen.begin("hold", 1)
	if err != nil {
		t.Fatal(err)
	}
	<-frozen.holding
	if err := frozen.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	awake := sync.OnceFunc(func() { _ = frozen.cmd.Process.Signal(syscall.SIGCONT) })
	defer awake() // also when the test fails: a frozen process does not end
	if now, _, err := other.ask("take", 1); err != nil || now != 2 {
		t.Fatalf("take from a frozen owner: epoch %d, %v", now, err)
	}
	if n, lost, err := other.ask("add", 1); n != 1 || lost || err != nil {
		t.Errorf("the new owner's write: %d, lost %t, %v", n, lost, err)
	}
	awake()
	if _, _, err := frozen.ask("free", 0); err != nil {
		t.Fatal(err)
	}
	if answer := <-held; answer[:6] != "failed" {
		t.Errorf("the write that was frozen: %q, want a failure", answer)
	}
	if _, lost, err := frozen.ask("add", 0); !lost {
		t.Errorf("the old owner wrote on: %v", err)
	}
	for key, want := range []int64{1, 1} {
		if n, err := count(t.Context(), db, int64(key)); n != want || err != nil {
			t.Errorf("counter %d stands at %d, %v; want %d", key, n, err, want)
		}
	}
}

// The owner is killed while it writes: the other takes, what was acknowledged is
// there, and of the rest no more than what was under way.
func TestAKilledOwnerIsTakenOver(t *testing.T) {
	for _, dialect := range []database.Dialect{database.SQLite, database.Postgres} {
		t.Run(string(dialect), func(t *testing.T) {
			options := tallyOptions(t, dialect)
			db := tally(t, options)
			owner, other := start(t, "trunk", options), start(t, "tally", options)
			var acknowledged, underWay atomic.Int64
			enough := make(chan struct{})
			isEnough := sync.OnceFunc(func() { close(enough) })
			var wg sync.WaitGroup
			for range callers {
				wg.Go(func() {
					for {
						if _, _, err := owner.ask("add", 0); err != nil {
							underWay.Add(1)
							isEnough() // also when it fails too early: the test ends then
							return
						}
						if acknowledged.Add(1) == 100 {
							isEnough()
						}
					}
				})
			}
			<-enough
			owner.killed = true
			if err := owner.cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			wg.Wait()
			if now, _, err := other.ask("take", 1); err != nil || now != 2 {
				t.Fatalf("take from a killed owner: epoch %d, %v", now, err)
			}
			n, lost, err := other.ask("add", 0)
			stored := n - 1
			if lost || err != nil || acknowledged.Load() < 100 || stored < acknowledged.Load() || stored > acknowledged.Load()+underWay.Load() {
				t.Errorf("%d stored, %d acknowledged, %d under way, lost %t, %v", stored, acknowledged.Load(), underWay.Load(), lost, err)
			}
			if n, err := count(t.Context(), db, 0); n != stored+1 || err != nil {
				t.Errorf("counter at %d, %v; want %d", n, err, stored+1)
			}
		})
	}
}
