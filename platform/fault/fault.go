// Package fault is Banyan's error type: a code for programs, a message that says
// what to do for people, and the fields that were wrong.
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

// Code is the kind of a failure. Codes are part of the API: they are the same in
// process, over HTTP and in a module that runs alone.
type Code string

// The codes, with the HTTP status each has (see http.go).
const (
	Invalid          Code = "invalid"           // 400: the request itself is wrong; Fields say where
	Unauthenticated  Code = "unauthenticated"   // 401: the caller is not, or no longer, signed in
	Forbidden        Code = "forbidden"         // 403: the caller is known, and not allowed
	NotFound         Code = "not_found"         // 404
	Conflict         Code = "conflict"          // 409: does not fit the current state; read it again, then decide
	OtherData        Code = "other_data"        // 421: the process has other data than its caller
	TooLarge         Code = "too_large"         // 413: over a stated limit
	Unsupported      Code = "unsupported"       // 415: an unsupported encoding, media type or contract version
	Misdirected      Code = "misdirected"       // 421: sent to a host name that is not served here
	RateLimited      Code = "rate_limited"      // 429: try again after RetryAfter
	Canceled         Code = "canceled"          // 499: the caller left before the answer
	Internal         Code = "internal"          // 500: a defect; the message never contains the cause
	Unavailable      Code = "unavailable"       // 503: a part is down; a retry may help
	Busy             Code = "busy"              // 503: works, and has no capacity for this call now; nothing was done, try again after RetryAfter
	DeadlineExceeded Code = "deadline_exceeded" // 504: no answer before the caller's deadline
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
	Missing    string        // the kind of thing that is not found, as "campaign"; "" = unknown
	RetryAfter time.Duration // 0 = unknown
	cause      error         // for the log; never sent to a caller
}

// New makes a fault with a message for people. The message is used as it is.
func New(code Code, message string) *Fault { return &Fault{Code: code, Message: message} }

// Newf is New with a format. Never pass external text as the format.
func Newf(code Code, format string, args ...any) *Fault {
	return &Fault{Code: code, Message: fmt.Sprintf(format, args...)}
}

// NoSuch returns a NotFound that says which kind of thing is missing, so that
// programs can distinguish a campaign that does not exist from a wallet that is not
// on its list.
func NoSuch(thing, format string, args ...any) *Fault {
	f := Newf(NotFound, format, args...)
	f.Missing = thing
	return f
}

// Wrap returns a fault with a cause. The cause is for the log and for
// errors.Is; callers outside the process see only the message.
func Wrap(cause error, code Code, message string) *Fault {
	return &Fault{Code: code, Message: message, cause: cause}
}

// With returns a copy of the fault with these fields added.
func (f *Fault) With(fields ...Field) *Fault {
	c := *f
	c.Fields = append(append([]Field(nil), f.Fields...), fields...)
	return &c
}

// Error returns the code, the message, the first field and the cause, for logs.
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

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.cause }

// String returns the field as text: "line 3: amount: is zero".
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

// From returns the fault in err's chain. Without one, the errors of a context
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
		return Wrap(err, DeadlineExceeded, "there was no answer before the deadline: try again, or allow more time")
	case errors.Is(err, context.Canceled):
		return Wrap(err, Canceled, "the caller left before the answer was ready")
	}
	return Wrap(err, Internal, "an internal error: the program's log has the cause under this request's id")
}

// CodeOf returns the code of err, "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	return From(err).Code
}

// Is reports whether err carries this code.
func Is(err error, code Code) bool { return err != nil && CodeOf(err) == code }
