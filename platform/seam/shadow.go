package seam

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"go.opentelemetry.io/otel/trace"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/periodic"
	"banyan/platform/requestctx"
	"banyan/platform/seam/analysis"
	"banyan/platform/seam/diff"
	"banyan/platform/seam/timeout"
)

// ShadowOptions bound what shadowing costs; zero values stand for the defaults.
type ShadowOptions struct {
	Workers int           // reads asked of the remote at one time; 4
	Queue   int           // sampled reads that wait for a worker; further ones are dropped; 256
	Timeout time.Duration // of one question to a side; 2 s
	Again   time.Duration // from a difference to asking both once more; 100 ms
}

func (o ShadowOptions) withDefaults() ShadowOptions {
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

// shadow hands a read that was answered here to the workers, or drops it when
// they are behind. It never waits, and nothing that goes wrong in it reaches
// the caller.
func (o Operation[Q, A]) shadow(ctx context.Context, r *Route, s *state, q Q, answer A, err error) {
	m := &r.meters[o.d.index].Shadow
	if len(r.queue) == cap(r.queue) || ctx.Err() != nil || busy(err) { // before anything is copied
		m.Dropped.Add(1)
		return
	}
	defer func() {
		if recover() != nil { // a value that cannot be copied is none to compare
			m.Dropped.Add(1)
		}
	}()
	call := &comparedRead[Q, A]{
		o: o, state: s, request: diff.Copy(q, o.d.copyRequest), here: outcome[A]{diff.Copy(answer, o.d.copyAnswer), err},
		caller: identity.From(ctx), requestID: requestctx.ID(ctx), span: trace.SpanContextFromContext(ctx),
	}
	select {
	case r.queue <- call:
	default:
		m.Dropped.Add(1)
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
					r.meters[call.operation().index].Shadow.Dropped.Add(1)
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
			failedToAnswer(&r.meters[call.operation().index].Shadow, fmt.Errorf("asking this process again for a comparison panicked: %v", p))
		}
	}()
	call.compare(ctx, r)
}

func (c *comparedRead[Q, A]) operation() *description { return c.o.d }

// compare asks the remote what was answered here. A difference is looked at
// twice: data that changed between the two answers is none.
func (c *comparedRead[Q, A]) compare(ctx context.Context, r *Route) {
	m := &r.meters[c.o.d.index].Shadow
	if !c.current(r) {
		m.Dropped.Add(1)
		return
	}
	ctx = c.detached(ctx)
	there := c.askThere(ctx, r)
	fields, failed := c.difference(c.here, there)
	persistent := false
	if len(fields) > 0 && periodic.Sleep(ctx, r.options.Shadow.Again) == nil {
		here, again := c.askHere(ctx, r), c.askThere(ctx, r)
		var still []diff.Field
		still, failed = c.difference(here, again)
		if persistent = len(still) > 0; persistent || failed || busy(here.err) || busy(again.err) {
			fields, c.here, there = still, here, again
		}
	}
	switch {
	case ctx.Err() != nil || !c.current(r) || busy(c.here.err) || busy(there.err):
		// the end, another remote, or no room on one side: this says nothing about it
		m.Dropped.Add(1)
	case failed:
		failedToAnswer(m, there.err)
	case len(fields) == 0 && there.err != nil:
		m.Errors.Add(1)
	case len(fields) == 0:
		m.Matched.Add(1)
	default:
		r.found[c.o.d.index].Add(c.describe(r, there, fields, persistent))
		if persistent {
			m.Persistent.Add(1)
		} else {
			m.Transient.Add(1)
		}
	}
}

// current reports whether the route still shadows the remote that it did when the
// call was sampled.
func (c *comparedRead[Q, A]) current(r *Route) bool {
	s := r.state.Load()
	return s.plan.Mode == ModeShadow && s.remote == c.state.remote
}

// detached is a context with the caller's identity, request id and trace, and
// the time of the route's own life.
func (c *comparedRead[Q, A]) detached(ctx context.Context) context.Context {
	ctx = context.WithValue(ctx, inShadow{}, true)
	ctx = identity.With(ctx, c.callerShown())
	if c.requestID != "" {
		ctx = requestctx.WithID(ctx, c.requestID)
	}
	if c.span.IsValid() {
		ctx = trace.ContextWithRemoteSpanContext(ctx, c.span)
	}
	return ctx
}

// callerShown returns the caller as the remote gets to know them: a process that is
// only compared needs nobody's role for what everybody may ask.
func (c *comparedRead[Q, A]) callerShown() identity.Caller {
	caller := c.caller
	if c.o.d.access == Public {
		caller.Role = identity.Anonymous
	}
	return caller
}

type inShadow struct{}

// shadowed reports whether a call is made for a comparison only: nobody waits for
// it, so it is not worth a second attempt.
func shadowed(ctx context.Context) bool {
	is, _ := ctx.Value(inShadow{}).(bool)
	return is
}

// busy reports whether a side had no room to answer, which is not an answer to compare.
func busy(err error) bool { return analysis.EndingOf(context.Background(), err) == analysis.Busy }

func (c *comparedRead[Q, A]) askThere(ctx context.Context, r *Route) (there outcome[A]) {
	ctx, cancel := timeout.WithOwn(ctx, r.options.Shadow.Timeout)
	defer cancel()
	start := timeout.Clock()
	there.answer, there.err = callRemote[Q, A](ctx, c.state.remote, c.o.d, c.request)
	r.meters[c.o.d.index].Shadow.Asked.Observe(ctx, timeout.Clock()-start, there.err)
	return there
}

func (c *comparedRead[Q, A]) askHere(ctx context.Context, r *Route) (here outcome[A]) {
	ctx, cancel := timeout.WithOwn(ctx, r.options.Shadow.Timeout)
	defer cancel()
	here.answer, here.err = c.o.callLocal(ctx, r, c.request)
	return here
}

// difference compares two outcomes. Errors are equal when their codes are, and
// the kind of thing that is not found, where both say it: the words may name a
// moment. A remote that could not answer at all has failed,
// which is another thing than answering differently.
func (c *comparedRead[Q, A]) difference(here, there outcome[A]) (fields []diff.Field, failed bool) {
	hereCode, thereCode := fault.CodeOf(here.err), fault.CodeOf(there.err)
	switch {
	case hereCode != thereCode && fallsBack(there.err):
		return nil, true
	case hereCode != thereCode:
		return []diff.Field{{Path: "error", Local: orAnswer(hereCode), Remote: orAnswer(thereCode)}}, false
	case here.err != nil:
		hereMissing, thereMissing := fault.From(here.err).Missing, fault.From(there.err).Missing
		if hereMissing != "" && thereMissing != "" && hereMissing != thereMissing {
			return []diff.Field{{Path: "error.missing", Local: hereMissing, Remote: thereMissing}}, false
		}
		return nil, false
	}
	return diff.Compare(c.o.d.rules, reflect.ValueOf(&here.answer).Elem(), reflect.ValueOf(&there.answer).Elem()), false
}

func orAnswer(code fault.Code) string {
	if code == "" {
		return "an answer"
	}
	return string(code)
}

// describe makes the difference that people look at.
func (c *comparedRead[Q, A]) describe(r *Route, there outcome[A], fields []diff.Field, persistent bool) diff.Difference {
	return diff.Difference{
		At: r.options.Clock().UTC(), Persistent: persistent, RequestID: c.requestID, Fields: fields,
		Request: diff.Shown(c.o.d.request.named(reflect.ValueOf(c.request))), Local: c.here.shown(), Remote: there.shown(),
	}
}

// failedToAnswer counts a question that the remote could not answer, and keeps why.
func failedToAnswer(m *analysis.ShadowMeter, err error) {
	m.Failed.Add(1)
	text := diff.Cut(err.Error(), diff.MaxValue)
	m.LastFailure.Store(&text)
}

func (o outcome[A]) shown() json.RawMessage {
	if o.err != nil {
		f := fault.From(o.err)
		what := map[string]any{"error": f.Code, "message": f.Message}
		if f.Missing != "" {
			what["missing"] = f.Missing
		}
		return diff.Shown(what)
	}
	return diff.Shown(&o.answer)
}

// shown returns the fields of a request for the record.
func (c *requestCodec) shown(q any) string {
	return string(diff.Shown(c.named(reflect.ValueOf(q))))
}

// named returns the fields of a request by the names that they have in the path,
// the query and the body.
func (c *requestCodec) named(q reflect.Value) map[string]any {
	fields := make(map[string]any)
	if c.hasBody {
		if body, err := diff.Tree(q.Interface()); err == nil {
			fields, _ = body.(map[string]any)
		}
	}
	for _, params := range [][]param{c.path, c.query} {
		for _, p := range params {
			if v := q.Field(p.index); !v.IsZero() {
				fields[p.name] = v.Interface()
			}
		}
	}
	return fields
}
