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

// ender is an error that has its ending.
type ender struct {
	error
	ending Ending
	says   bool
}

func (k ender) Ending() (Ending, bool) { return k.ending, k.says }
func (k ender) Unwrap() error          { return k.error }

var _ Ender = ender{}

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
		"an answer":                             {t.Context(), nil, Answered},
		"an answer at the last moment":          {late, nil, Answered},
		"not found":                             {t.Context(), fault.New(fault.NotFound, ""), Refused},
		"a defect":                              {t.Context(), broken, Failed},
		"no answer":                             {t.Context(), fault.New(fault.DeadlineExceeded, ""), Failed},
		"no room":                               {t.Context(), fault.New(fault.Busy, ""), Busy},
		"the caller's time is over":             {late, context.DeadlineExceeded, Abandoned},
		"what fails after that":                 {late, fault.New(fault.Unavailable, ""), Abandoned},
		"an own time-out":                       {own, context.DeadlineExceeded, Failed},
		"an error with an ending":               {late, fmt.Errorf("in between: %w", ender{broken, Failed, true}), Failed},
		"an error with an ending, below a code": {t.Context(), fault.Wrap(ender{broken, Abandoned, true}, fault.Invalid, ""), Abandoned},
		"an error without an ending":            {t.Context(), ender{fault.New(fault.NotFound, ""), Failed, false}, Refused},
		"an error with an ending, below one without": {t.Context(), ender{ender{broken, Busy, true}, Failed, false}, Busy},
	} {
		if got := EndingOf(c.ctx, c.err); got != c.want {
			t.Errorf("%s is %d, want %d", name, got, c.want)
		}
	}
}
