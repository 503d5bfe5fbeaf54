package backup_test

import (
	"archive/tar"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	_ "github.com/mattn/go-sqlite3"

	"banyan/platform/backup"
	"banyan/platform/database"
	"banyan/platform/fault"
)

var names = []string{"ledger", "notes"}

// open returns a database of the test's folder in which each pair of rows sums to 0.
func open(t *testing.T, folder, name string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(folder, name+".db")+"?_journal_mode=WAL&_busy_timeout=10000")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Exec(`CREATE TABLE IF NOT EXISTS entry (amount INTEGER NOT NULL) STRICT`); err != nil {
		t.Fatal(err)
	}
	return db
}

func write(t *testing.T, folder string) ([]byte, backup.Manifest) {
	t.Helper()
	var out bytes.Buffer
	m, err := backup.Write(t.Context(), &out, backup.Options{Folder: folder, Names: names, Version: "v1", Now: time.UnixMilli(7), Scratch: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), m
}

// Each transaction writes to both sides, so that a copy in the middle of one shows.
func TestABackupIsOfOneMomentWhileOthersWrite(t *testing.T) {
	folder := t.TempDir()
	ledger := open(t, folder, "ledger")
	open(t, folder, "notes")
	stop, stopped, busy := make(chan struct{}), make(chan error, 1), make(chan struct{}, 1)
	go func() {
		for {
			select {
			case <-stop:
				stopped <- nil
				return
			default:
			}
			if _, err := ledger.Exec(`INSERT INTO entry (amount) VALUES (5), (-5)`); err != nil {
				stopped <- err
				return
			}
			select {
			case busy <- struct{}{}:
			default:
			}
		}
	}()
	<-busy
	for range 5 {
		text, made := write(t, folder)
		into := t.TempDir()
		m, err := backup.Extract(t.Context(), bytes.NewReader(text), into)
		if err != nil || len(m.Databases) != 2 || m.MadeMS != 7 || m.Databases[0] != made.Databases[0] {
			t.Fatalf("extracted %+v, %v; made %+v", m, err, made)
		}
		var sum, rows int
		if err := open(t, into, "ledger").QueryRow(`SELECT SUM(amount), COUNT(*) FROM entry`).Scan(&sum, &rows); err != nil || sum != 0 || rows == 0 {
			t.Errorf("%d rows sum to %d, %v", rows, sum, err)
		}
		<-busy
	}
	close(stop)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestADamagedBackupIsRefused(t *testing.T) {
	folder := t.TempDir()
	for _, name := range names {
		if _, err := open(t, folder, name).Exec(`INSERT INTO entry (amount) VALUES (1)`); err != nil {
			t.Fatal(err)
		}
	}
	whole, _ := write(t, folder)
	for name, text := range map[string][]byte{
		"nothing": nil, "something else": []byte("hello, this is a text of some length"), "cut short": whole[:len(whole)-20],
		"a byte changed": repack(t, whole, func(name string, content []byte) []byte { return flip(name == "notes.db", content) }),
		"another manifest": repack(t, whole, func(name string, content []byte) []byte {
			return bytes.Replace(content, []byte(`"format": 1`), []byte(`"format": 2`), 1)
		}),
		"a name that leads out": repack(t, whole, func(_ string, content []byte) []byte {
			return bytes.ReplaceAll(content, []byte(`"name": "ledger"`), []byte(`"name": "../ledg"`))
		}),
		"one database is missing":  repack(t, whole, func(name string, content []byte) []byte { return keep(name != "notes.db", content) }),
		"something is at the end":  append(bytes.Clone(whole), 1, 2, 3),
		"the manifest is no JSON":  repack(t, whole, func(name string, content []byte) []byte { return flip(name == "manifest.json", content) }),
		"the manifest comes later": repack(t, whole, func(name string, content []byte) []byte { return keep(name != "manifest.json", content) }),
	} {
		into := t.TempDir()
		if _, err := backup.Extract(t.Context(), bytes.NewReader(text), into); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(filepath.Join(filepath.Dir(into), "ledg.db")); err == nil {
			t.Errorf("%s: a file is outside of the folder", name)
		}
	}
}

func flip(isIt bool, content []byte) []byte {
	content = bytes.Clone(content)
	if isIt {
		content[0] ^= 1
	}
	return content
}

func keep(isIt bool, content []byte) []byte {
	if isIt {
		return content
	}
	return nil
}

// repack writes a backup again with other contents; nil leaves a file out.
func repack(t *testing.T, text []byte, change func(name string, content []byte) []byte) []byte {
	t.Helper()
	from, err := zstd.NewReader(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	var out bytes.Buffer
	packed, err := zstd.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	in, to := tar.NewReader(from), tar.NewWriter(packed)
	for {
		header, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		if content = change(header.Name, content); content == nil {
			continue
		}
		header.Size = int64(len(content))
		if err := errors.Join(to.WriteHeader(header), second(to.Write(content))); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(to.Close(), packed.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func second(_ int, err error) error { return err }

func TestARestoreReplacesNothingUnasked(t *testing.T) {
	folder := t.TempDir()
	for _, name := range names {
		open(t, folder, name)
	}
	text, _ := write(t, folder)
	extract := func() (backup.Manifest, string) {
		into := t.TempDir()
		m, err := backup.Extract(t.Context(), bytes.NewReader(text), into)
		if err != nil {
			t.Fatal(err)
		}
		return m, into
	}
	m, from := extract()
	target := t.TempDir()
	if err := backup.Put(t.Context(), m, from, target, false); err != nil {
		t.Fatal(err)
	}
	m, from = extract()
	if err := backup.Put(t.Context(), m, from, target, false); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "--force") {
		t.Errorf("into a folder with databases: %v", err)
	}
	busy := open(t, target, "ledger")
	if err := backup.Put(t.Context(), m, from, target, true); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "stop it first") {
		t.Errorf("while it is used: %v", err)
	}
	if err := busy.Close(); err != nil {
		t.Fatal(err)
	}
	if err := backup.Put(t.Context(), m, from, target, true); err != nil {
		t.Errorf("asked to replace: %v", err)
	}
	if err := database.CheckFile(t.Context(), filepath.Join(target, "notes.db")); err != nil {
		t.Error(err)
	}
}

func TestABackupOfWhatIsNotThereIsRefused(t *testing.T) {
	folder := t.TempDir()
	open(t, folder, "ledger")
	_, err := backup.Write(t.Context(), io.Discard, backup.Options{Folder: folder, Names: names, Scratch: t.TempDir()})
	if !fault.Is(err, fault.NotFound) || !strings.Contains(err.Error(), "notes.db") {
		t.Errorf("got %v", err)
	}
	open(t, folder, "notes")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := backup.Write(ctx, io.Discard, backup.Options{Folder: folder, Names: names, Scratch: t.TempDir()}); !errors.Is(err, context.Canceled) {
		t.Errorf("of a caller who has gone: %v", err)
	}
}
