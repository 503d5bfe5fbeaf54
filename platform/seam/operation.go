package seam

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"

	"banyan/platform/identity"
)

// Kind separates operations that only look from those that change something:
// reads may be repeated and compared, writes have one owner.
type Kind uint8

// The kinds. An operation that takes a stream in has a field of type io.Reader
// with a `stream:"media/type"` tag in its request; one that gives a stream out
// answers with a Stream.
const (
	KindRead Kind = iota
	KindWrite
)

// Contract is the list of a module's operations and the version they speak.
// The version counts incompatible changes; adding an operation or a field is
// not one.
type Contract struct {
	Module  string // as in paths and settings: exchange-review
	Version int
	Summary string

	operations []*description
}

// NewContract begins a contract; Read and Write add to it.
func NewContract(module string, version int, summary string) *Contract {
	return &Contract{Module: module, Version: version, Summary: summary}
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

	// serve is what the HTTP server does for this operation: decode, call
	// through the route, encode. It is made where the types are known.
	serve func(r *Route, w http.ResponseWriter, req *http.Request)
}

// Operation describes one method: request Q, answer A. It is a small value;
// declare it as a package variable beside its contract.
type Operation[Q, A any] struct{ d *description }

// Validator is implemented by requests that can say what is wrong with them,
// as a fault.Invalid with fields. It is asked in every state of the route.
type Validator interface{ Validate() error }

// Read declares an operation that changes nothing. The pattern is a method and
// a path below /api/v1/<module>; reads with a long request may be a POST.
func Read[Q, A any](c *Contract, id, pattern string, access Access, summary string) Operation[Q, A] {
	return declare[Q, A](c, KindRead, id, pattern, access, summary)
}

// Write declares an operation that changes something.
func Write[Q, A any](c *Contract, id, pattern string, access Access, summary string) Operation[Q, A] {
	return declare[Q, A](c, KindWrite, id, pattern, access, summary)
}

// declare panics on a mistake in the declaration: it is one of the program
// text, and shows at the first start.
func declare[Q, A any](c *Contract, kind Kind, id, pattern string, access Access, summary string) Operation[Q, A] {
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
	o := Operation[Q, A]{d}
	d.serve = o.serve
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
	if err := d.access.check(identity.From(ctx)); err != nil {
		var none A
		return none, err
	}
	if d.request.validates {
		if err := any(&q).(Validator).Validate(); err != nil {
			var none A
			return none, err
		}
	}
	remote := r.remote.Load()
	start := time.Now()
	if remote == nil {
		if trace.SpanFromContext(ctx).IsRecording() {
			var span trace.Span
			ctx, span = otel.Tracer(tracerName).Start(ctx, d.contract.Module+"."+d.id)
			defer span.End()
		}
		answer, err := r.local.handlers[d.index].(func(context.Context, Q) (A, error))(ctx, q)
		r.meters[d.index].local.observe(time.Since(start), err)
		return answer, err
	}
	answer, err := callRemote[Q, A](ctx, remote, d, &q)
	r.meters[d.index].remote.observe(time.Since(start), err)
	return answer, err
}

// Stream is an answer that is made while it is sent. Whoever receives it calls
// Write exactly once; an error of Write means that what was written so far is
// not the whole answer.
type Stream struct {
	ContentType string
	Write       func(w io.Writer) error
}
