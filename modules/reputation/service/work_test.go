package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"banyan/modules/reputation"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/progress"
	"banyan/platform/testenv/databasetest"
	"banyan/platform/testenv/progresstest"
)

// manyEdges are the rows of more edges than one statement stores.
const manyEdges = 2*rowsPerStatement + 1000

// edgesFrom has manyEdges rows of one weight, the first from this wallet on.
func edgesFrom(first, weight int) string {
	var rows strings.Builder
	for i := first; i < first+manyEdges; i++ {
		fmt.Fprintf(&rows, "0x%040x,0x%040x,%d\n", 2*i+1, 2*i+2, weight)
	}
	return rows.String()
}

func optionsOf(db *database.DB) Options {
	return Options{DB: db, Log: slog.New(slog.DiscardHandler), Clock: time.Now}
}

func (s service) mustImport(t *testing.T, q reputation.TrustUpload, rows string) reputation.TrustImported {
	t.Helper()
	q.Body = strings.NewReader(rows)
	made, err := s.ImportTrust(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// storedImports is all that is stored of imports: their rows, and how many edges begin
// and end with each version, with what they weigh.
func storedImports(t *testing.T, db *database.DB) string {
	t.Helper()
	var all []string
	for _, query := range []string{
		`SELECT name || ' ' || CAST(version AS TEXT) || ' ' || CAST(held AS TEXT) || ' ' || CAST(dropped AS TEXT) || ' ' || CAST(edges AS TEXT) || ' ' || CAST(removed AS TEXT) FROM imports ORDER BY id`,
		`SELECT 'version ' || CAST(version AS TEXT) || ' ' || CAST(added AS TEXT) || ' ' || CAST(removed AS TEXT) || ' ' || CAST(changed AS TEXT) FROM import_versions ORDER BY import_id, version`,
		`SELECT CAST(since AS TEXT) || '–' || CAST(until AS TEXT) || ': ' || CAST(COUNT(*) AS TEXT) || ' of ' || CAST(CAST(SUM(weight) AS BIGINT) AS TEXT) FROM import_edges GROUP BY import_id, since, until ORDER BY import_id, since, until`,
	} {
		var rows []string
		if err := db.Read().Select(t.Context(), &rows, query); err != nil {
			t.Fatal(err)
		}
		all = append(all, rows...)
	}
	return strings.Join(all, "\n")
}

// An upload says how far it is. Cancelled in any of its stages, at the beginning or in
// the middle, it leaves what there was, the version that waits included.
func TestAnUploadIsToldAndCancelled(t *testing.T) {
	databasetest.Each(t, reputation.Name, func(t *testing.T, db *database.DB) {
		s := newService(optionsOf(db))
		s.mustImport(t, reputation.TrustUpload{}, edgesFrom(0, 1))
		q := reputation.TrustUpload{Replace: true, Hold: true}
		s.mustImport(t, q, edgesFrom(5000, 2))
		before := storedImports(t, db)
		upload := func(ctx context.Context, tell progress.Tell) (reputation.TrustImported, error) {
			q.Body = strings.NewReader(edgesFrom(1000, 3))
			list, err := s.readList(ctx, q, tell)
			if err != nil {
				return reputation.TrustImported{}, err
			}
			return s.importOnce(ctx, q, list, tell, func(context.Context, *database.Tx, reputation.TrustImported) error { return nil })
		}
		for _, stage := range []string{progress.Reading, progress.Comparing, progress.Storing} {
			for _, from := range []int64{0, 1, manyEdges} { // units
				ctx, cancel := context.WithCancel(t.Context())
				reached := false
				_, err := upload(ctx, func(is string, done, _ int64) {
					if is == stage && done >= from {
						reached = true
						cancel()
					}
				})
				cancel()
				if !errors.Is(err, context.Canceled) && !fault.Is(err, fault.Canceled) || !reached {
					t.Errorf("cancelled while %s, from %d on: %v", stage, from, err)
				}
				if after := storedImports(t, db); after != before {
					t.Errorf("cancelled while %s, from %d on, it has left\n%s\nof\n%s", stage, from, after, before)
				}
			}
		}
		var told progresstest.Told
		made, err := upload(t.Context(), told.Tell)
		if err != nil || made.Version != 3 {
			t.Fatalf("%+v, %v", made, err)
		}
		if !slices.Equal(told.Stages, []string{progress.Reading, progress.Comparing, progress.Storing}) || told.Back {
			t.Errorf("it says %v, back %v", told.Stages, told.Back)
		}
		// What it stores: the version that waited is dropped, which began and ended all of
		// its edges, and then its own.
		waited, own := 2*manyEdges, made.Diff.Added+made.Diff.Removed+2*made.Diff.Changed
		if last := told.Last[progress.Storing]; last.Done != last.Total || last.Total != int64(waited+own) {
			t.Errorf("at last %+v, want %d and %d", last, waited, own)
		}
	})
}

// ranUnused runs the jobs until the one that deletes unused edges has ended.
func ranUnused(t *testing.T, db *database.DB) int64 {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- NewRunner(optionsOf(db)).Run(ctx) }()
	defer func() { cancel(); <-ended }()
	job, found, err := unusedKind().Latest(t.Context(), db.Read())
	if err != nil || !found {
		t.Fatalf("there is no job that deletes edges: %v", err)
	}
	job, err = unusedKind().Wait(t.Context(), db, job.ID, time.Minute)
	if err != nil || job.Err != nil || !job.State.Ended() {
		t.Fatalf("%+v, %v", job, err)
	}
	return job.Result
}

// Whoever drops a version does not wait until its edges are gone: a job does that, or the
// next upload when it comes before the job.
func TestADroppedVersionGoesBitByBit(t *testing.T) {
	databasetest.Each(t, reputation.Name, func(t *testing.T, db *database.DB) {
		s := newService(optionsOf(db))
		s.mustImport(t, reputation.TrustUpload{}, edgesFrom(0, 1))
		one := fmt.Sprintf("1–%d: %d of %d", int64(still), manyEdges, manyEdges)
		drop := func(version int64) {
			t.Helper()
			s.mustImport(t, reputation.TrustUpload{Replace: true, Hold: true}, edgesFrom(5000, 2))
			if _, err := s.DiscardImport(t.Context(), reputation.ImportAction{Import: reputation.StandardImport, Version: version}); err != nil {
				t.Fatal(err)
			}
			if now := storedImports(t, db); !strings.HasPrefix(now, fmt.Sprintf("trust 1 0 %d %d 0\n", version, manyEdges)) || strings.Contains(now, one) {
				t.Errorf("version %d was dropped, and there is\n%s", version, now)
			}
			_, err := s.ImportChanges(t.Context(), reputation.ImportChangesQuery{Import: reputation.StandardImport, Version: version})
			if !fault.Is(err, fault.NotFound) {
				t.Errorf("its changes: %v", err)
			}
		}
		drop(2)
		if n := ranUnused(t, db); n != 2*manyEdges {
			t.Errorf("the job has dropped %d edges, want %d", n, 2*manyEdges)
		}
		if now := storedImports(t, db); !strings.HasPrefix(now, fmt.Sprintf("trust 1 0 0 %d 0\n", manyEdges)) || !strings.HasSuffix(now, "\n"+one) {
			t.Errorf("after the job there is\n%s", now)
		}
		drop(3)
		if made := s.mustImport(t, reputation.TrustUpload{Replace: true}, edgesFrom(0, 4)); made.Version != 4 || made.Diff.Changed != manyEdges {
			t.Errorf("the next upload %+v", made)
		}
		now := storedImports(t, db)
		if want := fmt.Sprintf("1–4: %d of %d\n4–%d: %d of %d", manyEdges, manyEdges, int64(still), manyEdges, 4*manyEdges); !strings.HasPrefix(now, "trust 4 0 0 ") || !strings.HasSuffix(now, want) {
			t.Errorf("after the next upload there is\n%s", now)
		}
		ranUnused(t, db) // which finds nothing
		if again := storedImports(t, db); again != now {
			t.Errorf("the job has made\n%s\nof\n%s", again, now)
		}
	})
}

// The edges of an import that was removed, and of versions that can no longer be
// compared, are deleted by a job.
func TestUnusedEdgesAreDeleted(t *testing.T) {
	databasetest.Each(t, reputation.Name, func(t *testing.T, db *database.DB) {
		s := newService(optionsOf(db))
		s.mustImport(t, reputation.TrustUpload{Import: "gone"}, edgesFrom(0, 1))
		const versions = keptVersions + 2
		for i := range versions {
			s.mustImport(t, reputation.TrustUpload{}, fmt.Sprintf("0x%040x,0x%040x,%d\n", 1, 2, i+1))
		}
		if n := ranUnused(t, db); n != 1 { // ended by the second version
			t.Errorf("of former versions %d edges were deleted", n)
		}
		if _, err := s.RemoveImport(t.Context(), reputation.ImportRemoval{Import: "gone"}); err != nil {
			t.Fatal(err)
		}
		if n := ranUnused(t, db); n != manyEdges {
			t.Errorf("of the import that was removed %d edges were deleted", n)
		}
		var left int
		if err := db.Read().Get(t.Context(), &left, `SELECT COUNT(*) FROM import_edges`); err != nil || left != versions-1 {
			t.Errorf("%d edges are left, %v", left, err)
		}
	})
}
