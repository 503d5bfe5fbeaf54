package service

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holiman/uint256"

	"banyan/modules/airdrop"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/merkle"
	"banyan/platform/progress"
	"banyan/platform/testenv/databasetest"
	"banyan/platform/wallet"
)

// chunksIn lists the lists of the database with their number of chunks.
func chunksIn(t *testing.T, db *database.DB) map[string]int {
	t.Helper()
	var rows []struct {
		ID     string `db:"id"`
		Chunks int    `db:"chunks"`
	}
	err := db.Read().Select(t.Context(), &rows, `
		SELECT
			list.id AS id,
			COUNT(list_chunk.number) AS chunks
		FROM list
		LEFT JOIN list_chunk ON list_chunk.list_id = list.id
		GROUP BY list.id`)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for _, r := range rows {
		found[r.ID] = r.Chunks
	}
	return found
}

func rowsOf(t *testing.T, count int) *merkle.List {
	t.Helper()
	rows := merkle.NewList()
	for i := range count {
		if err := rows.Append(wallet.Address{byte(i), byte(i >> 8), byte(i >> 16)}, *uint256.NewInt(1)); err != nil {
			t.Fatal(err)
		}
	}
	return rows
}

func TestWhatAKilledUploadLeftIsRemoved(t *testing.T) {
	databasetest.Each(t, airdrop.Name, func(t *testing.T, db *database.DB) {
		now := time.UnixMilli(1_700_000_000_000)
		o := Options{DB: db, Clock: func() time.Time { return now }}
		s := New(o).(*service)
		c, err := s.CreateCampaign(t.Context(), airdrop.CampaignDraft{Name: "One", Format: merkle.OZ, Symbol: "BAN"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.lists.keep(t.Context(), c.ID, rowsOf(t, 10), nil, progress.Untold, keepNothing); err != nil {
			t.Fatal(err)
		}
		inUse := chunksIn(t, db)
		// Two uploads stop in the middle: one was killed, the other is only
		// slow.
		left := func(id string, chunks int) {
			if err := s.store.beginList(t.Context(), id, o.nowMS()); err != nil {
				t.Fatal(err)
			}
			for number := range chunks {
				if err := s.store.addChunk(t.Context(), id, number, []byte{0}, o.nowMS()); err != nil {
					t.Fatal(err)
				}
			}
		}
		left("killed", 2*deletedAtOnce+1)
		left("empty", 0)
		now = now.Add(abandonedAfter)
		left("slow", 2)
		if err := s.lists.sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if found := chunksIn(t, db); len(found) != 4 {
			t.Errorf("before it was due the sweep has left only %v", found)
		}
		now = now.Add(time.Millisecond)
		if err := s.lists.sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		found := chunksIn(t, db)
		if len(found) != 2 || found["slow"] != 2 {
			t.Errorf("the sweep has left %v", found)
		}
		for id := range inUse {
			if found[id] != 1 {
				t.Error("the sweep has taken the campaign's list")
			}
		}
	})
}

func TestRunSweepsAtTheStart(t *testing.T) {
	db := databasetest.SQLite(t, airdrop.Name)
	store := store{db}
	if err := store.beginList(t.Context(), "killed", 1); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	// The clock is read once for each sweep: the second look would come a minute
	// later, so the end of the first is awaited by the log line it writes.
	o := Options{DB: db, Log: logTo(func(line string) {
		if strings.Contains(line, "killed") {
			cancel()
		}
	})}
	if err := NewJobs(o).Run(ctx); err != nil {
		t.Fatal(err)
	}
	if found := chunksIn(t, db); len(found) != 0 {
		t.Errorf("after the start there is still %v", found)
	}
}

func TestAnUploadTakenForAbandonedKeepsNothing(t *testing.T) {
	databasetest.Each(t, airdrop.Name, func(t *testing.T, db *database.DB) {
		s := New(Options{DB: db}).(*service)
		c, err := s.CreateCampaign(t.Context(), airdrop.CampaignDraft{Name: "One", Format: merkle.OZ, Symbol: "BAN"})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.store.beginList(t.Context(), "slow", s.options.nowMS()); err != nil {
			t.Fatal(err)
		}
		if err := s.store.addChunk(t.Context(), "slow", 0, []byte{0}, s.options.nowMS()); err != nil {
			t.Fatal(err)
		}
		s.lists.drop(t.Context(), "slow") // as another process's sweep would
		if err := s.store.addChunk(t.Context(), "slow", 1, []byte{0}, s.options.nowMS()); !fault.Is(err, fault.Unavailable) {
			t.Errorf("a chunk for a list that is gone: %v", err)
		}
		if _, _, err := s.store.setList(t.Context(), c.ID, writtenList{id: "slow", count: 1, total: *uint256.NewInt(1)}, s.options.nowMS(), keepNothing); !fault.Is(err, fault.Unavailable) {
			t.Errorf("using a list that is gone: %v", err)
		}
		if found := chunksIn(t, db); len(found) != 0 {
			t.Errorf("there is still %v", found)
		}
		if got, err := s.Campaign(identity.With(t.Context(), identity.Caller{Role: identity.Operator}), airdrop.CampaignQuery{ID: c.ID}); err != nil || got.State != airdrop.Draft {
			t.Errorf("the campaign is %+v, %v", got, err)
		}
	})
}

// An upload that fails in the middle of storing deletes what it wrote, also
// when it failed because its caller went away.
func TestAFailedUploadDeletesWhatItWrote(t *testing.T) {
	databasetest.Each(t, airdrop.Name, func(t *testing.T, db *database.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		ticks := 0
		clock := func() time.Time {
			if ticks++; ticks == 4 { // created, begun, the first chunk; the second is not stored
				cancel()
			}
			return time.UnixMilli(1_700_000_000_000)
		}
		s := New(Options{DB: db, Clock: clock}).(*service)
		c, err := s.CreateCampaign(ctx, airdrop.CampaignDraft{Name: "One", Format: merkle.OZ, Symbol: "BAN"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.lists.keep(ctx, c.ID, rowsOf(t, 3*chunkRows), nil, progress.Untold, keepNothing); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
		if found := chunksIn(t, db); len(found) != 0 {
			t.Errorf("there is still %v", found)
		}
	})
}

// keepNothing is the Keep of a write without an idempotency key.
func keepNothing(context.Context, *database.Tx, airdrop.Campaign) error { return nil }

func TestAbandonedPartialTreeFilesAreRemoved(t *testing.T) {
	folder := t.TempDir()
	now := time.Now()
	for name, age := range map[string]time.Duration{
		".aa.tree.1.partial": unfinishedAfter, ".aa.tree.2.partial": unfinishedAfter / 2, "aa.tree": 2 * unfinishedAfter,
	} {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte("a tree"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	o := Options{Trees: folder, Clock: func() time.Time { return now.Add(time.Second) }}
	treeFiles{options: o.withDefaults()}.sweep(t.Context())
	left, err := os.ReadDir(folder)
	if err != nil || len(left) != 2 || left[0].Name() != ".aa.tree.2.partial" || left[1].Name() != "aa.tree" {
		t.Errorf("the sweep has left %v, %v", left, err)
	}
}
