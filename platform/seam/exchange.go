package seam

import (
	"context"
	"net/http"
	"reflect"
	"sync"

	"banyan/platform/plain"
)

// Releaser is an answer in memory that its module uses again after Release. The
// HTTP side releases the answer once it is written; whoever calls in process may
// keep it. The plain twin is not to release it: it is then the collector's.
type Releaser interface{ Release() }

// exchange is one request and its answer.
type exchange[Q, A any] struct {
	request  Q
	answer   A
	answered bool      // the answer is written
	text     [128]byte // of a parameter, while it is read
}

// exchanges is the HTTP side of an operation. Its requests use the memory of
// those before them: a busy server has seldom touched new memory lately, and
// waits for it longer than for a short answer. The plain twin is new memory for each.
type exchanges[Q, A any] struct {
	operation Operation[Q, A]
	over      sync.Pool // of *exchange[Q, A], empty
	plain     bool      // new memory for each request, and no Release
}

func newExchanges[Q, A any](o Operation[Q, A]) *exchanges[Q, A] {
	return &exchanges[Q, A]{operation: o, plain: plain.On, over: sync.Pool{New: func() any { return new(exchange[Q, A]) }}}
}

// serve is what description says of it.
func (e *exchanges[Q, A]) serve(ctx context.Context, h handler, w http.ResponseWriter, req *http.Request, strict bool) {
	if e.plain {
		new(exchange[Q, A]).serve(ctx, e.operation, h, w, req, strict)
		return
	}
	x := e.over.Get().(*exchange[Q, A])
	x.serve(ctx, e.operation, h, w, req, strict)
	if answer, ok := any(&x.answer).(Releaser); ok && x.answered {
		answer.Release()
	}
	x.clear()
	e.over.Put(x) // not after a panic: somebody may still hold it then
}

// clear drops the request and the answer, also for the garbage collector.
func (x *exchange[Q, A]) clear() {
	var q Q
	var a A
	x.request, x.answer, x.answered = q, a, false
}

func (x *exchange[Q, A]) serve(ctx context.Context, o Operation[Q, A], h handler, w http.ResponseWriter, req *http.Request, strict bool) {
	err := o.d.request.decode(req, reflect.ValueOf(&x.request).Elem(), strict, x.text[:0])
	if err == nil {
		x.answer, err = o.Call(ctx, h.route, x.request)
	}
	if err != nil {
		h.refuse(w, req, err)
		return
	}
	if stream, ok := any(&x.answer).(*Stream); ok {
		h.writeStream(w, req, *stream)
		return
	}
	h.writeJSON(w, req, &x.answer)
	x.answered = true
}
