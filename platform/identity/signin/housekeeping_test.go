package signin_test

import (
	"context"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"banyan/platform/database"
	"banyan/platform/identity/signin"
	"banyan/platform/testenv/databasetest"
)

func TestHousekeepingNoticesOtherProcessesAndClearsAway(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		c := newClock()
		here, _ := openKeys(t, db, c)
		there, _ := openKeys(t, databasetest.Again(t, db), c)
		s := newSessions(t, db, c)
		signIn(t, s, newPerson(t, "a"))
		rotate(t, there)
		c.Pass(time.Hour) // the session is over
		keys := string(here.JWKS())

		ctx, stop := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() {
			done <- signin.Housekeeping{
				Keys: here, Sessions: s, Log: slog.New(slog.DiscardHandler), Reload: time.Millisecond, Sweep: time.Millisecond,
			}.Run(ctx)
		}()
		waiting, giveUp := context.WithTimeout(t.Context(), time.Minute) // a hang ends as a failure
		defer giveUp()
		sessions := 1
		for sessions > 0 || string(here.JWKS()) == keys {
			if err := db.Read().Get(waiting, &sessions, "SELECT COUNT(*) FROM session"); err != nil {
				t.Fatal(err)
			}
			runtime.Gosched()
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
