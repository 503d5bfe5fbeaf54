package client

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sony/gobreaker/v2"

	"banyan/platform/fault"
	"banyan/platform/seam/buffer"
	"banyan/platform/seam/timeout"
)

// Request is one call. The client does not change it.
type Request struct {
	Method string
	Target string // escaped path below the module's, and query
	// Body is nil, or JSON as a *bytes.Reader at its start, which may be sent again,
	// or an upload of the type Media, which may not once it has begun.
	Body    io.Reader
	Media   string
	Write   bool // it changes something, and is sent with an idempotency key
	Streams bool // the answer is a stream

	Idempotent bool   // a write whose module keeps its answer under its key: it is sent once more when the answer is lost
	Key        string // of the write; "" = a new one
	Epoch      int64  // of the ownership under which the write is sent; 0 = not known
	Once       bool   // nobody waits for the answer: it is not worth a second attempt
}

// outgoing is a call on its way, the same at every attempt but for the time
// that is left.
type outgoing struct {
	Request
	class  class
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

// Do sends the request with everything that crosses the seam until there is an
// answer or none can be expected. Without a deadline in ctx, and without streams,
// it takes no longer than Options.Timeout: that ends the call by hanging up, which
// the other side notices as well. Its error has the code of the other side, or
// fault.Unavailable, and is an analysis.Ender.
func (r *Client) Do(ctx context.Context, q *Request) (Answer, error) {
	c := outgoing{Request: *q}
	_, c.waits = ctx.Deadline()
	c.path, c.query, _ = strings.Cut(q.Target, "?")
	switch source := q.Body.(type) {
	case nil:
	case *bytes.Reader:
		c.text, c.body, c.first = *source, true, source
	default:
		c.upload = &watchedReader{source: source}
	}
	switch {
	case c.upload != nil || q.Streams:
		c.class = classStream
	case q.Write:
		c.class = classWrite
	}
	if !c.waits && c.class != classStream {
		var cancel context.CancelFunc
		ctx, cancel = timeout.WithOwn(ctx, r.timeout)
		defer cancel()
	}
	var err error
	if c.header, err = r.headers(ctx, &c); err != nil {
		return Answer{}, err
	}
	r.budget.calls.Add(1)
	answer, used, f := r.attempt(ctx, &c, nil)
	if f != nil {
		answer, f = r.retryFrom(ctx, &c, used, f)
	}
	if f != nil {
		return Answer{}, f // with its blame, which the figures of the route need
	}
	return answer, nil
}

// attempt sends the call to one endpoint, another than before if there is one;
// and to the next as long as nothing could be sent.
func (r *Client) attempt(ctx context.Context, c *outgoing, before *endpoint) (answer Answer, used *endpoint, f *failure) {
	set := *r.endpoints.Load()
	var tried, avoided uint64
	if before != nil {
		if i := slices.Index(set, before); i >= 0 {
			avoided = 1 << i
		}
	}
	for {
		i := choose(set, c.class, tried|avoided, r.balance.Random)
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
func (r *Client) allOpen() *failure {
	f := fault.Newf(fault.Unavailable, "the module %s has failed too often, so that no calls are sent to it for a moment: try again in a few seconds", r.module)
	f.RetryAfter = r.balance.BreakFor
	return &failure{err: f, blame: blameEndpoint, unsent: true}
}

// sendCounted sends the call and keeps the endpoint's figures.
func (r *Client) sendCounted(ctx context.Context, c *outgoing, e *endpoint, set []*endpoint) (Answer, *failure) {
	start := timeout.Clock()
	e.inFlight.Add(1)
	answer, f := r.roundTrip(ctx, c, e, start)
	now := timeout.Clock()
	took := now - start
	if answer.stream == nil {
		e.inFlight.Add(-1)
	}
	if f != nil {
		r.note(ctx, c, e, f, set, took, now)
		return answer, f
	}
	e.calls.Observe(ctx, took, nil)
	e.measure(c.class, took, now)
	e.classes[c.class].succeeded()
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
func (r *Client) note(ctx context.Context, c *outgoing, e *endpoint, f *failure, set []*endpoint, took, now time.Duration) {
	e.calls.Observe(ctx, took, f)
	of := c.class
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

// bounded limits one attempt at a read by the remote's time-out, also when the
// caller has more time (to our own HTTP server everybody has): a process that
// hangs is left in time to ask another, and the breaker counts it. A write may
// take as long as its caller lets it.
func (r *Client) bounded(ctx context.Context, c *outgoing) (context.Context, context.CancelFunc) {
	deadline, set := ctx.Deadline()
	if !set || c.Write || c.Streams || c.upload != nil || time.Until(deadline) <= r.timeout {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, r.timeout)
}

// roundTrip is one request and its answer. It goes to the transport directly:
// redirects and cookies, which http.Client adds, have no place between modules.
func (r *Client) roundTrip(ctx context.Context, c *outgoing, e *endpoint, start time.Duration) (Answer, *failure) {
	attempt, cancel := r.bounded(ctx, c)
	defer cancel()
	req := (&http.Request{
		Method: c.Method, URL: r.address(c, e), Host: e.base.Host, Header: r.sent(c.header),
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
		return Answer{}, r.transportFailure(ctx, c.upload, err, start, timeout.Clock())
	}
	if f := r.otherData(resp); f != nil {
		_ = resp.Body.Close()
		return Answer{}, f
	}
	if _, ours := resp.Header[HeaderContract]; resp.StatusCode < 200 || resp.StatusCode > 299 || !ours {
		defer resp.Body.Close()
		return Answer{}, r.answerFailure(ctx, c, resp, timeout.Clock()-start)
	}
	if c.Streams {
		return Answer{client: r, stream: resp, endpoint: e}, nil
	}
	defer resp.Body.Close()
	buf := buffer.Get()
	if _, err := buf.ReadFrom(resp.Body); err != nil {
		buffer.Put(buf)
		f := r.transportFailure(ctx, c.upload, err, start, timeout.Clock())
		if ctx.Err() == nil {
			f.err = fault.Wrap(err, fault.Unavailable, "the answer of module "+r.module+" broke off: try again")
		}
		return Answer{}, f
	}
	return Answer{text: buf}, nil
}

// open returns the JSON body from its start. net/http recognises this pair of types
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
