package legacy

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync"
	"time"

	"banyan/platform/fault"
	"banyan/platform/httpserver"
	"banyan/platform/requestctx"
)

// passage is one request on its way to the legacy system.
type passage struct {
	own    http.Header // headers that Banyan has put on the answer, for its own pages
	cancel context.CancelFunc
	body   *watchedBody
	tasks  sync.WaitGroup
}

// forward asks the legacy system and passes its answer on.
func (l *Legacy) forward(w http.ResponseWriter, r *http.Request, m *meter) {
	l.measure(w, r, m, http.HandlerFunc(l.pass))
}

func (l *Legacy) pass(w http.ResponseWriter, r *http.Request) {
	if l.circles(r) {
		l.o.Fail(w, r, fault.New(fault.Unavailable, "this request went in a circle: legacy.url leads back to Banyan itself; name the address of the system behind it"))
		return
	}
	if l.o.Limit > 0 && r.ContentLength > l.o.Limit {
		w.Header().Set("Connection", "close") // the rest is not read
		l.o.Fail(w, r, tooLarge(l.o.Limit))
		return
	}
	if upgrading(r) {
		if l.upgrades.Add(1) > maxUpgrades {
			l.upgrades.Add(-1)
			l.o.Fail(w, r, fault.New(fault.Busy, "too many connections to the system behind this page are open: try again in a minute"))
			return
		}
		defer l.upgrades.Add(-1)
	}
	ctx, cancel := context.WithCancel(r.Context())
	p := &passage{own: takeOwn(w.Header()), cancel: cancel}
	defer p.tasks.Wait()
	defer cancel()
	out := r.WithContext(context.WithValue(ctx, passageKey{}, p))
	// The server's times for ordinary requests are not made for streams.
	requestctx.AllowUpload(r.Context())
	requestctx.AllowStream(r.Context())
	if r.Body != nil && r.Body != http.NoBody {
		p.body = &watchedBody{ReadCloser: r.Body, limit: l.o.Limit}
		out.Body = p.body
	}
	l.proxy.ServeHTTP(&response{ResponseWriter: w, header: http.Header{}}, out)
}

// upgrading tells a WebSocket. No other protocol is switched to: inside an
// HTTP/2 connection (h2c) a client could say whatever it likes past this proxy.
func upgrading(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// rewrite makes the request that goes out. ReverseProxy has taken hop-by-hop
// headers and the client's own X-Forwarded-… away already.
func (l *Legacy) rewrite(p *httputil.ProxyRequest) {
	p.Out.URL.Scheme, p.Out.URL.Host = l.target.Scheme, l.target.Host
	if asked := httpserver.AskedPath(p.In); asked != p.In.URL.EscapedPath() { // the site's path was cut
		p.Out.URL.Path, p.Out.URL.RawPath = pathsOf(asked)
	}
	p.Out.URL.RawQuery = p.In.URL.RawQuery // as it was sent: nothing here depends on it
	p.Out.Host = p.In.Host
	if l.o.Host != "" {
		p.Out.Host = l.o.Host
	}
	l.outHeaders(p.In, p.Out.Header)
	if p.Out.Body == nil && !safe(p.Out.Method) {
		p.Out.Body = io.NopCloser(strings.NewReader("")) // see safe
	}
}

// safe reports whether a request may be sent again when its connection broke
// (RFC 9110, 9.2.1). net/http also sends one again that has no body and an
// Idempotency-Key, which the legacy system may not have: a body, even
// an empty one, keeps it from that.
func safe(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}

// receive looks at the answer before it is passed on.
func (l *Legacy) receive(resp *http.Response) error {
	l.inHeaders(resp)
	p := passageOf(resp.Request.Context())
	longLived := resp.StatusCode == http.StatusSwitchingProtocols ||
		strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream")
	if longLived {
		ctx := resp.Request.Context()
		p.tasks.Go(func() { // such an answer has no end of its own: the server's stop is one
			select {
			case <-httpserver.Draining(ctx):
				p.cancel()
			case <-ctx.Done():
			}
		})
	}
	return nil
}

// broken says why there is no answer.
func (l *Legacy) broken(w http.ResponseWriter, r *http.Request, err error) {
	p := passageOf(r.Context())
	if begun, ok := w.(*response); ok {
		w = begun.ResponseWriter // the answer is ours, with our headers
	}
	giveOwn(w.Header(), p.own)
	l.o.Fail(w, r, p.reason(r.Context(), err))
}

func (p *passage) reason(ctx context.Context, err error) error {
	if p.body != nil {
		if failed := p.body.failure(); failed != nil {
			return failed
		}
	}
	var slow net.Error
	switch {
	case ctx.Err() != nil:
		return fault.From(ctx.Err())
	case errors.As(err, &slow) && slow.Timeout():
		return fault.Wrap(err, fault.DeadlineExceeded, "the system behind this page did not answer in time: try again in a minute")
	}
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &certificate) {
		err = fmt.Errorf("legacy.url shows a certificate that is not trusted; name its issuer in legacy.ca: %w", err)
	}
	return fault.Wrap(err, fault.Unavailable, "the system behind this page cannot be reached at the moment: try again in a minute")
}

// watchedBody remembers why a request's body could not be read.
type watchedBody struct {
	io.ReadCloser
	limit int64 // 0 = none
	read  int64

	mu     sync.Mutex
	failed error
}

func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	switch {
	case b.limit > 0 && b.read > b.limit:
		err, n = tooLarge(b.limit), 0
	case err == nil || errors.Is(err, io.EOF):
		return n, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failed = err
	return n, err
}

// failure gives the fault for the client, nil when its body was read well.
func (b *watchedBody) failure() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var known *fault.Fault
	switch {
	case b.failed == nil:
		return nil
	case errors.As(b.failed, &known):
		return b.failed
	}
	return fault.Wrap(b.failed, fault.Invalid, "the body broke off: send it again")
}

func tooLarge(limit int64) error {
	return fault.Newf(fault.TooLarge, "the request's body is over the limit of %d bytes: send less at a time", limit)
}

// measure counts a request on one side, up to its answer's headers.
func (l *Legacy) measure(w http.ResponseWriter, r *http.Request, m *meter, next http.Handler) {
	a := &answer{ResponseWriter: w, clock: l.o.Clock}
	begun := l.o.Clock()
	defer func() {
		reason := recover()
		if a.began.IsZero() {
			a.began = l.o.Clock()
		}
		gone := r.Context().Err() != nil
		m.observe(a.began.Sub(begun), a.status >= http.StatusInternalServerError || (reason != nil && !gone))
		if reason == nil {
			return
		}
		if aborted, ok := reason.(error); ok && gone && errors.Is(aborted, http.ErrAbortHandler) {
			return // the client has left: nobody is there to be told that the answer broke off
		}
		panic(reason)
	}()
	next.ServeHTTP(a, r)
}

// answer notes when and how an answer begins.
type answer struct {
	http.ResponseWriter
	clock  func() time.Time
	status int
	began  time.Time
}

func (a *answer) begin(status int) {
	if a.status == 0 {
		a.status, a.began = status, a.clock()
	}
}

func (a *answer) WriteHeader(status int) {
	if status >= http.StatusOK {
		a.begin(status)
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	a.begin(http.StatusOK)
	return a.ResponseWriter.Write(p)
}

// FlushError is for http.ResponseController.
func (a *answer) FlushError() error {
	a.begin(http.StatusOK)
	return http.NewResponseController(a.ResponseWriter).Flush()
}

// Unwrap lets http.ResponseController find the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// Hijack hands the connection over. It looks past writers that cannot although
// the one below them can (compression).
func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	failed := errors.ErrUnsupported
	for w := a.ResponseWriter; w != nil; {
		if h, ok := w.(http.Hijacker); ok {
			connection, buffered, err := h.Hijack()
			if err == nil {
				a.begin(http.StatusSwitchingProtocols)
				return connection, buffered, nil
			}
			failed = err
		}
		inner, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			break
		}
		w = inner.Unwrap()
	}
	return nil, nil, failed
}
