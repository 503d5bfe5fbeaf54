package service_test

import (
	"reflect"
	"testing"

	"banyan/modules/reputation"
	"banyan/modules/reputation/service"
	"banyan/platform/database"
	"banyan/platform/seam"
	"banyan/platform/testenv/databasetest"
)

// A committed epoch is returned, with or without an idempotency key, also when
// the scores of the epochs before it cannot be deleted.
func TestACommittedEpochSucceedsWhenPruningFails(t *testing.T) {
	db := databasetest.SQLite(t, reputation.Name)
	o := options(db)
	o.KeepEpochs = 2
	s := service.New(o)
	running(t, o)
	if _, err := importText(s, sampleGraph()); err != nil {
		t.Fatal(err)
	}
	exec := func(statement string) {
		t.Helper()
		if err := db.Write(t.Context(), func(tx *database.Tx) error {
			_, err := tx.Exec(t.Context(), statement)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	exec(`CREATE TRIGGER keep BEFORE DELETE ON scores BEGIN SELECT RAISE(ABORT, 'kept'); END`)
	for n := int64(1); n <= 4; n++ { // the third is the first with something to delete
		ctx := operator
		if n == 4 {
			ctx = seam.WithIdempotencyKey(operator, "fourth")
		}
		epoch, err := s.ComputeEpoch(ctx, reputation.EpochRequest{})
		if err != nil || epoch.Number != n {
			t.Fatalf("epoch %d: %+v, %v", n, epoch, err)
		}
		if current, err := s.CurrentEpoch(nobody, reputation.EpochQuery{}); err != nil || !reflect.DeepEqual(current, epoch) {
			t.Errorf("current after epoch %d: %+v, %v", n, current, err)
		}
	}
	exec(`DROP TRIGGER keep`)
	if _, err := s.ComputeEpoch(operator, reputation.EpochRequest{}); err != nil {
		t.Fatal(err)
	}
	var oldest int64
	if err := db.Read().Get(t.Context(), &oldest, `SELECT MIN(epoch) FROM scores`); err != nil || oldest != 4 {
		t.Errorf("the oldest scores are of epoch %d (%v), want 4: the epoch after a failed pruning deletes what it left", oldest, err)
	}
}
