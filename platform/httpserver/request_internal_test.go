package httpserver

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/platform/requestctx"
)

// TestBothContextsOfARequestAreAlike: nobody must be able to tell the state, which
// is the context itself, from the layers that are its plain twin.
func TestBothContextsOfARequestAreAlike(t *testing.T) {
	type key struct{}
	for name, build := range map[string]func(context.Context, *requestState) context.Context{
		"the state": func(parent context.Context, s *requestState) context.Context {
			requestctx.With(parent, &s.Request)
			return s
		},
		"layers": layeredContext,
		"in use": newContext,
	} {
		t.Run(name, func(t *testing.T) {
			reason := errors.New("the client left")
			above, leave := context.WithCancelCause(context.WithValue(t.Context(), key{}, "kept"))
			parent, stop := context.WithTimeout(above, time.Hour)
			defer stop()
			s := &requestState{route: chi.NewRouteContext()}
			s.ID = "an-id"
			ctx := build(parent, s)
			if stateOf(ctx) != s || chi.RouteContext(ctx) != s.route || requestctx.ID(ctx) != "an-id" || ctx.Value(key{}) != "kept" || ctx.Value("unknown") != nil {
				t.Error("a value is missing, or another one than was put in")
			}
			noted := errors.New("noted")
			if requestctx.NoteError(ctx, noted); !errors.Is(s.Noted(), noted) {
				t.Errorf("noted %v", s.Noted())
			}
			want, _ := parent.Deadline()
			if at, set := ctx.Deadline(); !set || !at.Equal(want) || ctx.Err() != nil {
				t.Errorf("the deadline is %v, %t, and the error %v", at, set, ctx.Err())
			}
			child, cancel := context.WithCancel(ctx)
			defer cancel()
			leave(reason)
			<-child.Done()
			<-ctx.Done()
			if !errors.Is(ctx.Err(), context.Canceled) || !errors.Is(context.Cause(child), reason) {
				t.Errorf("ended with %v, %v", ctx.Err(), context.Cause(child))
			}
		})
	}
}
