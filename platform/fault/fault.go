// Package fault is Banyan's one error type: a code that machines act on, a
// message that tells a person what to do, and the fields that were wrong.
//
// A fault is made where the cause is known, wrapped with %w and context on the
// way up, and turned into HTTP (RFC 9457) and back in http.go, nowhere else.
//
//	return fault.New(fault.NotFound, "no campaign has this id: list them with GET /api/v1/airdrop/campaigns")
package fault

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Code says what kind of failure it was. Codes are part of the API: they are
// the same in process, over HTTP and in a module that runs alone.
type Code string

// The codes, with the HTTP status each has (see http.go).
const (
	Invalid          Code = "invalid"           // 400: the request itself is wrong; Fields say where
	Unauthenticated  Code = "unauthenticated"   // 401: who is calling is not known, or no longer
	Forbidden        Code = "forbidden"         // 403: known, and not allowed
	NotFound         Code = "not_found"         // 404
	Conflict         Code = "conflict"          // 409: does not fit the present state; read again, then decide
	OtherData        Code = "other_data"        // 421: the process has other data than the one that asks
	TooLarge         Code = "too_large"         // 413: over a stated limit
	Unsupported      Code = "unsupported"       // 415: an encoding, media type or contract version not spoken here
	Misdirected      Code = "misdirected"       // 421: asked for under a name that is not served here
	RateLimited      Code = "rate_limited"      // 429: RetryAfter says when
	Canceled         Code = "canceled"          // 499: the caller went away
	Internal         Code = "internal"          // 500: our defect; the message never carries the cause
	Unavailable      Code = "unavailable"       // 503: a part is down; trying again may help
	Busy             Code = "busy"              // 503: works, and has no room for this call now; nothing was done, RetryAfter says when to come back
	DeadlineExceeded Code = "deadline_exceeded" // 504: no answer within the caller's time
)

// Field is one thing wrong with the input.
type Field struct {
	Name    string `json:"name,omitempty"` // the request's field, the column or the setting
	Line    int    `json:"line,omitempty"` // 1-based line of an uploaded text
	Message string `json:"message"`
}

// Fault is an error with a code. The zero value is not useful: use New.
type Fault struct {
	Code       Code
	Message    string
	Fields     []Field
	Missing    string        // the kind of thing that is not found, as "campaign"; "" = not said
	RetryAfter time.Duration // 0 = not said
	cause      error         // for the log; never sent to a caller
}

// New makes a fault with a message for people. The message is used as it is.
func New(code Code, message string) *Fault { return &Fault{Code: code, Message: message} }

// Newf is New with a format of ours; never pass a text that came from outside
// as the format.
func Newf(code Code, format string, args ...any) *Fault {
	return &Fault{Code: code, Message: fmt.Sprintf(format, args...)}
}

// NoSuch is a NotFound that says which kind of thing is missing: programs tell a
// campaign that is not there from a wallet that is not on its list.
func NoSuch(thing, format string, args ...any) *Fault {
	f := Newf(NotFound, format, args...)
	f.Missing = thing
	return f
}

// Wrap gives a cause a code and a message. The cause stays for the log and for
// errors.Is; callers outside the process see only the message.
func Wrap(cause error, code Code, message string) *Fault {
	return &Fault{Code: code, Message: message, cause: cause}
}

// With returns a copy of the fault that also names these fields.
func (f *Fault) With(fields ...Field) *Fault {
	c := *f
	c.Fields = append(append([]Field(nil), f.Fields...), fields...)
	return &c
}

// Error gives the code, the message, the first field and the cause, for logs.
func (f *Fault) Error() string {
	text := string(f.Code) + ": " + f.Message
	if len(f.Fields) > 0 {
		text += " (" + f.Fields[0].String()
		if more := len(f.Fields) - 1; more > 0 {
			text += fmt.Sprintf(", and %d more", more)
		}
		text += ")"
	}
	if f.cause != nil {
		text += ": " + f.cause.Error()
	}
	return text
}

// Unwrap gives the cause.
func (f *Fault) Unwrap() error { return f.cause }

// String reads "line 3: amount: is zero".
func (f Field) String() string {
	text := f.Message
	if f.Name != "" {
		text = f.Name + ": " + text
	}
	if f.Line > 0 {
		text = fmt.Sprintf("line %d: %s", f.Line, text)
	}
	return text
}

// From finds the fault in err's chain. Without one, the ends of a context
// become Canceled and DeadlineExceeded, and everything else Internal with err as
// its cause. From(nil) is nil.
func From(err error) *Fault {
	if err == nil {
		return nil
	}
	var f *Fault
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, context.DeadlineExceeded):
		return Wrap(err, DeadlineExceeded, "there was no answer in time: try again, or allow more time")
	case errors.Is(err, context.Canceled):
		return Wrap(err, Canceled, "the caller went away before the answer was ready")
	}
	return Wrap(err, Internal, "something went wrong on our side: the log has the details under this request's id")
}

// CodeOf gives the code of err, "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	return From(err).Code
}

// Is tells whether err carries this code.
func Is(err error, code Code) bool { return err != nil && CodeOf(err) == code }
