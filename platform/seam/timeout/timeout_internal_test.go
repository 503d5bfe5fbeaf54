package timeout

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestAnOwnTimeOutIsToldFromACallersDeadline in every order of the two.
func TestAnOwnTimeOutIsToldFromACallersDeadline(t *testing.T) {
	lazily := func(parent context.Context, d time.Duration) (context.Context, context.CancelFunc) {
		c := newLazy(parent, d, true)
		return c, c.End
	}
	eagerly := func(parent context.Context, d time.Duration) (context.Context, context.CancelFunc) {
		c := newEager(parent, d, true)
		return c, c.End
	}
	for name, c := range map[string]struct {
		outer, inner func(context.Context, time.Duration) (context.Context, context.CancelFunc)
		first, then  time.Duration
		byCaller     bool
	}{
		"ours within the caller's":                 {context.WithTimeout, WithOwn, 9, 5, false},
		"the caller's within ours":                 {WithOwn, context.WithTimeout, 9, 5, true},
		"the caller's before ours":                 {context.WithTimeout, WithOwn, 5, 9, true},
		"ours before the caller's":                 {WithOwn, context.WithTimeout, 5, 9, false},
		"the server's within the caller's":         {context.WithTimeout, lazily, 9, 5, false},
		"plain: the server's within the caller's":  {context.WithTimeout, eagerly, 9, 5, false},
		"the server's after the caller's":          {context.WithTimeout, lazily, 5, 9, true},
		"plain: the server's after the caller's":   {context.WithTimeout, eagerly, 5, 9, true},
		"the caller's within the server's":         {lazily, context.WithTimeout, 9, 5, true},
		"plain: the caller's within the server's":  {eagerly, context.WithTimeout, 9, 5, true},
		"the server's around the caller's":         {lazily, context.WithTimeout, 5, 9, false},
		"plain: the server's around the caller's":  {eagerly, context.WithTimeout, 5, 9, false},
		"an attempt's within the server's":         {lazily, WithOwn, 9, 5, false},
		"plain: an attempt's within the server's":  {eagerly, WithOwn, 9, 5, false},
		"an attempt's as long as it may be":        {lazily, WithOwn, 5, 9, false},
		"plain: an attempt's as long as it may be": {eagerly, WithOwn, 5, 9, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				outer, cancel := c.outer(t.Context(), c.first*time.Second)
				defer cancel()
				inner, stop := c.inner(outer, c.then*time.Second)
				defer stop()
				if EndedByCaller(inner) {
					t.Error("over before its end")
				}
				<-inner.Done()
				if got := EndedByCaller(inner); got != c.byCaller {
					t.Errorf("ended by the caller: %v, want %v", got, c.byCaller)
				}
			})
		})
	}
	ctx, cancel := WithOwn(t.Context(), time.Hour)
	cancel()
	if !EndedByCaller(ctx) {
		t.Error("who calls off has not let a limit pass")
	}
}
