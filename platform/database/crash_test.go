package database_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"banyan/platform/database"
	"banyan/platform/testenv/databasetest"
)

const (
	crashWriters = 64
	crashAcks    = 2000 // the child is killed after about this many
)

// writeUntilKilled is the child: 64 goroutines write rows and print the id of
// each once it is acknowledged.
func writeUntilKilled(t *testing.T, db *database.DB) {
	var out sync.Mutex
	var wg sync.WaitGroup
	for writer := range crashWriters {
		wg.Go(func() {
			for i := 0; ; i++ {
				id := i*crashWriters + writer
				err := db.Write(context.Background(), func(tx *database.Tx) error {
					return addBook(context.Background(), tx, id, strconv.Itoa(id))
				})
				if err != nil {
					t.Error(err)
					return
				}
				out.Lock()
				fmt.Fprintf(os.Stdout, "ack %d\n", id)
				out.Unlock()
			}
		})
	}
	wg.Wait()
}

// kill -9 while 64 callers write: every acknowledged row is there exactly once,
// and at most one unacknowledged row per writer.
func TestNothingAcknowledgedIsLostByKill(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		acknowledged := killWhileWriting(t, db.Options())
		again := databasetest.Again(t, db)
		var ids []int
		if err := again.Read().Select(t.Context(), &ids, `SELECT id FROM book ORDER BY id`); err != nil {
			t.Fatal(err)
		}
		stored := map[int]bool{}
		for _, id := range ids {
			stored[id] = true
		}
		for id := range acknowledged {
			if !stored[id] {
				t.Errorf("row %d was acknowledged and is lost", id)
			}
		}
		if extra := len(ids) - len(acknowledged); extra < 0 || extra > crashWriters || len(stored) != len(ids) {
			t.Errorf("%d rows stored, %d acknowledged", len(ids), len(acknowledged))
		}
		if db.Dialect() == database.SQLite {
			var check string
			if err := again.Read().Get(t.Context(), &check, `PRAGMA integrity_check`); err != nil || check != "ok" {
				t.Errorf("integrity: %s, %v", check, err)
			}
		}
		if err := again.Write(t.Context(), book(t, -1, "and it goes on")); err != nil {
			t.Error(err)
		}
	})
}

// killWhileWriting returns the ids that the child saw acknowledged.
func killWhileWriting(t *testing.T, options database.Options) map[int]bool {
	t.Helper()
	cmd := child(t, "write", options)
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	acknowledged := map[int]bool{}
	var other []string
	lines := bufio.NewScanner(pipe)
	for lines.Scan() { // to the end: what was printed before the kill counts
		text, isAck := strings.CutPrefix(lines.Text(), "ack ")
		id, err := strconv.Atoi(text)
		if !isAck || err != nil {
			other = append(other, lines.Text())
			continue
		}
		acknowledged[id] = true
		if len(acknowledged) == crashAcks {
			if err := cmd.Process.Kill(); err != nil { // SIGKILL
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || len(acknowledged) < crashAcks {
		t.Fatalf("the child ended by itself after %d acknowledgements: %v\n%s", len(acknowledged), err, strings.Join(other, "\n"))
	}
	return acknowledged
}
