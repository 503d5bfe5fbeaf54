package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/directory"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/progress"
	"banyan/platform/testenv/databasetest"
	"banyan/platform/testenv/progresstest"
)

// An import says how many entries are compared and stored. Cancelled in either, at the
// beginning or in the middle, it leaves the directory as it was.
func TestAnImportOfExchangesIsToldAndCancelled(t *testing.T) {
	databasetest.Each(t, exchangereview.Name, func(t *testing.T, db *database.DB) {
		st := store{db}
		var entries []directory.Entry
		for i := range 2*entriesPerPart + 10 {
			entries = append(entries, directory.Entry{Slug: fmt.Sprintf("exchange-%d", i), Name: fmt.Sprint("Exchange ", i), Kind: exchangereview.Centralised, Year: 2020})
		}
		agree := func(*planned) error { return nil }
		if _, err := st.importEntries(t.Context(), entries[:1], false, progress.Untold, agree); err != nil {
			t.Fatal(err)
		}
		stored := func() (text string) {
			t.Helper()
			if err := db.Read().Get(t.Context(), &text, `SELECT CAST(COUNT(*) AS TEXT) || ' of version ' || CAST(MAX(version) AS TEXT) FROM exchange, directory`); err != nil {
				t.Fatal(err)
			}
			return text
		}
		before := stored()
		for _, stage := range []string{progress.Comparing, progress.Storing} {
			for _, from := range []int64{0, entriesPerPart} {
				ctx, cancel := context.WithCancel(t.Context())
				_, err := st.importEntries(ctx, entries, false, func(is string, done, _ int64) {
					if is == stage && done >= from {
						cancel()
					}
				}, agree)
				cancel()
				if !errors.Is(err, context.Canceled) && !fault.Is(err, fault.Canceled) {
					t.Errorf("cancelled while %s, from %d on: %v", stage, from, err)
				}
				if after := stored(); after != before {
					t.Errorf("cancelled while %s, from %d on, it has left %s of %s", stage, from, after, before)
				}
			}
		}
		var told progresstest.Told
		done, err := st.importEntries(t.Context(), entries, false, told.Tell, agree)
		if err != nil || done.Added != len(entries)-1 {
			t.Fatalf("%+v, %v", done, err)
		}
		if !slices.Equal(told.Stages, []string{progress.Comparing, progress.Storing}) || told.Back || told.Last[progress.Storing].Total != int64(len(entries)-1) || told.Last[progress.Storing].Done != 2*entriesPerPart {
			t.Errorf("it says %v, at last %+v", told.Stages, told.Last)
		}
	})
}
