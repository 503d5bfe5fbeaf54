package seam

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/sony/gobreaker/v2"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"

	"banyan/platform/fault"
)

// callRemote does an operation in another process.
func callRemote[Q, A any](ctx context.Context, r *Remote, d *description, q Q) (answer A, err error) {
	if trace.SpanFromContext(ctx).IsRecording() {
		var span trace.Span
		ctx, span = otel.Tracer(tracerName).Start(ctx, d.contract.Module+"."+d.id, trace.WithSpanKind(trace.SpanKindClient))
		defer span.End()
	}
	_, waits := ctx.Deadline()
	if !waits && !d.streams && d.request.stream < 0 {
		var cancel context.CancelFunc
		ctx, cancel = withLimit(ctx, r.timeout)
		defer cancel()
	}
	got, err := r.call(ctx, d, reflect.ValueOf(q), waits)
	if err != nil {
		return answer, err
	}
	if stream, ok := any(&answer).(*Stream); ok {
		stream.ContentType = got.stream.Header.Get("Content-Type")
		stream.Write = func(w io.Writer) error { return r.copyStream(ctx, w, got) }
		return answer, nil
	}
	defer giveBuffer(got.text)
	if err := json.Unmarshal(got.text.Bytes(), &answer); err != nil {
		return answer, fault.Wrap(err, fault.Unavailable, "the answer of module "+r.module+" cannot be read: bring both processes to one release")
	}
	return answer, nil
}

// outgoing is a call on its way, the same at every attempt but for the time
// that is left.
type outgoing struct {
	d      *description
	waits  bool          // the caller has set a deadline, which goes along
	sent   time.Duration // what of it was left when it went along last, 0 = none did
	path   string        // escaped
	query  string
	header http.Header
	text   bytes.Reader   // the JSON body, at its start
	body   bool           // there is one
	first  *bytes.Reader  // what the first attempt reads
	upload *watchedReader // the body that is a stream
}

// reply is an answer: its text, or a stream that is still to be read.
type reply struct {
	text     *bytes.Buffer // from takeBuffer
	stream   *http.Response
	endpoint *endpoint // of the stream
}

// call makes the request with everything that crosses the seam and sends it
// until there is an answer or none can be expected. waits tells whether the
// deadline of ctx is its caller's; our own time-out ends the call by hanging
// up, which the other side notices as well.
func (r *Remote) call(ctx context.Context, d *description, q reflect.Value, waits bool) (reply, error) {
	target, body, err := d.request.encode(q)
	if err != nil {
		return reply{}, err
	}
	c := outgoing{d: d, waits: waits}
	c.path, c.query, _ = strings.Cut(target, "?")
	switch source := body.(type) {
	case nil:
	case *bytes.Reader:
		c.text, c.body, c.first = *source, true, source
	default:
		c.upload = &watchedReader{source: source}
	}
	if c.header, err = r.headers(ctx, &c); err != nil {
		return reply{}, err
	}
	r.budget.calls.Add(1)
	answer, used, f := r.attempt(ctx, &c, nil)
	if f != nil {
		answer, f = r.retryFrom(ctx, &c, used, f)
	}
	if f != nil {
		return reply{}, f // with its blame, which the figures of the route need
	}
	return answer, nil
}

// attempt sends the call to one endpoint, another than before if there is one;
// and to the next as long as nothing could be sent.
func (r *Remote) attempt(ctx context.Context, c *outgoing, before *endpoint) (answer reply, used *endpoint, f *failure) {
	set := *r.endpoints.Load()
	var tried, avoided uint64
	if before != nil {
		if i := slices.Index(set, before); i >= 0 {
			avoided = 1 << i
		}
	}
	for {
		i := choose(set, c.d.class(), tried|avoided, r.balance.Random)
		switch {
		case i < 0 && avoided&^tried != 0:
			avoided = 0
			continue
		case i < 0 && f == nil:
			return answer, nil, r.allOpen()
		case i < 0:
			return answer, used, f
		}
		tried |= 1 << i
		got, failed := r.sendTo(ctx, c, set[i], set)
		if failed == nil {
			return got, set[i], nil
		}
		if failed == errRefused {
			continue
		}
		used, f = set[i], failed
		if !f.unsent || ctx.Err() != nil || c.upload != nil && c.upload.begun() {
			return answer, used, f
		}
	}
}

// errRefused says that an endpoint's breaker let nothing through.
var errRefused = &failure{err: gobreaker.ErrOpenState, unsent: true}

// allOpen is the answer when no endpoint may be asked.
func (r *Remote) allOpen() *failure {
	f := fault.Newf(fault.Unavailable, "the module %s has failed too often and is left alone for a moment: try again in a few seconds", r.module)
	f.RetryAfter = r.balance.BreakFor
	return &failure{err: f, blame: blameEndpoint, unsent: true}
}

// sendCounted sends the call and keeps the endpoint's figures.
func (r *Remote) sendCounted(ctx context.Context, c *outgoing, e *endpoint, set []*endpoint) (reply, *failure) {
	start := clock()
	e.inFlight.Add(1)
	answer, f := r.roundTrip(ctx, c, e, start)
	now := clock()
	took := now - start
	if answer.stream == nil {
		e.inFlight.Add(-1)
	}
	if f != nil {
		r.note(ctx, c, e, f, set, took, now)
		return answer, f
	}
	e.calls.observe(ctx, took, nil)
	e.measure(c.d.class(), took, now)
	e.classes[c.d.class()].succeeded()
	return answer, nil
}

// measure keeps a latency for the balancing. How long a stream takes is its
// caller's affair.
func (e *endpoint) measure(of class, took, now time.Duration) {
	if of != classStream {
		e.latency.add(took, now)
	}
}

// note keeps the figures of a failed attempt.
func (r *Remote) note(ctx context.Context, c *outgoing, e *endpoint, f *failure, set []*endpoint, took, now time.Duration) {
	e.calls.observe(ctx, took, f)
	of := c.d.class()
	switch f.blame {
	case blameNobody, blameCaller:
	case blameLoad: // a quick refusal must not make it look like the fastest
		e.measure(of, max(took, failurePenalty), now)
	case blameRequest:
		e.measure(of, took, now)
		e.classes[of].succeeded()
	case blameEndpoint:
		if e.inUse(of, now) {
			e.measure(of, e.latency.penalty(took), now)
		}
		e.failed(f.err)
		if away := r.ejector.failed(e, of, set, now); away > 0 {
			r.log.WarnContext(ctx, "an endpoint gets no calls of a class for a while, because it fails",
				"module", r.module, "endpoint", e.name(), "class", of.String(), "for", away, "error", f.err)
		}
	}
}

// patience bounds one attempt at a read by the remote's time-out, also when the
// caller has more time (to our own HTTP server everybody has): a process that
// hangs is left in time to ask another, and the breaker hears of it. A write may
// take as long as its caller lets it.
func (r *Remote) patience(ctx context.Context, c *outgoing) (context.Context, context.CancelFunc) {
	deadline, set := ctx.Deadline()
	if !set || c.d.kind == KindWrite || c.d.streams || c.upload != nil || time.Until(deadline) <= r.timeout {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, r.timeout)
}

// roundTrip is one request and its answer. It goes to the transport directly:
// redirects and cookies, which http.Client adds, have no place between modules.
func (r *Remote) roundTrip(ctx context.Context, c *outgoing, e *endpoint, start time.Duration) (reply, *failure) {
	attempt, cancel := r.patience(ctx, c)
	defer cancel()
	req := (&http.Request{
		Method: c.d.method, URL: r.address(c, e), Host: e.base.Host, Header: r.sent(c.header),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(attempt)
	switch {
	case c.upload != nil:
		req.Body, req.ContentLength = io.NopCloser(c.upload), -1
	case c.body:
		req.Body, req.ContentLength, req.GetBody = c.open(), c.text.Size(), c.again()
	}
	resp, err := e.transport.RoundTrip(req)
	if err != nil {
		return reply{}, r.transportFailure(ctx, c.upload, err, start, clock())
	}
	if f := r.otherData(resp); f != nil {
		_ = resp.Body.Close()
		return reply{}, f
	}
	if _, ours := resp.Header[headerContract]; resp.StatusCode < 200 || resp.StatusCode > 299 || !ours {
		defer resp.Body.Close()
		return reply{}, r.answerFailure(ctx, c, resp, clock()-start)
	}
	if c.d.streams {
		return reply{stream: resp, endpoint: e}, nil
	}
	defer resp.Body.Close()
	buf := takeBuffer()
	if _, err := buf.ReadFrom(resp.Body); err != nil {
		giveBuffer(buf)
		f := r.transportFailure(ctx, c.upload, err, start, clock())
		if ctx.Err() == nil {
			f.err = fault.Wrap(err, fault.Unavailable, "the answer of module "+r.module+" broke off: try again")
		}
		return reply{}, f
	}
	return reply{text: buf}, nil
}

// open gives the JSON body from its start. net/http knows this pair of types
// and sends header and body in one packet.
func (c *outgoing) open() io.ReadCloser {
	if first := c.first; first != nil {
		c.first = nil
		return io.NopCloser(first)
	}
	text := c.text
	return io.NopCloser(&text)
}

// again is for a kept connection that turns out closed before anything was sent
// on it; the transport then takes another by itself.
func (c *outgoing) again() func() (io.ReadCloser, error) {
	text := c.text
	return func() (io.ReadCloser, error) {
		fresh := text
		return io.NopCloser(&fresh), nil
	}
}
