package database_test

import (
	"context"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"banyan/platform/database"
	"banyan/platform/fault"
)

// figures reads the metrics of a database by their names; a histogram is its
// count, its sum, and the count of each bound.
func figures(t *testing.T, db *database.DB) map[string]float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(database.Collector{db})
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		name := strings.TrimPrefix(f.GetName(), "banyan_database_")
		for _, m := range f.Metric {
			if len(m.Label) != 1 || m.Label[0].GetName() != "database" || m.Label[0].GetValue() != db.Module() {
				t.Errorf("%s has the labels %v", name, m.Label)
			}
			if h := m.GetHistogram(); h != nil {
				got[name+" count"], got[name+" sum"] = float64(h.GetSampleCount()), h.GetSampleSum()
				for _, b := range h.Bucket {
					got[name+" "+strconv.FormatFloat(b.GetUpperBound(), 'g', -1, 64)] = float64(b.GetCumulativeCount())
				}
				continue
			}
			got[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return got
}

func expectFigures(t *testing.T, db *database.DB, want map[string]float64) {
	t.Helper()
	got := figures(t, db)
	for name, value := range want {
		if is, there := got[name]; !there || is != value {
			t.Errorf("%s is %v (%t), want %v", name, is, there, value)
		}
	}
}

func TestTheWritersFiguresAreMetrics(t *testing.T) {
	db := sqliteShelf(t)
	before := figures(t, db)
	release := hold(t, db)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := db.Write(ctx, book(t, 9, "given up")); !fault.Is(err, fault.Canceled) {
			t.Errorf("err = %v", err)
		}
	})
	awaitWaiting(t, db, 1)
	cancel()
	wg.Wait()
	for i := range 3 {
		wg.Go(func() { _ = db.Write(context.Background(), book(t, 100+i, "book "+strconv.Itoa(i))) })
		awaitWaiting(t, db, 2+i) // the one that was given up keeps its place until its turn
	}
	held := figures(t, db)
	if held["writes_waiting"] != 4 || held["write_queue_size"] != 1024 || held["write_turn_seconds"] <= 0 {
		t.Errorf("while the writer is held: %v", held)
	}
	release()
	wg.Wait()
	expectFigures(t, db, map[string]float64{
		"writes_total": before["writes_total"] + 4, "writes_withdrawn_total": 1, "writes_waiting": 0, "write_turn_seconds": 0,
		"group_size sum":           before["group_size sum"] + 4,
		"write_wait_seconds count": before["write_wait_seconds count"] + 4,
		"groups_regrouped_total":   0, "connections_discarded_total": 0,
	})
	after := figures(t, db)
	// The first has had the writer for a while: the three others may be a group of their own.
	if groups := after["group_size count"] - before["group_size count"]; groups != 1 && groups != 2 || after["group_size 4"] != after["group_size 256"] {
		t.Errorf("%v groups of four writes: %v", groups, after)
	}
	if err := db.Write(t.Context(), book(t, 10, "alone")); err != nil {
		t.Fatal(err)
	}
	expectFigures(t, db, map[string]float64{"group_size 1": after["group_size 1"] + 1, "group_size count": after["group_size count"] + 1})
	if s := db.Stats(); figures(t, db)["write_wait_seconds sum"] <= before["write_wait_seconds sum"] || s.WaitP99 < s.WaitP50 || s.WaitP99 == 0 {
		t.Errorf("nobody has waited: %+v", s)
	}
	together(t, db, book(t, 20, "twenty"), loanOfNothing(t))
	expectFigures(t, db, map[string]float64{"groups_regrouped_total": 1})
}

func TestPostgresHasTheFiguresOfItsConnectionsOnly(t *testing.T) {
	db := postgresShelf(t)
	got := figures(t, db)
	if got["connections"] < 1 || len(got) != 3 {
		t.Errorf("figures %v", got)
	}
}

// A reader of an old state keeps the log from starting over: its size and the
// reader's age say so, and both go when it ends.
func TestAReaderThatHoldsTheLogShows(t *testing.T) {
	db := sqliteShelf(t)
	if got := figures(t, db)["oldest_read_seconds"]; got != 0 {
		t.Fatalf("a read of %v s goes on with nobody reading", got)
	}
	for what, read := range map[string]func(while func()) error{
		"a snapshot": func(while func()) error {
			return db.Snapshot(t.Context(), func(r database.Reader) error {
				var n int
				for range 2 { // closing the rows of one query does not end the snapshot
					if err := r.Get(t.Context(), &n, `SELECT COUNT(*) FROM book`); err != nil {
						return err
					}
				}
				while()
				return nil
			})
		},
		"rows": func(while func()) error {
			rows, err := db.Read().Query(t.Context(), `SELECT 1 UNION ALL SELECT 2`)
			if err != nil {
				return err
			}
			defer func() { _ = rows.Close() }()
			rows.Next()
			while()
			return rows.Err()
		},
	} {
		t.Run(what, func(t *testing.T) {
			err := read(func() {
				first := db.Stats().OldestRead
				if second := db.Stats().OldestRead; first <= 0 || second <= first {
					t.Errorf("the read is %s and then %s old", first, second)
				}
			})
			if got := db.Stats().OldestRead; err != nil || got != 0 {
				t.Errorf("after it: %s (%v)", got, err)
			}
		})
	}
	// Without a reader the log of many writes starts over; with one it grows.
	grow := func() int64 {
		for i := range 8 {
			if err := db.Write(t.Context(), func(tx *database.Tx) error {
				_, err := tx.Exec(t.Context(), `INSERT OR REPLACE INTO book (id, title) VALUES (?, hex(randomblob(1 << 19)))`, 1000+i)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		return db.Stats().WAL
	}
	alone := grow()
	err := db.Snapshot(t.Context(), func(r database.Reader) error {
		var n int
		if err := r.Get(t.Context(), &n, `SELECT COUNT(*) FROM book`); err != nil {
			return err
		}
		if beside := grow(); beside < alone+8<<20 {
			t.Errorf("the log has %d bytes without a reader and %d beside one", alone, beside)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	about, err := os.Stat(db.Path() + "-wal")
	if err != nil || figures(t, db)["wal_bytes"] != float64(about.Size()) || about.Size() == 0 {
		t.Errorf("the metric says %v, the file %v (%v)", figures(t, db)["wal_bytes"], about, err)
	}
}

// A read that fails, is cut off, or runs beside others leaves no mark.
func TestNoReadIsLeftOver(t *testing.T) {
	db := sqliteShelf(t)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var ids []int
			if err := db.Read().Select(t.Context(), &ids, `SELECT id FROM nothing`); err == nil {
				t.Error("a table that is not there was read")
			}
			if err := db.Read().Select(t.Context(), &ids, `SELECT 1 UNION SELECT 2`); err != nil || !slices.Equal(ids, []int{1, 2}) {
				t.Errorf("read %v, %v", ids, err)
			}
			rows, err := db.Read().Query(ctx, `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n`)
			if err != nil {
				t.Error(err)
				return
			}
			rows.Next()
			cancel()
			for rows.Next() { // until the end of ctx closes them
			}
			_ = rows.Close() // closed already
		})
	}
	wg.Wait()
	if got := db.Stats().OldestRead; got != 0 {
		t.Errorf("a read is %s old with nobody reading", got)
	}
}
