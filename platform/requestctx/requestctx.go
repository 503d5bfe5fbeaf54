// Package requestctx holds the state of one HTTP request in its context: the request's id, the error that its answer was made from, and the way
// to widen its limits. It imports no server, so that handlers do not
// depend on the server.
package requestctx

import (
	"context"
	"sync/atomic"

	"banyan/platform/plain"
)

// Request is the state of one running request, and the context that carries it. The
// HTTP server makes one per request and reads it for the access log.
type Request struct {
	context.Context // set by With

	ID     string
	Limits Limits                // of the connection; nil outside a server
	noted  atomic.Pointer[error] // a handler's goroutines may call NoteError concurrently
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
	// AllowUpload raises the limits on the body's size and time to those of uploads.
	AllowUpload()
	// AllowStream removes the limit on the answer's time as long as the client reads.
	AllowStream()
	// EnterExpensive counts and charges an expensive operation of the client; leave
	// must be called at its end. Fails with fault.RateLimited.
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

// WithID returns ctx with an id, for work without an HTTP request.
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

// NoteError stores err, with its cause, for this request's line in the access log.
// Call it where an error becomes an answer, instead of logging it there.
// Outside a request it does nothing.
func NoteError(ctx context.Context, err error) {
	if r, ok := ctx.Value(requestKey{}).(*Request); ok && err != nil {
		r.noted.Store(&err)
	}
}

// Noted returns the error that was noted last in this request, nil without one.
func Noted(ctx context.Context) error {
	if r, ok := ctx.Value(requestKey{}).(*Request); ok {
		return r.Noted()
	}
	return nil
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

// EnterExpensive starts an operation that is expensive for a short request. Call it
// before the body is read, and leave when the answer is sent. Outside a server
// it does nothing.
func EnterExpensive(ctx context.Context) (leave func(), err error) {
	if r, ok := ctx.Value(requestKey{}).(*Request); ok && r.Limits != nil {
		return r.Limits.EnterExpensive()
	}
	return func() {}, nil
}
