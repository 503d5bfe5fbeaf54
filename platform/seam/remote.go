package seam

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/telemetry"
)

// Tokens signs who a call is made for, so that the other process can tell.
// identity's issuers implement it; it is asked on every call and must be cheap.
type Tokens interface {
	Token(caller identity.Caller, audience string) (string, error)
}

// Remote is a module in other processes.
type Remote struct {
	module    string
	bases     []*url.URL
	path      string // of the module below a base
	endpoints atomic.Pointer[[]*endpoint]
	ejector   ejector
	budget    *budget
	tokens    Tokens
	timeout   time.Duration
	version   []string // of the contract, as a header's value
	balance   BalanceOptions
	pattern   *http.Transport
	trust     *tls.Config
	log       *slog.Logger

	stop      context.CancelFunc // of the looking-up
	following sync.WaitGroup
}

// RemoteOptions say how to reach a module. Zero values are the defaults.
type RemoteOptions struct {
	// URLs are http(s)://host:port without a path, one or more. A name that has
	// several addresses stands for as many endpoints.
	URLs      []string
	Tokens    Tokens          // nil: every call is anonymous
	Timeout   time.Duration   // of a call without streams whose caller set no deadline; 10 s
	TLS       *tls.Config     // the authorities to trust and the certificate to show
	Transport *http.Transport // that the endpoints' own are copies of; NewTransport
	Resolver  Resolver        // net.DefaultResolver
	Resolve   time.Duration   // how often names are looked up; 5 s
	Balance   BalanceOptions
	Log       *slog.Logger // endpoints that come, go, break and recover; nil = silent
}

const defaultCallTimeout = 10 * time.Second

// NewTransport is an HTTP/1.1 transport for calls between processes: many kept
// connections per host (the default of two halves the throughput), no
// compression inside a data centre, and no proxy from the environment.
func NewTransport() *http.Transport {
	return &http.Transport{
		DialContext:           (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext,
		MaxIdleConns:          512,
		MaxIdleConnsPerHost:   128,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   5 * time.Second,
		ExpectContinueTimeout: time.Second,
		DisableCompression:    true,
		WriteBufferSize:       16 << 10,
		ReadBufferSize:        16 << 10,
	}
}

// NewRemote makes the far end of a route. Whoever makes it closes it. Fails with
// fault.Invalid when there is no URL or one is none.
func NewRemote(c *Contract, o RemoteOptions) (*Remote, error) {
	r := &Remote{
		module: c.Module, path: basePath(c.Module), tokens: o.Tokens, timeout: o.Timeout, version: c.version,
		balance: o.Balance.withDefaults(), pattern: o.Transport, trust: o.TLS, log: o.Log,
	}
	if r.pattern == nil {
		r.pattern = NewTransport()
	}
	if r.timeout <= 0 {
		r.timeout = defaultCallTimeout
	}
	r.balance.BreakWindow = max(r.balance.BreakWindow, 3*r.timeout)
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	r.ejector.options, r.budget = r.balance, newBudget(r.balance, clock())
	var set []*endpoint
	names := false
	for _, text := range o.URLs {
		base, err := url.Parse(text)
		if err != nil || (base.Scheme != "http" && base.Scheme != "https") || base.Hostname() == "" || strings.Trim(base.Path, "/") != "" {
			return nil, fault.Newf(fault.Invalid, "the url of module %s must be http://host:port or https://host:port without a path, not %q", c.Module, text)
		}
		if slices.ContainsFunc(r.bases, func(other *url.URL) bool { return other.Scheme == base.Scheme && other.Host == base.Host }) {
			continue
		}
		r.bases = append(r.bases, base)
		set = append(set, r.newEndpoint(base, ""))
		names = names || isLookedUp(base)
	}
	if len(set) == 0 || len(set) > endpointsMost {
		return nil, fault.Newf(fault.Invalid, "the module %s needs 1 to %d urls to be reached at, not %d", c.Module, endpointsMost, len(set))
	}
	r.endpoints.Store(&set)
	if names {
		r.follow(o)
	} else {
		r.stop = func() {}
	}
	return r, nil
}

// follow starts the goroutine that Close ends.
func (r *Remote) follow(o RemoteOptions) {
	if o.Resolver == nil {
		o.Resolver = net.DefaultResolver
	}
	if o.Resolve <= 0 {
		o.Resolve = defaultResolve
	}
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	r.following.Go(func() { r.followNames(ctx, o.Resolver, o.Resolve) })
}

func (r *Remote) newEndpoint(base *url.URL, address string) *endpoint {
	return newEndpoint(r.module, base, address, r.pattern, r.trust, r.balance, r.log)
}

// Close ends the looking-up of names and waits for that, and gives up the kept
// connections. Calls under way go on.
func (r *Remote) Close() {
	r.stop()
	r.following.Wait()
	for _, e := range *r.endpoints.Load() {
		e.retire()
	}
}

// URL is where the module is reached; several are joined by ", ".
func (r *Remote) URL() string {
	urls := make([]string, len(r.bases))
	for i, base := range r.bases {
		urls[i] = base.Scheme + "://" + base.Host
	}
	return strings.Join(urls, ", ")
}

// Endpoints tells how the endpoints are.
func (r *Remote) Endpoints() []EndpointStatus {
	set := *r.endpoints.Load()
	list := make([]EndpointStatus, len(set))
	for i, e := range set {
		list[i] = e.status()
	}
	return list
}

// callRemote does an operation in another process.
func callRemote[Q, A any](ctx context.Context, r *Remote, d *description, q Q) (answer A, err error) {
	if trace.SpanFromContext(ctx).IsRecording() {
		var span trace.Span
		ctx, span = otel.Tracer(tracerName).Start(ctx, d.contract.Module+"."+d.id, trace.WithSpanKind(trace.SpanKindClient))
		defer span.End()
	}
	if _, set := ctx.Deadline(); !set && !d.streams && d.request.stream < 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, r.timeout)
		defer cancel()
	}
	got, err := r.call(ctx, d, reflect.ValueOf(q))
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
	path   string // escaped
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
// until there is an answer or none can be expected.
func (r *Remote) call(ctx context.Context, d *description, q reflect.Value) (reply, error) {
	target, body, err := d.request.encode(q)
	if err != nil {
		return reply{}, err
	}
	c := outgoing{d: d}
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
	if f == nil {
		return answer, nil
	}
	return r.retryFrom(ctx, &c, used, f)
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
		i := choose(set, tried|avoided, r.balance.Random)
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
	return &failure{err: f, unsent: true}
}

// sendTo sends the call through the endpoint's breaker and keeps its figures.
func (r *Remote) sendTo(ctx context.Context, c *outgoing, e *endpoint, set []*endpoint) (reply, *failure) {
	answer, err := e.breaker.Execute(func() (reply, error) {
		start := clock()
		e.inFlight.Add(1)
		answer, f := r.roundTrip(ctx, c, e, start)
		now := clock()
		took := now - start
		if answer.stream == nil {
			e.inFlight.Add(-1)
		}
		if f == nil {
			e.calls.observe(took, nil)
			e.latency.add(took, now)
			e.succeeded()
			return answer, nil
		}
		r.note(ctx, e, f, set, took, now)
		return answer, f
	})
	if err == nil {
		return answer, nil
	}
	if f, ok := err.(*failure); ok { //nolint:errorlint // it is this very value
		return reply{}, f
	}
	return reply{}, errRefused
}

// note keeps the figures of a failed attempt.
func (r *Remote) note(ctx context.Context, e *endpoint, f *failure, set []*endpoint, took, now time.Duration) {
	e.calls.observe(took, f.err)
	switch f.blame {
	case blameNobody:
	case blameCaller:
		e.latency.add(took, now)
		e.succeeded()
	case blameEndpoint:
		if e.inUse(now) {
			e.latency.add(e.latency.penalty(took), now)
		}
		e.failed(f.err)
		if away := r.ejector.failed(e, set, now); away > 0 {
			r.log.WarnContext(ctx, "an endpoint gets no calls for a while, because it fails",
				"module", r.module, "endpoint", e.name(), "for", away, "error", f.err)
		}
	}
}

// roundTrip is one request and its answer. It goes to the transport directly:
// redirects and cookies, which http.Client adds, have no place between modules.
func (r *Remote) roundTrip(ctx context.Context, c *outgoing, e *endpoint, start time.Duration) (reply, *failure) {
	req := (&http.Request{
		Method: c.d.method, URL: r.address(c, e), Host: e.base.Host, Header: c.header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	switch {
	case c.upload != nil:
		req.Body, req.ContentLength = io.NopCloser(c.upload), -1
	case c.body:
		req.Body, req.ContentLength, req.GetBody = c.open(), c.text.Size(), c.again()
	}
	resp, err := e.transport.RoundTrip(req)
	if err != nil {
		return reply{}, r.transportFailure(ctx, c.upload, err, clock()-start)
	}
	_, ours := resp.Header[headerContract]
	if resp.StatusCode < 200 || resp.StatusCode > 299 || !ours {
		defer resp.Body.Close()
		return reply{}, answerFailure(r.answerFault(resp, ours), resp, clock()-start)
	}
	if c.d.streams {
		return reply{stream: resp, endpoint: e}, nil
	}
	defer resp.Body.Close()
	buf := takeBuffer()
	if _, err := buf.ReadFrom(resp.Body); err != nil {
		giveBuffer(buf)
		f := r.transportFailure(ctx, nil, err, clock()-start)
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

// address is the URL of an operation at an endpoint.
func (r *Remote) address(c *outgoing, e *endpoint) *url.URL {
	u := &url.URL{Scheme: e.base.Scheme, Host: e.base.Host, Path: r.path + c.path, RawQuery: c.query}
	if strings.Contains(c.path, "%") {
		u.RawPath = u.Path
		u.Path, _ = url.PathUnescape(u.RawPath) // it was escaped by the codec
	}
	return u
}

var jsonHeader = []string{mediaJSON}

// headers are written into the map directly: their names are canonical, and
// http.Header.Set would look that up on every call.
func (r *Remote) headers(ctx context.Context, c *outgoing) (http.Header, error) {
	h := make(http.Header, 8)
	h[headerContract] = r.version
	h["User-Agent"] = nil // not sent
	values := make([]string, 0, 6)
	one := func(value string) []string {
		values = append(values, value)
		return values[len(values)-1 : len(values) : len(values)]
	}
	if c.upload != nil {
		media, _, _ := strings.Cut(c.d.request.media, ",")
		h["Content-Type"] = one(media)
	} else if c.body {
		h["Content-Type"] = jsonHeader
	}
	if deadline, set := ctx.Deadline(); set {
		h[headerDeadline] = one(millisecondsLeft(deadline))
	}
	if c.d.kind == KindWrite {
		key := IdempotencyKey(ctx)
		if key == "" {
			key = newKey(time.Now())
		}
		// In lower case, because net/http takes the canonical name as leave to
		// send a write again by itself; whether to is decided in retry.go.
		h[sentIdempotency] = one(key)
		if epoch := RouteEpoch(ctx); epoch != 0 {
			h[headerEpoch] = one(strconv.FormatInt(epoch, 10))
		}
	}
	if r.tokens != nil {
		token, err := r.tokens.Token(identity.From(ctx), r.module)
		if err != nil {
			return nil, fmt.Errorf("sign the caller for %s: %w", r.module, err)
		}
		h["Authorization"] = one("Bearer " + token)
	}
	if id := telemetry.RequestID(ctx); id != "" {
		h[headerRequestID] = one(id)
	}
	if trace.SpanContextFromContext(ctx).IsValid() {
		otel.GetTextMapPropagator().Inject(ctx, propagation.HeaderCarrier(h))
	}
	return h, nil
}

// newKey is a key that nobody else has. Keys follow time, which keeps those that
// are stored in a row side by side in the index (platform/once).
func newKey(now time.Time) string {
	const most = 18 // of 5 bits each, beside the time
	return strconv.FormatInt(now.UnixMilli(), 36) + rand.Text()[:most]
}

// sentIdempotency is headerIdempotency in lower case; see headers.
const sentIdempotency = "idempotency-key"

// transportFailure says why there was no answer: the caller's time, the
// caller's own upload, or the other side.
func (r *Remote) transportFailure(ctx context.Context, upload *watchedReader, err error, took time.Duration) *failure {
	if ctx.Err() != nil {
		f := &failure{err: fault.From(ctx.Err())}
		if errors.Is(ctx.Err(), context.DeadlineExceeded) && took >= leastPatience {
			f.blame = blameEndpoint
		}
		return f
	}
	if upload != nil {
		if cause := upload.failed(); cause != nil {
			return &failure{err: cause}
		}
	}
	var known *fault.Fault
	if errors.As(err, &known) {
		return &failure{err: err}
	}
	var never dialError
	return &failure{
		err:   fault.Wrap(err, fault.Unavailable, "the module "+r.module+" cannot be reached at the moment: try again in a minute"),
		blame: blameEndpoint, unsent: errors.As(err, &never), again: true,
	}
}

// answerFault reads the error of the other side. An answer that does not say
// which contract it speaks is not the module's own, and what it says is about
// the way there: it is no fault of the person calling.
func (r *Remote) answerFault(resp *http.Response, ours bool) error {
	err := fault.ReadProblem(resp)
	if ours {
		return err
	}
	message := "what answers at the address of the module " + r.module + " is not that module: check the url, and that it serves this module in a release of today"
	if resp.StatusCode == http.StatusUnauthorized {
		message = "the module " + r.module + " does not trust this process: check identity.trunk_url there, and the clocks"
	}
	f := fault.Wrap(err, fault.Unavailable, message)
	f.RetryAfter = fault.From(err).RetryAfter
	return f
}

// copyStream passes an answer on as it comes and looks at its trailer.
func (r *Remote) copyStream(ctx context.Context, w io.Writer, from reply) error {
	resp := from.stream
	defer func() {
		_ = resp.Body.Close()
		from.endpoint.inFlight.Add(-1)
	}()
	if _, err := io.Copy(w, resp.Body); err != nil {
		if ctx.Err() != nil {
			return fault.From(ctx.Err())
		}
		return fault.Wrap(err, fault.Unavailable, "the answer of module "+r.module+" broke off: try again")
	}
	if text := resp.Trailer.Get(trailerProblem); text != "" {
		var p fault.Problem
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			return fault.Wrap(err, fault.Unavailable, "the answer of module "+r.module+" ended with an error that cannot be read")
		}
		return fault.New(p.Code, p.Detail).With(p.Fields...)
	}
	return nil
}
