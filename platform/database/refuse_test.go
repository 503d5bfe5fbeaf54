package database_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"banyan/platform/database"
)

// A refused group answers everybody whom it takes from the queue, also those
// who come while it is answering: a caller without a deadline would otherwise
// wait for ever.
func TestEveryRefusedWriteIsAnswered(t *testing.T) {
	db := sqliteShelf(t)
	db.SetFence(&gate{query: `SELECT 1`}) // always shut
	var callers sync.WaitGroup
	for caller := range 64 {
		callers.Go(func() {
			for n := range 100 {
				err := db.Write(t.Context(), func(*database.Tx) error { return nil })
				if !errors.Is(err, errShut) {
					t.Errorf("write %d of caller %d: %v", n, caller, err)
					return
				}
			}
		})
	}
	answered := make(chan struct{})
	go func() {
		callers.Wait()
		close(answered)
	}()
	select {
	case <-answered:
	case <-time.After(time.Minute):
		t.Fatal("some writes were never answered")
	}
}
