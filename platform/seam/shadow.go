package seam

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"go.opentelemetry.io/otel/trace"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/periodic"
	"banyan/platform/requestctx"
)

// ShadowOptions bound what shadowing costs; zero values stand for the defaults.
type ShadowOptions struct {
	Workers int           // reads asked of the remote at one time; 4
	Queue   int           // sampled reads that wait for a worker; further ones are dropped; 256
	Timeout time.Duration // of one question behind the caller's back; 2 s
	Again   time.Duration // from a difference to asking both once more; 100 ms
}

func (o ShadowOptions) orDefaults() ShadowOptions {
	if o.Workers <= 0 {
		o.Workers = 4
	}
	if o.Queue <= 0 {
		o.Queue = 256
	}
	if o.Timeout <= 0 {
		o.Timeout = 2 * time.Second
	}
	if o.Again <= 0 {
		o.Again = 100 * time.Millisecond
	}
	return o
}

// shadowedCall is a read that was answered here and is to be compared.
type shadowedCall interface {
	operation() *description
	compare(ctx context.Context, r *Route)
}

// comparedRead is a shadowedCall of one operation. It holds nothing of the caller's
// context but values: the context is over when the caller has its answer, and
// what hangs on it (the router's memory of the request, for one) is used again.
type comparedRead[Q, A any] struct {
	o         Operation[Q, A]
	state     *state
	request   Q // copies, so that the caller may do with its own what it likes
	here      outcome[A]
	caller    identity.Caller
	requestID string
	span      trace.SpanContext
}

// outcome is what came of asking one side.
type outcome[A any] struct {
	answer A
	err    error
}

// shadow gives a read that was answered here to the workers, or drops it when
// they are behind. It never waits, and nothing that goes wrong in it reaches
// the caller.
func (o Operation[Q, A]) shadow(ctx context.Context, r *Route, s *state, q Q, answer A, err error) {
	m := &r.meters[o.d.index].shadow
	if len(r.queue) == cap(r.queue) || ctx.Err() != nil || busy(err) { // before anything is copied
		m.dropped.Add(1)
		return
	}
	defer func() {
		if recover() != nil { // a value that cannot be copied is none to compare
			m.dropped.Add(1)
		}
	}()
	call := &comparedRead[Q, A]{
		o: o, state: s, request: copied(q, o.d.copyRequest), here: outcome[A]{copied(answer, o.d.copyAnswer), err},
		caller: identity.From(ctx), requestID: requestctx.ID(ctx), span: trace.SpanContextFromContext(ctx),
	}
	select {
	case r.queue <- call:
	default:
		m.dropped.Add(1)
	}
}

// compareShadowed is one worker. What is left in the queue at the end counts as
// dropped.
func (r *Route) compareShadowed(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			for {
				select {
				case call := <-r.queue:
					r.meters[call.operation().index].shadow.dropped.Add(1)
				default:
					return
				}
			}
		case call := <-r.queue:
			r.compareOne(ctx, call)
		}
	}
}

// compareOne keeps a panic of the module, which is asked again here, from
// ending the process: no caller is waiting who could have caught it.
func (r *Route) compareOne(ctx context.Context, call shadowedCall) {
	defer func() {
		if p := recover(); p != nil {
			r.meters[call.operation().index].shadow.fail(fmt.Errorf("asking again behind a caller's back panicked: %v", p))
		}
	}()
	call.compare(ctx, r)
}

func (c *comparedRead[Q, A]) operation() *description { return c.o.d }

// compare asks the remote what was answered here. A difference is looked at
// twice: data that changed between the two answers is none.
func (c *comparedRead[Q, A]) compare(ctx context.Context, r *Route) {
	m := &r.meters[c.o.d.index].shadow
	if !c.current(r) {
		m.dropped.Add(1)
		return
	}
	ctx = c.detached(ctx)
	there := c.askThere(ctx, r)
	fields, failed := c.difference(c.here, there)
	lasting := false
	if len(fields) > 0 && periodic.Sleep(ctx, r.options.Shadow.Again) == nil {
		here, again := c.askHere(ctx, r), c.askThere(ctx, r)
		var still []FieldDifference
		still, failed = c.difference(here, again)
		if lasting = len(still) > 0; lasting || failed || busy(here.err) || busy(again.err) {
			fields, c.here, there = still, here, again
		}
	}
	switch {
	case ctx.Err() != nil || !c.current(r) || busy(c.here.err) || busy(there.err):
		// the end, another remote, or no room on one side: this says nothing about it
		m.dropped.Add(1)
	case failed:
		m.fail(there.err)
	case len(fields) == 0 && there.err != nil:
		m.errors.Add(1)
	case len(fields) == 0:
		m.matched.Add(1)
	default:
		r.found[c.o.d.index].add(c.describe(r, there, fields, lasting))
		if lasting {
			m.lasting.Add(1)
		} else {
			m.passing.Add(1)
		}
	}
}

// current tells whether the route still shadows the remote that it did when the
// call was sampled.
func (c *comparedRead[Q, A]) current(r *Route) bool {
	s := r.state.Load()
	return s.plan.Mode == ModeShadow && s.remote == c.state.remote
}

// detached is a context with the caller's identity, request id and trace, and
// the time of the route's own life.
func (c *comparedRead[Q, A]) detached(ctx context.Context) context.Context {
	ctx = context.WithValue(ctx, inShadow{}, true)
	ctx = identity.With(ctx, c.caller)
	if c.requestID != "" {
		ctx = requestctx.WithID(ctx, c.requestID)
	}
	if c.span.IsValid() {
		ctx = trace.ContextWithRemoteSpanContext(ctx, c.span)
	}
	return ctx
}

type inShadow struct{}

// shadowed tells whether a call is made behind a caller's back: nobody waits
// for it, so it is not worth a second try.
func shadowed(ctx context.Context) bool {
	is, _ := ctx.Value(inShadow{}).(bool)
	return is
}

// busy tells whether a side had no room to answer, which is no answer to compare.
func busy(err error) bool { return endingOf(context.Background(), err) == endedBusy }

func (c *comparedRead[Q, A]) askThere(ctx context.Context, r *Route) (there outcome[A]) {
	ctx, cancel := withLimit(ctx, r.options.Shadow.Timeout)
	defer cancel()
	start := clock()
	there.answer, there.err = callRemote[Q, A](ctx, c.state.remote, c.o.d, c.request)
	r.meters[c.o.d.index].shadow.asked.observe(ctx, clock()-start, there.err)
	return there
}

func (c *comparedRead[Q, A]) askHere(ctx context.Context, r *Route) (here outcome[A]) {
	ctx, cancel := withLimit(ctx, r.options.Shadow.Timeout)
	defer cancel()
	here.answer, here.err = c.o.callLocal(ctx, r.local, c.request)
	return here
}

// difference compares two outcomes. Errors are equal when their codes are, and
// the kind of thing that is not found, where both say it: the words may name a
// moment. A remote that could not answer at all has failed,
// which is another thing than answering differently.
func (c *comparedRead[Q, A]) difference(here, there outcome[A]) (fields []FieldDifference, failed bool) {
	hereCode, thereCode := fault.CodeOf(here.err), fault.CodeOf(there.err)
	switch {
	case hereCode != thereCode && fallsBack(there.err):
		return nil, true
	case hereCode != thereCode:
		return []FieldDifference{{Path: "error", Local: orAnswer(hereCode), Remote: orAnswer(thereCode)}}, false
	case here.err != nil:
		hereMissing, thereMissing := fault.From(here.err).Missing, fault.From(there.err).Missing
		if hereMissing != "" && thereMissing != "" && hereMissing != thereMissing {
			return []FieldDifference{{Path: "error.missing", Local: hereMissing, Remote: thereMissing}}, false
		}
		return nil, false
	}
	return compareAnswers(c.o.d, reflect.ValueOf(&here.answer).Elem(), reflect.ValueOf(&there.answer).Elem()), false
}

func orAnswer(code fault.Code) string {
	if code == "" {
		return "an answer"
	}
	return string(code)
}

// describe makes the difference that people look at.
func (c *comparedRead[Q, A]) describe(r *Route, there outcome[A], fields []FieldDifference, lasting bool) Difference {
	return Difference{
		At: r.options.Clock().UTC(), Lasting: lasting, RequestID: c.requestID, Fields: fields,
		Request: shown(c.o.d.request.named(reflect.ValueOf(c.request))), Local: c.here.shown(), Remote: there.shown(),
	}
}
