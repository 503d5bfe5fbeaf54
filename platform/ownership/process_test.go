package ownership_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"banyan/migrations"
	"banyan/platform/database"
	"banyan/platform/ownership"
	"banyan/platform/testenv/databasetest"
)

const (
	childName   = "BANYAN_OWNERSHIP_CHILD"
	childURL    = "BANYAN_OWNERSHIP_URL"
	childSchema = "BANYAN_OWNERSHIP_SCHEMA"
	childFree   = "BANYAN_OWNERSHIP_UNFENCED" // the negative control
)

func tallyOptions(t testing.TB, dialect database.Dialect) database.Options {
	t.Helper()
	if dialect == database.Postgres {
		options := databasetest.PostgresOptions(t, "tally", migrations.FS)
		options.Sets = []string{"ownership"}
		return options
	}
	return database.Options{Module: "tally", URL: "sqlite:" + t.TempDir(), Migrations: migrations.FS, Sets: []string{"ownership"}}
}

const keys = 4

// tally makes the counters that are written under changing ownership.
func tally(t testing.TB, options database.Options) *database.DB {
	t.Helper()
	db := databasetest.Open(t, options)
	err := db.Write(t.Context(), func(tx *database.Tx) error {
		if _, err := tx.Exec(t.Context(), `CREATE TABLE tally (id BIGINT PRIMARY KEY, n BIGINT NOT NULL)`); err != nil {
			return err
		}
		for id := range keys {
			if _, err := tx.Exec(t.Context(), `INSERT INTO tally (id, n) VALUES (?, 0)`, id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func add(ctx context.Context, tx *database.Tx, id int64) (n int64, err error) {
	err = tx.Get(ctx, &n, `UPDATE tally SET n = n + 1 WHERE id = ? RETURNING n`, id)
	return n, err
}

func count(ctx context.Context, db *database.DB, id int64) (n int64, err error) {
	err = db.Read().Get(ctx, &n, `SELECT n FROM tally WHERE id = ?`, id)
	return n, err
}

// TestChildProcess is not a test of its own: it is what a child process does.
func TestChildProcess(t *testing.T) {
	name := os.Getenv(childName)
	if name == "" {
		return
	}
	db := databasetest.Open(t, database.Options{
		Module: "tally", URL: os.Getenv(childURL), Schema: os.Getenv(childSchema),
		Migrations: migrations.FS, Sets: []string{"ownership"}, Connections: 8,
	})
	own, err := ownership.Open(t.Context(), db, ownership.Process{Name: name, URL: "http://" + name})
	if err != nil {
		t.Fatal(err)
	}
	c := &childProcess{db: db, own: own, free: make(chan struct{}), unfenced: os.Getenv(childFree) != ""}
	if c.unfenced {
		db.SetFence(nil)
	}
	var answers sync.Mutex
	say := func(line string) {
		answers.Lock()
		defer answers.Unlock()
		fmt.Println(line)
	}
	say("ready")
	var wg sync.WaitGroup
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var call, arg int64
		var what string
		if _, err := fmt.Sscan(lines.Text(), &call, &what, &arg); err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			n, err := c.do(context.Background(), what, arg)
			switch {
			case ownership.IsLost(err):
				say(fmt.Sprint("answer ", call, " lost"))
			case err != nil:
				say(fmt.Sprint("answer ", call, " failed ", strings.ReplaceAll(err.Error(), "\n", " ")))
			default:
				say(fmt.Sprint("answer ", call, " ok ", n))
			}
		})
	}
	wg.Wait()
}

type childProcess struct {
	db       *database.DB
	own      *ownership.Ownership
	free     chan struct{}
	unfenced bool
	kept     [keys]counter
}

// counter is what an owner keeps in memory instead of reading it again.
type counter struct {
	mu    sync.Mutex
	epoch int64 // that it was read in; 0 = not kept
	n     int64
}

// count adds one to what is kept, and stores the sum: right as long as nobody
// else writes, and wrong at the first write of another.
func (c *childProcess) count(ctx context.Context, id int64) (int64, error) {
	kept := &c.kept[id]
	kept.mu.Lock()
	defer kept.mu.Unlock()
	epoch := c.own.Epoch()
	var n int64
	err := c.db.Write(ctx, func(tx *database.Tx) error {
		if !c.unfenced {
			if err := c.own.StillIn(ctx, tx, epoch); err != nil {
				return err
			}
		}
		if n = kept.n + 1; kept.epoch == 0 || kept.epoch != epoch {
			if err := tx.Get(ctx, &n, `SELECT n + 1 FROM tally WHERE id = ?`, id); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `UPDATE tally SET n = ? WHERE id = ?`, n, id)
		return err
	})
	kept.epoch, kept.n = epoch, n
	if err != nil {
		kept.epoch = 0
	}
	return n, err
}

func (c *childProcess) do(ctx context.Context, what string, arg int64) (n int64, err error) {
	switch what {
	case "add":
		n, err = c.count(ctx, arg)
	case "get":
		n, err = count(ctx, c.db, arg)
	case "take":
		var now ownership.Claim
		now, err = c.own.Take(ctx, arg)
		n = now.Epoch
	case "hold": // a write that stays in the middle of its transaction until "free"
		err = c.db.Write(ctx, func(tx *database.Tx) error {
			if n, err = add(ctx, tx, arg); err != nil {
				return err
			}
			fmt.Println("holding")
			<-c.free
			return nil
		})
	case "free":
		close(c.free)
	default:
		err = fmt.Errorf("what is %q", what)
	}
	return n, err
}

// child is such a process, seen from the test.
type child struct {
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	holding chan struct{}
	killed  bool

	mu      sync.Mutex
	calls   int64
	waiting map[int64]chan string
	other   []string // what it said beside answers
	ended   chan struct{}
}

func start(t *testing.T, name string, options database.Options, environment ...string) *child {
	t.Helper()
	c := &child{
		// Not with the test's context: that ends before the clean-up, which waits.
		cmd:     exec.Command(os.Args[0], "-test.run=^TestChildProcess$"),
		waiting: map[int64]chan string{}, ended: make(chan struct{}), holding: make(chan struct{}, 1),
	}
	c.cmd.Env = append(os.Environ(), childName+"="+name, childURL+"="+options.URL, childSchema+"="+options.Schema)
	c.cmd.Env = append(c.cmd.Env, environment...)
	c.cmd.Stderr = os.Stderr
	stdin, err := c.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.stdin = stdin
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{})
	go c.listen(bufio.NewScanner(stdout), sync.OnceFunc(func() { close(ready) }))
	t.Cleanup(func() {
		_ = stdin.Close() // which ends it
		<-c.ended
		if err := c.cmd.Wait(); err != nil && !c.killed {
			t.Errorf("%s ended badly: %v\n%s", name, err, strings.Join(c.other, "\n"))
		}
	})
	select {
	case <-ready:
	case <-c.ended:
		t.Fatalf("%s did not start:\n%s", name, strings.Join(c.other, "\n"))
	}
	return c
}

func (c *child) listen(lines *bufio.Scanner, ready func()) {
	defer close(c.ended)
	for lines.Scan() {
		text, isAnswer := strings.CutPrefix(lines.Text(), "answer ")
		id, answer, _ := strings.Cut(text, " ")
		var call int64
		_, err := fmt.Sscan(id, &call)
		switch {
		case isAnswer && err == nil:
			c.mu.Lock()
			c.waiting[call] <- answer
			delete(c.waiting, call)
			c.mu.Unlock()
		case text == "ready":
			ready()
		case text == "holding":
			c.holding <- struct{}{}
		default:
			c.other = append(c.other, text)
		}
	}
}

// begin asks for something, and returns where the answer arrives.
func (c *child) begin(what string, arg int64) (<-chan string, error) {
	answer := make(chan string, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	c.waiting[c.calls] = answer
	_, err := fmt.Fprintln(c.stdin, c.calls, what, arg)
	return answer, err
}

// ask waits for the answer; lost means refused by the fence.
func (c *child) ask(what string, arg int64) (n int64, lost bool, err error) {
	arrives, err := c.begin(what, arg)
	if err != nil {
		return 0, false, err
	}
	select {
	case answer := <-arrives:
		if answer == "lost" {
			return 0, true, nil
		}
		if _, err := fmt.Sscanf(answer, "ok %d", &n); err != nil {
			return 0, false, fmt.Errorf("%s %d: %s", what, arg, answer)
		}
		return n, false, nil
	case <-c.ended:
		return 0, false, io.ErrUnexpectedEOF
	}
}
