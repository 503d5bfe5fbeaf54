// Package powercut_test cuts the power of each store: from what SQLite wrote and synced
// it makes what may be on the disk after a cut at any moment, opens that, and looks for
// what was acknowledged.
package powercut_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mattn/go-sqlite3"

	"banyan/migrations"
	"banyan/platform/database"
	"banyan/platform/testenv/testneeds"
)

const (
	cuts    = 1000
	writers = 8
	rows    = 160 // of all writers
)

// logPath is where the VFS logs; "" = it could not be loaded.
var logPath, whyNot string

// TestMain loads the VFS, which is SQLite's default in this process then.
func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "banyan-powercut-")
	if err == nil {
		logPath, err = load(folder)
	}
	if err != nil {
		logPath, whyNot = "", err.Error()
	}
	code := m.Run()
	_ = os.RemoveAll(folder)
	os.Exit(code)
}

// load compiles testdata/powercut.c against the headers of the driver, and loads it.
func load(folder string) (log string, err error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/mattn/go-sqlite3").Output()
	if err != nil {
		return "", fmt.Errorf("find the headers of SQLite: %w", err)
	}
	library := filepath.Join(folder, "powercut.so")
	compile := exec.Command("cc", "-shared", "-fPIC", "-O1", "-I", strings.TrimSpace(string(out)), "-o", library, "testdata/powercut.c", "-lpthread")
	if text, err := compile.CombinedOutput(); err != nil {
		return "", fmt.Errorf("compile the VFS: %w: %s", err, text)
	}
	log = filepath.Join(folder, "log")
	if err := os.Setenv("POWERCUT_LOG", log); err != nil {
		return "", err
	}
	conn, err := (&sqlite3.SQLiteDriver{Extensions: []string{library}}).Open(":memory:")
	if err != nil {
		return "", fmt.Errorf("load the VFS: %w", err)
	}
	return log, conn.Close()
}

// store is a database of the program with one more table, which is written until all rows are
// acknowledged.
type store struct {
	path  string
	acked map[int]int64 // id → how long the log was when it was acknowledged
	begun int64
}

func logSize(t *testing.T) int64 {
	t.Helper()
	info, err := os.Stat(logPath)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// fill writes rows by several writers at once. write is one acknowledged transaction.
func (s *store) fill(t *testing.T, checkpoint func(), write func(id int, text string) error) {
	t.Helper()
	s.begun, s.acked = logSize(t), map[int]int64{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for writer := range writers {
		all.Go(func() {
			for id := writer; id < rows; id += writers {
				err := write(id, strings.Repeat(fmt.Sprint(id, " "), 200))
				if err == nil && id%50 == 0 {
					checkpoint()
				}
				mu.Lock()
				if err != nil {
					t.Error(err)
				} else {
					s.acked[id] = logSize(t)
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
}

// cutThePower cuts at random moments, and counts where something acknowledged was lost,
// and where the file was damaged.
func (s *store) cutThePower(t *testing.T, seed uint64) (lost, damaged int) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 1))
	entries := readLog(t, logPath)
	var moments []int
	for i, e := range entries {
		if e.end > s.begun {
			moments = append(moments, i)
		}
	}
	at := make(map[int]int) // cuts after an entry
	for range cuts {
		at[moments[random.IntN(len(moments))]]++
	}
	d, folder := newDisk(), t.TempDir()
	for i, e := range entries {
		d.do(e)
		for range at[i] {
			stored, err := readAfter(d.cut(t, random, s.path, folder))
			if err != nil {
				damaged++
				continue
			}
			for id, size := range s.acked {
				if size <= e.end && !stored[id] {
					lost++
					break
				}
			}
		}
	}
	return lost, damaged
}

// readAfter opens what a cut has left, as the program would, and checks it.
func readAfter(path string) (stored map[int]bool, err error) {
	db, err := sql.Open("sqlite3", "file:"+path+"?vfs=unix&_journal_mode=WAL&_synchronous=OFF")
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }() // it is thrown away
	db.SetMaxOpenConns(1)
	var check string
	if err := db.QueryRow(`PRAGMA quick_check`).Scan(&check); err != nil || check != "ok" {
		return nil, fmt.Errorf("quick_check: %s: %w", check, err)
	}
	found, err := db.Query(`SELECT id, text FROM powercut`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = found.Close() }() // read to its end
	stored = make(map[int]bool)
	for found.Next() {
		var id int
		var text string
		if err := found.Scan(&id, &text); err != nil {
			return nil, err
		}
		if text != strings.Repeat(fmt.Sprint(id, " "), 200) {
			return nil, fmt.Errorf("row %d has another text", id)
		}
		stored[id] = true
	}
	return stored, found.Err()
}

func needVFS(t *testing.T) {
	t.Helper()
	if whyNot != "" {
		testneeds.Missing(t, "a C compiler", whyNot)
	}
}

// newStore opens a database as the program does.
func newStore(t *testing.T, name string) (*store, *database.DB) {
	t.Helper()
	folder := t.TempDir()
	db, err := database.Open(t.Context(), database.Options{Module: name, URL: "sqlite:" + folder, Migrations: migrations.FS, Sets: migrations.Sets(name)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := db.Write(t.Context(), func(tx *database.Tx) error {
		_, err := tx.Exec(t.Context(), `CREATE TABLE powercut (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return &store{path: filepath.Join(folder, name+".db")}, db
}

// TestNoStoreLosesWhatItAcknowledgedToAPowerCut: a thousand cuts of each.
func TestNoStoreLosesWhatItAcknowledgedToAPowerCut(t *testing.T) {
	needVFS(t)
	seed := rand.Uint64()
	for _, name := range storeNames(t) {
		t.Run(name, func(t *testing.T) {
			s, db := newStore(t, name)
			beside, err := sql.Open("sqlite3", "file:"+s.path) // with the VFS, as it is the default
			if err != nil {
				t.Fatal(err)
			}
			defer beside.Close()
			s.fill(t, func() {
				if _, err := beside.Exec(`PRAGMA wal_checkpoint(PASSIVE)`); err != nil {
					t.Error(err)
				}
			}, func(id int, text string) error {
				return db.Write(context.Background(), func(tx *database.Tx) error {
					_, err := tx.Exec(context.Background(), `INSERT INTO powercut (id, text) VALUES (?, ?)`, id, text)
					return err
				})
			})
			lost, damaged := s.cutThePower(t, seed)
			t.Logf("%d power cuts (seed %d): %d lost something acknowledged, %d damaged the file", cuts, seed, lost, damaged)
			if lost > 0 || damaged > 0 {
				t.Error("the store is not as durable as it says")
			}
		})
	}
}

// storeNames are all databases of the program that have files of their own.
func storeNames(t *testing.T) (names []string) {
	t.Helper()
	folders, err := os.ReadDir("../../migrations")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range folders {
		if f.IsDir() && !slices.Contains([]string{"events", "ownership", "once", "jobs"}, f.Name()) { // sets that all modules share
			names = append(names, f.Name())
		}
	}
	if len(names) < 4 {
		t.Fatalf("found %q only", names)
	}
	return names
}

// TestPowerCutsFindWhatIsNotDurable: the negative control, with the setting that SQLite's
// driver has by default, and with none.
func TestPowerCutsFindWhatIsNotDurable(t *testing.T) {
	needVFS(t)
	for _, c := range []struct {
		synchronous string
		isFound     func(lost, damaged int) bool
	}{
		{"NORMAL", func(lost, _ int) bool { return lost > cuts/10 }},
		{"OFF", func(lost, damaged int) bool { return lost+damaged > cuts/2 }},
	} {
		t.Run(c.synchronous, func(t *testing.T) {
			s := &store{path: filepath.Join(t.TempDir(), "loose.db")}
			db, err := sql.Open("sqlite3", "file:"+s.path+"?_journal_mode=WAL&_txlock=immediate&_busy_timeout=10000&_synchronous="+c.synchronous)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			db.SetMaxOpenConns(1)
			if _, err := db.Exec(`CREATE TABLE powercut (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT; PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
				t.Fatal(err)
			}
			s.fill(t, func() {}, func(id int, text string) error {
				_, err := db.Exec(`INSERT INTO powercut (id, text) VALUES (?, ?)`, id, text)
				return err
			})
			lost, damaged := s.cutThePower(t, 1)
			t.Logf("%d power cuts at %s: %d lost something acknowledged, %d damaged the file", cuts, c.synchronous, lost, damaged)
			if !c.isFound(lost, damaged) {
				t.Error("the simulation of power cuts does not find what is not durable")
			}
		})
	}
}
