package host

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestAStartWaitsForTheProgramBeforeItToFreeItsAddress(t *testing.T) {
	inUse := fmt.Errorf("127.0.0.1:1 is in use: %w", syscall.EADDRINUSE)
	other := errors.New("no such address")
	for name, c := range map[string]struct {
		frees  time.Duration // after which listen no longer fails with inUse
		then   error
		leaves time.Duration // after which the caller's context ends
		want   error
		waits  int
	}{
		"free at once":       {leaves: time.Hour},
		"free after a while": {frees: time.Second, leaves: time.Hour, waits: 1},
		"never free":         {frees: time.Hour, leaves: time.Hour, want: inUse, waits: 1},
		"another error":      {then: other, leaves: time.Hour, want: other},
		"stopped meanwhile":  {frees: time.Hour, leaves: time.Second, want: inUse, waits: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), c.leaves)
				defer cancel()
				start, waits := time.Now(), 0
				err := listenSoon(ctx, func() error {
					if time.Since(start) < c.frees {
						return inUse
					}
					return c.then
				}, func(error) { waits++ })
				if !errors.Is(err, c.want) || waits != c.waits || time.Since(start) > addressWait {
					t.Errorf("got %v after %s, told %d times", err, time.Since(start), waits)
				}
			})
		})
	}
}
