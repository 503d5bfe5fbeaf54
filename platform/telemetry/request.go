package telemetry

import (
	"context"
	"sync/atomic"
)

// Request is what is noted about one request while it runs, and the context
// that carries the notes. The HTTP server makes one per request and reads it for
// the access log.
type Request struct {
	context.Context // that WithRequest has extended

	ID    string
	noted atomic.Pointer[error] // a handler's goroutines may note at the same time
}

// Noted gives the error that was noted last, nil without one.
func (r *Request) Noted() error {
	if err := r.noted.Load(); err != nil {
		return *err
	}
	return nil
}

type requestKey struct{}

// WithRequest puts the request's notes into its context, once.
func WithRequest(ctx context.Context, r *Request) context.Context {
	r.Context = ctx
	return r
}

// Value implements context.Context.
func (r *Request) Value(key any) any {
	if key == (requestKey{}) {
		return r
	}
	return r.Context.Value(key)
}

// WithRequestID is for work that has an id but came by no HTTP request.
func WithRequestID(ctx context.Context, id string) context.Context {
	return WithRequest(ctx, &Request{ID: id})
}

// RequestID gives the id of the request this context belongs to, "" outside.
func RequestID(ctx context.Context) string {
	if r, ok := ctx.Value(requestKey{}).(*Request); ok {
		return r.ID
	}
	return ""
}

// NoteError keeps err, with its cause, for this request's line in the access
// log. Call it where an error becomes an answer, instead of logging it there.
// Outside a request it does nothing.
func NoteError(ctx context.Context, err error) {
	if r, ok := ctx.Value(requestKey{}).(*Request); ok && err != nil {
		r.noted.Store(&err)
	}
}
