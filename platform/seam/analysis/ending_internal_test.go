package analysis

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"banyan/platform/fault"
	"banyan/platform/seam/timeout"
)

// knowing is an error that knows its ending.
type knowing struct {
	error
	ending Ending
	says   bool
}

func (k knowing) Ending() (Ending, bool) { return k.ending, k.says }
func (k knowing) Unwrap() error          { return k.error }

var _ Ender = knowing{}

// TestHowACallEnds as a route counts it.
func TestHowACallEnds(t *testing.T) {
	late, cancel := context.WithTimeout(t.Context(), -time.Second)
	defer cancel()
	own, stop := timeout.WithOwn(t.Context(), -time.Second)
	defer stop()
	broken := errors.New("x")
	for name, c := range map[string]struct {
		ctx  context.Context
		err  error
		want Ending
	}{
		"an answer":                         {t.Context(), nil, Answered},
		"an answer at the last moment":      {late, nil, Answered},
		"not found":                         {t.Context(), fault.New(fault.NotFound, ""), Refused},
		"a defect":                          {t.Context(), broken, Failed},
		"no answer":                         {t.Context(), fault.New(fault.DeadlineExceeded, ""), Failed},
		"no room":                           {t.Context(), fault.New(fault.Busy, ""), Busy},
		"the caller's time is over":         {late, context.DeadlineExceeded, Abandoned},
		"what fails after that":             {late, fault.New(fault.Unavailable, ""), Abandoned},
		"an own time-out":                   {own, context.DeadlineExceeded, Failed},
		"an error that knows":               {late, fmt.Errorf("in between: %w", knowing{broken, Failed, true}), Failed},
		"an error that knows, below a code": {t.Context(), fault.Wrap(knowing{broken, Abandoned, true}, fault.Invalid, ""), Abandoned},
		"an error that knows nothing":       {t.Context(), knowing{fault.New(fault.NotFound, ""), Failed, false}, Refused},
		"an error that knows, below one that does not": {t.Context(), knowing{knowing{broken, Busy, true}, Failed, false}, Busy},
	} {
		if got := EndingOf(c.ctx, c.err); got != c.want {
			t.Errorf("%s is %d, want %d", name, got, c.want)
		}
	}
}
