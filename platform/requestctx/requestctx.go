// Package requestctx is what belongs to one HTTP request and travels in its
// context: the request's id, the error that its answer was made from, and the way
// to widen its limits. It imports no server, so that what answers requests does
// not depend on the one that accepts them.
package requestctx

import (
	"context"
	"sync/atomic"

	"banyan/platform/plain"
)

// Request is what is noted about one request while it runs, and the context
// that carries the notes. The HTTP server makes one per request and reads it for
// the access log.
type Request struct {
	context.Context // that With has extended

	ID     string
	Limits Limits                // of the connection; nil outside a server
	noted  atomic.Pointer[error] // a handler's goroutines may note at the same time
}

// Noted returns the error that was noted last, nil without one.
func (r *Request) Noted() error {
	if err := r.noted.Load(); err != nil {
		return *err
	}
	return nil
}

// Limits are the bounds of one request that its handler may widen.
type Limits interface {
	// AllowUpload lets the body be as large and take as long as an upload may.
	AllowUpload()
	// AllowStream lets the answer go on for as long as its pieces are taken.
	AllowStream()
	// EnterExpensive takes a place among the client's expensive operations and
	// charges for one; leave ends it. Fails with fault.RateLimited.
	EnterExpensive() (leave func(), err error)
}

type requestKey struct{}

// With puts the request's notes into its context, once. They are the context
// itself, which saves an allocation; the plain twin is context.WithValue.
func With(ctx context.Context, r *Request) context.Context {
	r.Context = ctx
	if plain.On {
		return context.WithValue(ctx, requestKey{}, r)
	}
	return r
}

var _ context.Context = (*Request)(nil)

// Value implements context.Context.
func (r *Request) Value(key any) any {
	if key == (requestKey{}) {
		return r
	}
	return r.Context.Value(key)
}

// WithID is for work that has an id but came by no HTTP request.
func WithID(ctx context.Context, id string) context.Context {
	return With(ctx, &Request{ID: id})
}

// ID returns the id of the request this context belongs to, "" outside.
func ID(ctx context.Context) string {
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

// AllowUpload makes the request an upload. Call it before the first read of the
// body. Outside a server it does nothing.
func AllowUpload(ctx context.Context) {
	if r, ok := ctx.Value(requestKey{}).(*Request); ok && r.Limits != nil {
		r.Limits.AllowUpload()
	}
}

// AllowStream makes the answer a stream. Call it before the first write. Outside
// a server it does nothing.
func AllowStream(ctx context.Context) {
	if r, ok := ctx.Value(requestKey{}).(*Request); ok && r.Limits != nil {
		r.Limits.AllowStream()
	}
}

// EnterExpensive starts an operation that is much work for a short request. Call
// it before the body is read, and leave when the answer is sent. Outside a server
// it does nothing.
func EnterExpensive(ctx context.Context) (leave func(), err error) {
	if r, ok := ctx.Value(requestKey{}).(*Request); ok && r.Limits != nil {
		return r.Limits.EnterExpensive()
	}
	return func() {}, nil
}
