package backup_test

import (
	"testing"
	"time"

	"banyan/platform/backup"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/testenv/databasetest"
)

// TestOneOfSeveralTrunksMakesTheBackup: and another makes the next when it is gone.
func TestOneOfSeveralTrunksMakesTheBackup(t *testing.T) {
	databasetest.Each(t, "identity", oneOfSeveral)
}

func oneOfSeveral(t *testing.T, db *database.DB) {
	now := time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)
	one, other := backup.OpenRuns(db, func() time.Time { return now }), backup.OpenRuns(db, func() time.Time { return now })
	run := backup.Run{Cause: backup.Scheduled, Name: "x"}
	id, ok, err := one.BeginDue(t.Context(), run, time.Hour)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	isDue := func(want bool, when string) {
		t.Helper()
		if _, ok, err := other.BeginDue(t.Context(), run, time.Hour); err != nil || ok != want {
			t.Errorf("%s another begins one: %v, %v", when, ok, err)
		}
	}
	isDue(false, "at the same time")
	if _, err := other.Begin(t.Context(), backup.Run{Cause: backup.Asked}); !fault.Is(err, fault.Conflict) {
		t.Errorf("an operator begins one beside it: %v", err)
	}
	now = now.Add(3 * time.Minute)
	if err := one.Seen(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	isDue(false, "while the first works at it")
	now = now.Add(2 * time.Minute)
	isDue(true, "when the first was not seen for two minutes")
}

// TestOldRunsAreForgottenButTheLastGoodOne: its age is what operators are warned of.
func TestOldRunsAreForgottenButTheLastGoodOne(t *testing.T) {
	databasetest.Each(t, "identity", oldRuns)
}

func oldRuns(t *testing.T, db *database.DB) {
	now := time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)
	runs := backup.OpenRuns(db, func() time.Time { return now })
	var failed error
	for range 230 {
		id, err := runs.Begin(t.Context(), backup.Run{Cause: backup.Asked, Name: "x", Started: now})
		if err == nil {
			now = now.Add(time.Second)
			err = runs.End(t.Context(), id, 5, failed)
		}
		if err != nil {
			t.Fatal(err)
		}
		failed = fault.New(fault.Unavailable, "full")
	}
	s, err := runs.State(t.Context())
	if err != nil || s.Last == nil || s.Last.Err == nil || s.Last.Err.Message != "full" || s.Good == nil || s.Good.ID != 1 || s.Good.Bytes != 5 {
		t.Errorf("%+v, %v", s, err)
	}
	var n int
	if err := db.Read().Get(t.Context(), &n, `SELECT COUNT(*) FROM backup_run`); err != nil || n != 202 { // 200, the last one, and the last good one
		t.Errorf("%d runs are kept, %v", n, err)
	}
}
