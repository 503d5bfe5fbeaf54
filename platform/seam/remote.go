package seam

import (
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
)

// Tokens signs who a call is made for, so that the other process can tell.
// identity's issuers implement it; it is asked on every call and must be cheap.
type Tokens interface {
	Token(caller identity.Caller, audience string) (string, error)
}

// Remote is a module in another process.
type Remote struct {
	module  string
	base    *url.URL
	client  *http.Client
	tokens  Tokens
	timeout time.Duration
	caller  string // contract version as sent
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
	base.Path = basePath(c.Module)
	if o.Transport == nil {
		o.Transport = NewTransport()
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultCallTimeout
	}
	refuseRedirects := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Remote{
		module: c.Module, base: base, tokens: o.Tokens, timeout: o.Timeout, caller: strconv.Itoa(c.Version),
		client: &http.Client{Transport: o.Transport, CheckRedirect: refuseRedirects},
	}, nil
}

// URL is where the module is reached.
func (r *Remote) URL() string { return r.base.Scheme + "://" + r.base.Host }

// callRemote does an operation in another process.
func callRemote[Q, A any](ctx context.Context, r *Remote, d *description, q *Q) (answer A, err error) {
	ctx, span := otel.Tracer(tracerName).Start(ctx, d.contract.Module+"."+d.id, trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.String("server.address", r.base.Host)))
	defer span.End()
	cancel := func() {}
	if _, set := ctx.Deadline(); !set && !d.streams && d.request.stream < 0 {
		ctx, cancel = context.WithTimeout(ctx, r.timeout)
	}
	defer func() {
		if !d.streams || err != nil { // a stream's context lives until it is written
			cancel()
		}
	}()
	resp, upload, err := r.send(ctx, d, reflect.ValueOf(q).Elem())
	if err != nil {
		return answer, r.transportFault(ctx, upload, err)
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		defer resp.Body.Close()
		return answer, r.answerFault(resp)
	}
	if d.streams {
		stream := Stream{ContentType: resp.Header.Get("Content-Type"), Write: func(w io.Writer) error { return r.copyStream(ctx, w, resp) }}
		reflect.ValueOf(&answer).Elem().Set(reflect.ValueOf(stream))
		return answer, nil
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		if ctx.Err() != nil {
			return answer, fault.From(ctx.Err())
		}
		return answer, fault.Wrap(err, fault.Unavailable, "the answer of module "+r.module+" broke off: try again")
	}
	_, _ = io.CopyN(io.Discard, resp.Body, 512) // to the end, so that the connection is kept
	return answer, nil
}

// send makes the request with everything that crosses the seam.
func (r *Remote) send(ctx context.Context, d *description, q reflect.Value) (*http.Response, *watchedReader, error) {
	target, body, err := d.request.encode(q)
	if err != nil {
		return nil, nil, err
	}
	var upload *watchedReader
	if d.request.stream >= 0 {
		upload = &watchedReader{source: body}
		body = upload
	}
	req, err := http.NewRequestWithContext(ctx, d.method, r.base.String()+target, body)
	if err != nil {
		return nil, nil, fmt.Errorf("make a request to %s: %w", r.base.Host, err)
	}
	h := req.Header
	h.Set(headerContract, r.caller)
	switch {
	case upload != nil:
		media, _, _ := strings.Cut(d.request.media, ",")
		h.Set("Content-Type", media)
	case body != nil:
		h.Set("Content-Type", mediaJSON)
	}
	if deadline, set := ctx.Deadline(); set {
		left := max(time.Until(deadline).Milliseconds(), 1)
		h.Set(headerDeadline, strconv.FormatInt(left, 10))
	}
	if d.kind == KindWrite {
		key := IdempotencyKey(ctx)
		if key == "" {
			key = rand.Text()
		}
		h.Set(headerIdempotency, key)
	}
	if r.tokens != nil {
		token, err := r.tokens.Token(identity.From(ctx), r.module)
		if err != nil {
			return nil, nil, fmt.Errorf("sign the caller for %s: %w", r.module, err)
		}
		h.Set("Authorization", "Bearer "+token)
	}
	if trace.SpanContextFromContext(ctx).IsValid() {
		otel.GetTextMapPropagator().Inject(ctx, propagation.HeaderCarrier(h))
	}
	resp, err := r.client.Do(req)
	return resp, upload, err
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
