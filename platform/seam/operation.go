package seam

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"

	"banyan/platform/identity"
	"banyan/platform/seam/diff"
	"banyan/platform/seam/timeout"
)

// Kind separates operations that only look from those that change something:
// reads may be repeated and compared, writes have one owner.
type Kind uint8

// The kinds. An operation that takes a stream in has a field of type io.Reader
// with a `stream:"media/type"` tag in its request; one that sends a stream out
// answers with a Stream.
const (
	KindRead Kind = iota
	KindWrite
)

// String reads "read", "write".
func (k Kind) String() string { return [...]string{"read", "write"}[k] }

// Contract is the list of a module's operations and their version.
// The version counts incompatible changes; adding an operation or a field is
// not one.
type Contract struct {
	Module  string // as in paths and settings: exchange-review
	Version int
	Summary string

	operations []*description
	version    []string // Version as a header's value
}

// NewContract returns an empty contract; Read and Write add to it.
func NewContract(module string, version int, summary string) *Contract {
	return &Contract{Module: module, Version: version, Summary: summary, version: []string{strconv.Itoa(version)}}
}

// description is what there is to know of an operation beside its types.
type description struct {
	contract *Contract
	index    int // place in contract.operations, in Local.handlers and in Route.meters
	id       string
	kind     Kind
	method   string
	path     string // relative to /api/v1/<module>, with {wildcards}
	access   Access
	summary  string

	request *requestCodec
	answer  reflect.Type
	streams bool // the answer is a Stream

	idempotent bool // a write that may be sent again with its key; see Idempotent
	expensive  bool // see Expensive
	anyOrigin  bool // see AnyOrigin
	// permanent reports whether an answer never changes, see Cached; nil: the answer has
	// no ETag. Each public GET has one.
	permanent func(answer any) bool

	repeatable  bool        // a read without streams: it can be asked twice and compared
	rules       diff.Rules  // what counts less in comparisons
	copyRequest diff.Cloner // nil: copying the value is enough
	copyAnswer  diff.Cloner

	// serve is what the HTTP server does for this operation: decode, call
	// through the route, encode. It is made where the types are known.
	// A strict reading is a person's (codec.go).
	serve func(ctx context.Context, h handler, w http.ResponseWriter, req *http.Request, strict bool)
}

// acts reports whether the operation is a write that needs a role of its own.
func (d *description) acts() bool {
	return d.kind == KindWrite && (d.access == Operators || d.access == Moderators)
}

// Operation describes one method: request Q, answer A. It is a small value;
// declare it as a package variable beside its contract.
type Operation[Q, A any] struct{ d *description }

// Validator is implemented by requests that can say what is wrong with them,
// as a fault.Invalid with fields. The method has a value receiver. It is asked
// in every state of the route.
type Validator interface{ Validate() error }

// Option says more about an operation: Ignore, Idempotent, Expensive, AnyOrigin, Cached.
type Option func(*description) error

// Read declares an operation that changes nothing. The pattern is a method and
// a path below /api/v1/<module>; reads with a long request may be a POST.
func Read[Q, A any](c *Contract, id, pattern string, access Access, summary string, options ...Option) Operation[Q, A] {
	return declare[Q, A](c, KindRead, id, pattern, access, summary, options)
}

// Write declares an operation that changes something.
func Write[Q, A any](c *Contract, id, pattern string, access Access, summary string, options ...Option) Operation[Q, A] {
	return declare[Q, A](c, KindWrite, id, pattern, access, summary, options)
}

// declare panics on a mistake in the declaration: it is one of the program
// text, and shows at the first start.
func declare[Q, A any](c *Contract, kind Kind, id, pattern string, access Access, summary string, options []Option) Operation[Q, A] {
	method, path, ok := strings.Cut(pattern, " ")
	if !ok || !strings.HasPrefix(path, "/") {
		panic(fmt.Sprintf("seam: %s.%s: pattern %q is not METHOD /path", c.Module, id, pattern))
	}
	codec, err := newRequestCodec(reflect.TypeFor[Q](), method, path)
	if err != nil {
		panic(fmt.Sprintf("seam: %s.%s: %v", c.Module, id, err))
	}
	answer := reflect.TypeFor[A]()
	d := &description{
		contract: c, index: len(c.operations), id: id, kind: kind, method: method, path: path,
		access: access, summary: summary, request: codec, answer: answer, streams: answer == reflect.TypeFor[Stream](),
	}
	d.repeatable = kind == KindRead && !d.streams && codec.stream < 0
	if d.repeatable {
		d.copyRequest, d.copyAnswer = diff.ClonerOf(codec.typ), diff.ClonerOf(answer)
	}
	if d.isShared() && !d.streams {
		d.permanent = func(any) bool { return false }
	}
	for _, option := range options {
		if err := option(d); err != nil {
			panic(fmt.Sprintf("seam: %s.%s: %v", c.Module, id, err))
		}
	}
	o := Operation[Q, A]{d}
	d.serve = newExchanges(o).serve
	c.operations = append(c.operations, d)
	return o
}

// Binding ties one operation to the function that does it.
type Binding struct {
	d    *description
	call any // func(context.Context, Q) (A, error)
}

// To binds the operation to a method of the service.
func (o Operation[Q, A]) To(f func(context.Context, Q) (A, error)) Binding {
	return Binding{o.d, f}
}

// Local is a module that runs in this process: every operation of its contract
// with the function that does it.
type Local struct {
	contract *Contract
	handlers []any
}

// Bind makes a Local and panics when an operation is left out or bound twice,
// so that a forgotten line shows at the first start.
func (c *Contract) Bind(bindings ...Binding) *Local {
	l := &Local{contract: c, handlers: make([]any, len(c.operations))}
	for _, b := range bindings {
		if b.d.contract != c || l.handlers[b.d.index] != nil {
			panic(fmt.Sprintf("seam: %s: operation %s is bound twice or is another contract's", c.Module, b.d.id))
		}
		l.handlers[b.d.index] = b.call
	}
	for i, h := range l.handlers {
		if h == nil {
			panic(fmt.Sprintf("seam: %s: operation %s is not bound", c.Module, c.operations[i].id))
		}
	}
	return l
}

// Call does the operation wherever the route leads. The answer and the error's
// code are the same in every state.
func (o Operation[Q, A]) Call(ctx context.Context, r *Route, q Q) (A, error) {
	d := o.d
	if d.access != Public && !r.dialed {
		if err := d.access.check(identity.From(ctx)); err != nil {
			var none A
			return none, err
		}
	}
	if d.request.validates {
		if err := validate(q); err != nil {
			var none A
			return none, err
		}
	}
	if d.acts() && r.options.Action != nil {
		answer, err := o.lead(ctx, r, q)
		r.options.Action(ctx, Action{Operation: d.contract.Module + "." + d.id, Request: d.request.shown(q), Err: err})
		return answer, err
	}
	return o.lead(ctx, r, q)
}

// lead does the call where the route leads.
func (o Operation[Q, A]) lead(ctx context.Context, r *Route, q Q) (A, error) {
	if o.d.kind == KindWrite && o.d.request.stream >= 0 {
		return o.leadUpload(ctx, r, q)
	}
	return o.leadTo(ctx, r, q)
}

func (o Operation[Q, A]) leadTo(ctx context.Context, r *Route, q Q) (A, error) {
	d := o.d
	s := r.state.Load()
	if s.plan.Mode != ModeLocal {
		return o.callBeyond(ctx, r, s, q)
	}
	start := timeout.Clock()
	answer, err := o.callLocal(ctx, r, q)
	r.meters[d.index].Local.Observe(ctx, timeout.Clock()-start, err)
	if err != nil && d.kind == KindWrite && r.lost(err) {
		return o.followOwner(ctx, r, s, q, err)
	}
	return answer, err
}

// callBeyond does the call when the route has something to do with another
// process.
func (o Operation[Q, A]) callBeyond(ctx context.Context, r *Route, s *state, q Q) (answer A, err error) {
	switch {
	case s.plan.Mode == ModeRemote:
		answer, err = o.callAway(ctx, r, s, q)
	case s.plan.Mode == ModeCanary && o.d.repeatable && inCanary(ctx, o.d, reflect.ValueOf(q), s.share):
		return o.callCanary(ctx, r, s, q)
	default:
		answer, err = o.callHere(ctx, r, q)
		if s.plan.Mode == ModeShadow && o.d.repeatable && r.options.Random() < s.share {
			o.shadow(ctx, r, s, q, answer, err)
		}
	}
	if err != nil && o.d.kind == KindWrite && r.lost(err) {
		return o.followOwner(ctx, r, s, q, err)
	}
	return answer, err
}

// callHere does the call in this process and counts it.
func (o Operation[Q, A]) callHere(ctx context.Context, r *Route, q Q) (A, error) {
	start := timeout.Clock()
	answer, err := o.callLocal(ctx, r, q)
	r.meters[o.d.index].Local.Observe(ctx, timeout.Clock()-start, err)
	return answer, err
}

// callAway does the call at the remote and counts it.
func (o Operation[Q, A]) callAway(ctx context.Context, r *Route, s *state, q Q) (A, error) {
	if o.d.kind == KindWrite && s.plan.Epoch != 0 {
		ctx = context.WithValue(ctx, routeEpoch{}, s.plan.Epoch)
	}
	start := timeout.Clock()
	answer, err := callRemote[Q, A](ctx, s.remote, o.d, q)
	r.meters[o.d.index].Remote.Observe(ctx, timeout.Clock()-start, err)
	return answer, err
}

// callLocal puts the call into a span of its own when the caller is being traced;
// without a trace it costs one look into the context.
func (o Operation[Q, A]) callLocal(ctx context.Context, r *Route, q Q) (A, error) {
	if o.d.kind == KindWrite && o.d.request.stream >= 0 && r.options.Admit != nil {
		if err := r.options.Admit(ctx); err != nil {
			var none A
			return none, err
		}
	}
	if trace.SpanFromContext(ctx).IsRecording() {
		var span trace.Span
		ctx, span = otel.Tracer(tracerName).Start(ctx, o.d.contract.Module+"."+o.d.id)
		defer span.End()
	}
	return r.local.handlers[o.d.index].(func(context.Context, Q) (A, error))(ctx, q)
}

// validate takes q by value: in Call its address would move every request to
// the heap.
func validate[Q any](q Q) error { return any(q).(Validator).Validate() }

// Stream is an answer that is made while it is sent. Whoever receives it calls
// Write exactly once; an error of Write means that what was written so far is
// not the whole answer.
type Stream struct {
	ContentType string
	// Note is about the request as a whole, for people, as which of its columns
	// were not used: the header client.HeaderNote, in ASCII. "" if there is none.
	Note  string
	Write func(w io.Writer) error
}
