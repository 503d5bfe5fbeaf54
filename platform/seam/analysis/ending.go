package analysis

import (
	"context"
	"errors"

	"banyan/platform/fault"
	"banyan/platform/seam/timeout"
)

// Ending is how a call ended, as far as it says something about who was asked.
type Ending uint8

// The endings.
const (
	Answered  Ending = iota
	Refused          // the request was wrong, or not allowed
	Failed           // whoever was asked has failed
	Busy             // whoever was asked works, and had no room
	Abandoned        // the caller went away, its time was over, or its body did not arrive
)

// Judged reports whether the call says something about who was asked.
func (e Ending) Judged() bool { return e != Busy && e != Abandoned }

// Ender is implemented by errors that know more than they look like of how their
// call ended: a remote call's, which has seen its endpoint. Ending returns false
// when the error says nothing about it.
type Ender interface {
	error
	Ending() (Ending, bool)
}

// EndingOf returns how a call of this context ended. An ending that an error has goes
// before what its code looks like.
func EndingOf(ctx context.Context, err error) Ending {
	if err == nil {
		return Answered
	}
	var known Ender
	for inner := err; errors.As(inner, &known); inner = errors.Unwrap(known) {
		if end, says := known.Ending(); says {
			return end
		}
	}
	switch code := fault.CodeOf(err); {
	case code == fault.Busy:
		return Busy
	case timeout.EndedByCaller(ctx):
		return Abandoned
	case code == fault.Internal, code == fault.Unavailable, code == fault.DeadlineExceeded:
		return Failed
	}
	return Refused
}
