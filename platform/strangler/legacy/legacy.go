// Package legacy puts Banyan in front of the system that somebody has already:
// what Banyan does not serve goes there, and what both serve moves over by
// percentage.
//
//	l, err := legacy.New(legacy.Options{URL: "http://127.0.0.1:3000", PublicURL: "https://example.org",
//		Take: []legacy.Take{{Prefix: "/reviews", Percent: 10}}, Fail: server.Fail})
//	router.Use(l.Front)
//
//	           ┌ not served by Banyan ───────────────────────────────▶ legacy
//	request ───┤ served, below a taken prefix ── share of clients ───▶ Banyan
//	           │                              └─ all others ─────────▶ legacy
//	           └ served ─────────────────────────────────────────────▶ Banyan
//
// What crosses, and what does not:
//
//   - Bodies, streams (server-sent events, chunked answers), trailers and
//     WebSockets pass as they come; nothing is held back to be sent later.
//   - The client's Host goes along unless Options.Host names another, because
//     that is what the system was reached by before. X-Forwarded-For, -Host and
//     -Proto are ours alone: what a client says there is dropped.
//   - The client's cookies go along, except Banyan's own (banyan, banyan-…, also
//     with the prefix __Host-): a session of Banyan is worth as much as its
//     wallet's roles, and the legacy system has no business with it. Nor can it
//     set them.
//   - Authorization goes along, because the legacy system may have tokens of its
//     own, except a token that Banyan made (their type is banyan+jwt).
//   - Banyan-* headers, which only Banyan's own processes say to each other, go
//     neither way.
//   - Banyan's security headers and its rules for requests of other sites are
//     for its own pages: the legacy system keeps its own. Strict-Transport-Security
//     stays, since it speaks of the host.
//   - A request that comes back to where it was sent from (Via) is refused.
//
// Reading order: legacy.go, share.go, forward.go, headers.go.
package legacy

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/platform/fault"
	"banyan/platform/requestctx"
)

const (
	standardTimeout = time.Minute
	// maxUpgrades bounds the WebSockets open at a time: each holds two
	// connections and a few buffers for as long as its client likes.
	maxUpgrades = 10_000
)

// Options say where the legacy system is and what is taken from it.
type Options struct {
	URL       string // http(s)://host[:port] of the legacy system
	Host      string // the Host it is asked for; "" = the client's
	PublicURL string // scheme://host[:port] that people use

	Take []Take
	// Keep are prefixes that are Banyan's whether it serves the path or not, so
	// that a mistyped address of its API is told so by itself.
	Keep []string

	Limit   int64         // bytes of a request's body; 0 = the server's http.upload_limit alone
	Timeout time.Duration // until an answer's headers; 0 = 1 min

	// TrustForwarded tells that a proxy of ours stands in front
	// (http.trusted_proxies): its X-Real-Ip and the like are let through.
	TrustForwarded bool

	// Fail answers with an error (httpserver's Server.Fail); nil = a problem document.
	Fail func(w http.ResponseWriter, r *http.Request, err error)

	Transport *http.Transport  // nil = NewTransport
	Clock     func() time.Time // nil = time.Now
	Log       *slog.Logger     // nil = slog.Default
}

// Legacy forwards requests to the legacy system and counts them. It is a
// prometheus.Collector.
type Legacy struct {
	o        Options
	target   *url.URL
	public   *url.URL
	name     string // of this Banyan in Via
	proxy    *httputil.ReverseProxy
	takes    atomic.Pointer[[]*taken]
	rest     meter // what Banyan does not serve
	upgrades atomic.Int64
}

// New makes a Legacy. Fails with fault.Invalid when a URL, a prefix or a
// percentage is none.
func New(o Options) (*Legacy, error) {
	target, err := parseOrigin("strangler.legacy", o.URL)
	if err != nil {
		return nil, err
	}
	public, err := parseOrigin("public_url", o.PublicURL)
	if err != nil {
		return nil, err
	}
	if sameOrigin(target, public) {
		return nil, fault.New(fault.Invalid, "strangler.legacy is public_url itself: name the address of the system behind Banyan")
	}
	if o.Timeout <= 0 {
		o.Timeout = standardTimeout
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Fail == nil {
		o.Fail = func(w http.ResponseWriter, r *http.Request, err error) {
			fault.WriteProblem(w, err, requestctx.ID(r.Context()))
		}
	}
	if o.Transport == nil {
		o.Transport = NewTransport()
	}
	transport := o.Transport.Clone()
	transport.ResponseHeaderTimeout = o.Timeout
	l := &Legacy{o: o, target: target, public: public, rest: newMeter(), name: "banyan-" + strings.ReplaceAll(public.Host, ":", "-")}
	l.proxy = &httputil.ReverseProxy{
		Rewrite: l.rewrite, ModifyResponse: l.receive, ErrorHandler: l.broken, Transport: transport,
		FlushInterval: -1,                                                  // what arrives is passed on at once
		ErrorLog:      slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug), // our own lines say more
	}
	if err := l.SetTake(o.Take); err != nil {
		return nil, err
	}
	return l, nil
}

// NewTransport is an HTTP/1.1 transport to the legacy system: encodings pass
// untouched, no proxy from the environment, and WebSockets need HTTP/1.1.
func NewTransport() *http.Transport {
	return &http.Transport{
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		MaxIdleConns:          512,
		MaxIdleConnsPerHost:   128,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   5 * time.Second,
		ExpectContinueTimeout: time.Second,
		DisableCompression:    true,
	}
}

func parseOrigin(setting, text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return nil, fault.Newf(fault.Invalid, "%s must read like http://127.0.0.1:3000, without a path, not %q", setting, text)
	}
	return u, nil
}

func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Host, b.Host)
}

// Front is the middleware that stands before everything that is for Banyan's
// own requests (the origin check, compression, who is calling), because the
// legacy system has rules of its own. It must be used on the router that serves
// Banyan's paths, which it asks what these are.
func (l *Legacy) Front(next http.Handler) http.Handler {
	taking := l.Take(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !l.kept(r.URL.Path) && !served(r) {
			l.NotFound(w, r)
			return
		}
		taking.ServeHTTP(w, r)
	})
}

// NotFound asks the legacy system: the half of Front for a router's unknown
// paths.
func (l *Legacy) NotFound(w http.ResponseWriter, r *http.Request) { l.forward(w, r, &l.rest) }

func (l *Legacy) kept(path string) bool {
	for _, prefix := range l.o.Keep {
		if below(path, strings.TrimSuffix(prefix, "/")) {
			return true
		}
	}
	return false
}

// methods that routes are made for.
var methods = [...]string{
	http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead, http.MethodOptions,
}

// served tells whether the router has the path, with whatever method: a wrong
// method on a path of Banyan's is for Banyan to refuse.
func served(r *http.Request) bool {
	route := chi.RouteContext(r.Context())
	if route == nil || route.Routes == nil {
		return false
	}
	path := r.URL.Path
	if r.URL.RawPath != "" {
		path = r.URL.RawPath
	}
	if !strings.HasPrefix(path, "/") { // OPTIONS *
		return false
	}
	if route.Routes.Match(chi.NewRouteContext(), r.Method, path) {
		return true
	}
	for _, method := range methods {
		if method != r.Method && route.Routes.Match(chi.NewRouteContext(), method, path) {
			return true
		}
	}
	return false
}

type passageKey struct{}

func passageOf(ctx context.Context) *passage {
	p, _ := ctx.Value(passageKey{}).(*passage)
	return p
}
