package seam

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
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

// Remote is a module in another process.
type Remote struct {
	module    string
	base      *url.URL
	path      string // of the module below base
	transport *http.Transport
	tokens    Tokens
	timeout   time.Duration
	version   []string // of the contract, as a header's value
}

// RemoteOptions say how to reach a module.
type RemoteOptions struct {
	URL       string        // http(s)://host:port of the process, without a path
	Tokens    Tokens        // nil: every call is anonymous
	Timeout   time.Duration // of a call without streams whose caller set no deadline; 0 = 10 s
	Transport *http.Transport
}

const defaultCallTimeout = 10 * time.Second

// NewTransport is an HTTP/1.1 transport for calls between processes: many kept
// connections per host (the default of two halves the throughput), no
// compression inside a data centre, and no proxy from the environment.
func NewTransport() *http.Transport {
	return &http.Transport{
		DialContext:           (&net.Dialer{Timeout: 2 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
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

// NewRemote makes the far end of a route. Fails with fault.Invalid when the URL
// is none.
func NewRemote(c *Contract, o RemoteOptions) (*Remote, error) {
	base, err := url.Parse(o.URL)
	if err != nil || (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" || strings.Trim(base.Path, "/") != "" {
		return nil, fault.Newf(fault.Invalid, "the url of module %s must be http://host:port or https://host:port without a path, not %q", c.Module, o.URL)
	}
	if o.Transport == nil {
		o.Transport = NewTransport()
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultCallTimeout
	}
	return &Remote{
		module: c.Module, base: base, path: basePath(c.Module), transport: o.Transport,
		tokens: o.Tokens, timeout: o.Timeout, version: c.version,
	}, nil
}

// URL is where the module is reached.
func (r *Remote) URL() string { return r.base.Scheme + "://" + r.base.Host }

// callRemote does an operation in another process.
func callRemote[Q, A any](ctx context.Context, r *Remote, d *description, q Q) (answer A, err error) {
	if trace.SpanFromContext(ctx).IsRecording() {
		var span trace.Span
		ctx, span = otel.Tracer(tracerName).Start(ctx, d.contract.Module+"."+d.id, trace.WithSpanKind(trace.SpanKindClient),
			trace.WithAttributes(attribute.String("server.address", r.base.Host)))
		defer span.End()
	}
	if _, set := ctx.Deadline(); !set && !d.streams && d.request.stream < 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, r.timeout)
		defer cancel()
	}
	resp, err := r.send(ctx, d, reflect.ValueOf(q)) //nolint:bodyclose // a stream is closed by whoever writes it
	if err != nil {
		return answer, err
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		defer resp.Body.Close()
		return answer, r.answerFault(resp)
	}
	if stream, ok := any(&answer).(*Stream); ok {
		stream.ContentType = resp.Header.Get("Content-Type")
		stream.Write = func(w io.Writer) error { return r.copyStream(ctx, w, resp) }
		return answer, nil
	}
	defer resp.Body.Close()
	buf := takeBuffer()
	defer giveBuffer(buf)
	if _, err := buf.ReadFrom(resp.Body); err != nil {
		if ctx.Err() != nil {
			return answer, fault.From(ctx.Err())
		}
		return answer, fault.Wrap(err, fault.Unavailable, "the answer of module "+r.module+" broke off: try again")
	}
	if err := json.Unmarshal(buf.Bytes(), &answer); err != nil {
		return answer, fault.Wrap(err, fault.Unavailable, "the answer of module "+r.module+" cannot be read: bring both processes to one release")
	}
	return answer, nil
}

// send makes the request with everything that crosses the seam. It goes to the
// transport directly: redirects and cookies, which http.Client adds, have no
// place between modules.
func (r *Remote) send(ctx context.Context, d *description, q reflect.Value) (*http.Response, error) {
	target, body, err := d.request.encode(q)
	if err != nil {
		return nil, err
	}
	header, err := r.headers(ctx, d, body)
	if err != nil {
		return nil, err
	}
	req := (&http.Request{
		Method: d.method, URL: r.address(target), Host: r.base.Host, Header: header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	var upload *watchedReader
	switch source := body.(type) {
	case nil:
	case *bytes.Reader:
		req.ContentLength = source.Size()
		req.Body = io.NopCloser(source)
		req.GetBody = func() (io.ReadCloser, error) { // for a kept connection that turns out closed
			again := *source
			_, err := again.Seek(0, io.SeekStart)
			return io.NopCloser(&again), err
		}
	default:
		upload = &watchedReader{source: source}
		req.Body, req.ContentLength = io.NopCloser(upload), -1
	}
	resp, err := r.transport.RoundTrip(req)
	if err != nil {
		return nil, r.transportFault(ctx, upload, err)
	}
	return resp, nil
}

// address is the URL of an operation; target is its escaped path and query.
func (r *Remote) address(target string) *url.URL {
	path, query, _ := strings.Cut(target, "?")
	u := &url.URL{Scheme: r.base.Scheme, Host: r.base.Host, Path: r.path + path, RawQuery: query}
	if strings.Contains(path, "%") {
		u.RawPath = u.Path
		u.Path, _ = url.PathUnescape(u.RawPath) // it was escaped by the codec
	}
	return u
}

var jsonHeader = []string{mediaJSON}

// headers are written into the map directly: their names are canonical, and
// http.Header.Set would look that up on every call.
func (r *Remote) headers(ctx context.Context, d *description, body io.Reader) (http.Header, error) {
	h := make(http.Header, 8)
	h[headerContract] = r.version
	h["User-Agent"] = nil // not sent
	if d.request.stream >= 0 {
		media, _, _ := strings.Cut(d.request.media, ",")
		h["Content-Type"] = []string{media}
	} else if body != nil {
		h["Content-Type"] = jsonHeader
	}
	if deadline, set := ctx.Deadline(); set {
		left := max(time.Until(deadline).Milliseconds(), 1)
		h[headerDeadline] = []string{strconv.FormatInt(left, 10)}
	}
	if d.kind == KindWrite {
		key := IdempotencyKey(ctx)
		if key == "" {
			key = rand.Text()
		}
		// In lower case, because net/http takes the canonical name as leave to
		// send a write again by itself; whether to is not the transport's to say.
		h[strings.ToLower(headerIdempotency)] = []string{key}
	}
	if r.tokens != nil {
		token, err := r.tokens.Token(identity.From(ctx), r.module)
		if err != nil {
			return nil, fmt.Errorf("sign the caller for %s: %w", r.module, err)
		}
		h["Authorization"] = []string{"Bearer " + token}
	}
	if id := telemetry.RequestID(ctx); id != "" {
		h[headerRequestID] = []string{id}
	}
	if trace.SpanContextFromContext(ctx).IsValid() {
		otel.GetTextMapPropagator().Inject(ctx, propagation.HeaderCarrier(h))
	}
	return h, nil
}

// transportFault says why there was no answer: the caller's time, the caller's
// own upload, or the other side.
func (r *Remote) transportFault(ctx context.Context, upload *watchedReader, err error) error {
	if ctx.Err() != nil {
		return fault.From(ctx.Err())
	}
	if upload != nil {
		if cause := upload.failed(); cause != nil {
			return cause
		}
	}
	var known *fault.Fault
	if errors.As(err, &known) {
		return err
	}
	return fault.Wrap(err, fault.Unavailable, "the module "+r.module+" cannot be reached at the moment: try again in a minute")
}

// answerFault reads the error of the other side. A 401 that comes from before
// the module's own code means that this process is not trusted there, which is
// no fault of the person calling.
func (r *Remote) answerFault(resp *http.Response) error {
	err := fault.ReadProblem(resp)
	if resp.StatusCode == http.StatusUnauthorized && resp.Header.Get(headerContract) == "" {
		return fault.Wrap(err, fault.Unavailable, "the module "+r.module+" does not trust this process: check identity.trunk_url there, and the clocks")
	}
	return err
}

// copyStream passes an answer on as it comes and looks at its trailer.
func (r *Remote) copyStream(ctx context.Context, w io.Writer, resp *http.Response) error {
	defer resp.Body.Close()
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
