package transfer

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"banyan/platform/database"
	"banyan/platform/ownership"
)

// BenchmarkCapture is what the triggers of a move cost the writes of SQLite: the same
// writes of three rows, from 16 callers, without and with them, in turn.
//
//	go test ./platform/transfer -run '^$' -bench Capture -benchtime 20x
func BenchmarkCapture(b *testing.B) {
	steps := sample(b)
	options := database.Options{Module: "sample", URL: "sqlite:" + b.TempDir(), Migrations: steps, Sets: []string{"events", "ownership", "sample"}}
	db, err := database.Open(b.Context(), options)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }() // the benchmark has ended
	if err := db.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	owner, err := ownership.Open(b.Context(), db, ownership.Process{Name: "trunk"})
	if err != nil {
		b.Fatal(err)
	}
	m := &Move{o: MoveOptions{Source: db, Owner: owner}.withDefaults()}
	from, err := openLane(b.Context(), options)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = from.close() }() // likewise
	s := &sides{from: from}
	if s.tables, err = movable(b.Context(), "sample", from, from); err != nil {
		b.Fatal(err)
	}
	var took [2]time.Duration
	n := 0
	for b.Loop() {
		for with := range took {
			if with == 1 {
				if err := m.capture(b.Context(), s); err != nil {
					b.Fatal(err)
				}
			}
			begun := time.Now()
			writeRowsOfCallers(b, db, n)
			took[with] += time.Since(begun)
			n++
		}
		if err := release(b.Context(), db, s.tables, false); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(took[1])/float64(took[0]), "with/without")
}

func writeRowsOfCallers(b *testing.B, db *database.DB, round int) {
	var all sync.WaitGroup
	for caller := range 16 {
		all.Go(func() {
			for n := range 50 {
				err := db.Write(b.Context(), func(tx *database.Tx) error {
					name := fmt.Sprintf("%d/%d/%d", round, caller, n)
					var id int64
					if err := tx.Get(b.Context(), &id, `INSERT INTO parent (name) VALUES (?) RETURNING id`, name); err != nil {
						return err
					}
					if _, err := tx.Exec(b.Context(), `INSERT INTO a_child (parent_id, wallet, note, big) VALUES (?, ?, 'x', 1)`, id, []byte(name)); err != nil {
						return err
					}
					_, err := tx.Exec(b.Context(), `INSERT INTO event_outbox (event_id, topic, key, time, traceparent, payload) VALUES (?, 't', 'k', 1, '', '{}')`, name)
					return err
				})
				if err != nil {
					b.Error(err)
				}
			}
		})
	}
	all.Wait()
}
