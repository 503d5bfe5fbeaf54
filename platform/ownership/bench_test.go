package ownership_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"banyan/platform/database"
	"banyan/platform/ownership"
	"banyan/platform/testenv/databasetest"
)

const benchCallers = 64

func benchEach(b *testing.B, bench func(b *testing.B, dialect database.Dialect)) {
	for _, dialect := range []database.Dialect{database.SQLite, database.Postgres} {
		b.Run(string(dialect), func(b *testing.B) { bench(b, dialect) })
	}
}

// note is the write of these benchmarks: a row of its own, as most writes are.
func note(ctx context.Context, db *database.DB, id int64) error {
	return db.Write(ctx, func(tx *database.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO note (id) VALUES (?)`, id)
		return err
	})
}

func notebook(b *testing.B, dialect database.Dialect) *database.DB {
	b.Helper()
	db := tally(b, tallyOptions(b, dialect))
	err := db.Write(b.Context(), func(tx *database.Tx) error {
		_, err := tx.Exec(b.Context(), `CREATE TABLE note (id BIGINT PRIMARY KEY)`)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return db
}

// BenchmarkHandOver moves the ownership to and fro between two handles while 64
// callers write. The pause is the time around a take in which nobody is told
// that a write is stored; beside it stands the same figure at moments when
// nothing is handed over, which is what the disk and the machine take.
func BenchmarkHandOver(b *testing.B) {
	benchEach(b, func(b *testing.B, dialect database.Dialect) {
		db := notebook(b, dialect)
		handles := [2]*database.DB{db, databasetest.Again(b, db)}
		owners := [2]*ownership.Ownership{openAs(b, handles[0], "trunk"), openAs(b, handles[1], "tally")}
		r := &route{handles: handles, begun: time.Now()}
		var wg sync.WaitGroup
		for range benchCallers {
			wg.Go(func() { r.write(b) })
		}
		var pauses, without, takes []time.Duration
		r.await(1000)
		b.ResetTimer()
		for n := range b.N {
			quiet := r.now()
			r.await(200)
			without = append(without, r.longestGap(quiet))
			begun := r.now()
			next := (n + 1) % 2
			if _, err := owners[next].Take(b.Context(), int64(n+1)); err != nil {
				b.Error(err)
				break
			}
			takes = append(takes, r.now()-begun)
			r.owner.Store(int64(next))
			r.await(200)
			pauses = append(pauses, r.longestGap(begun))
		}
		r.stop.Store(true)
		wg.Wait()
		report(b, "pause", pauses)
		report(b, "without", without)
		report(b, "take", takes)
		b.ReportMetric(float64(r.refused.Load())/float64(b.N), "refused/op")
		b.ReportMetric(0, "ns/op")
	})
}

func report(b *testing.B, name string, took []time.Duration) {
	slices.Sort(took)
	if len(took) == 0 {
		return
	}
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(ms(took[len(took)/2]), name+"_p50_ms")
	b.ReportMetric(ms(took[len(took)-1]), name+"_max_ms")
}

// route sends writes to the owner, and those that it refuses to the next.
type route struct {
	handles [2]*database.DB
	begun   time.Time
	owner   atomic.Int64
	next    atomic.Int64
	refused atomic.Int64
	stop    atomic.Bool

	mu   sync.Mutex
	acks []time.Duration // when writes were acknowledged, since begun
}

func (r *route) now() time.Duration { return time.Since(r.begun) }

func (r *route) write(b *testing.B) {
	for !r.stop.Load() {
		id := r.next.Add(1)
		for {
			to := r.owner.Load()
			err := note(context.Background(), r.handles[to], id)
			if ownership.IsLost(err) {
				r.refused.Add(1)
				for r.owner.Load() == to && !r.stop.Load() { // the flip follows the take
					time.Sleep(50 * time.Microsecond)
				}
				if r.stop.Load() {
					return
				}
				continue
			}
			if err != nil {
				b.Error(err)
				r.stop.Store(true)
				return
			}
			break
		}
		r.mu.Lock()
		r.acks = append(r.acks, r.now())
		r.mu.Unlock()
	}
}

func (r *route) acknowledged() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.acks)
}

// await returns when so many more writes are acknowledged.
func (r *route) await(n int) {
	for n += r.acknowledged(); r.acknowledged() < n && !r.stop.Load(); {
		time.Sleep(200 * time.Microsecond)
	}
}

// longestGap between acknowledgements, from the last one before since on.
func (r *route) longestGap(since time.Duration) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	first, _ := slices.BinarySearch(r.acks, since)
	var longest time.Duration
	for i := max(first, 1); i < len(r.acks); i++ {
		longest = max(longest, r.acks[i]-r.acks[i-1])
	}
	return longest
}

// BenchmarkFence is what the fence costs: 64 callers, the same writes with and
// without it, in turns.
func BenchmarkFence(b *testing.B) {
	benchEach(b, func(b *testing.B, dialect database.Dialect) {
		with, without := notebook(b, dialect), notebook(b, dialect)
		openAs(b, with, "trunk")
		const chunk = 2000
		var took [2]time.Duration
		written := int64(0)
		b.ResetTimer()
		for written < int64(b.N) {
			for i, db := range []*database.DB{with, without} {
				var next atomic.Int64
				var wg sync.WaitGroup
				begun := time.Now()
				for range benchCallers {
					wg.Go(func() {
						for id := next.Add(1); id <= chunk; id = next.Add(1) {
							if err := note(context.Background(), db, written+id); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
				took[i] += time.Since(begun)
			}
			written += chunk
		}
		b.ReportMetric(float64(written)/took[0].Seconds(), "fenced/s")
		b.ReportMetric(float64(written)/took[1].Seconds(), "open/s")
		b.ReportMetric(took[1].Seconds()/took[0].Seconds(), "ratio")
		b.ReportMetric(0, "ns/op")
	})
}
