package database_test

import (
	"context"
	"errors"
	"testing"

	"banyan/platform/database"
)

// A pace is one of all writes: the second waits however few callers there are, and no longer
// than the pace holds, or its caller.
func TestWritesBeginAtAPace(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		db.Pace(0.0001) // the next begins in hours
		if err := db.Write(t.Context(), book(t, 1, "Emma")); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- db.Write(t.Context(), book(t, 2, "Persuasion")) }()
		for each := int64(0); each == 0; {
			_, wait := db.Begun()
			each = wait.Milliseconds()
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := db.Write(ctx, book(t, 3, "Lady Susan")); !errors.Is(err, context.Canceled) {
			t.Errorf("a write whose caller has gone: %v", err)
		}
		if begun, _ := db.Begun(); begun != 1 {
			t.Errorf("%d writes have begun", begun)
		}
		db.Pace(0)
		if err := <-done; err != nil {
			t.Error(err)
		}
		if begun, wait := db.Begun(); begun != 2 || wait != 0 {
			t.Errorf("%d writes have begun, the next waits %v", begun, wait)
		}
	})
}
