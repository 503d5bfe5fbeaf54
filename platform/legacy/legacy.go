// Package legacy puts Banyan in front of the system that somebody has already:
// everything goes there but what is Banyan's own by a prefix, and what is taken
// from it, by percentage.
//
//	l, err := legacy.New(legacy.Options{URL: "http://127.0.0.1:3000", PublicURL: "https://example.org",
//		Keep: []string{"/banyan"}, Take: []legacy.Take{{Prefix: "/exchanges", Percent: 10}}, Fail: server.Fail})
//	router.Use(l.Front)
//	… // routes
//	err = l.Serve(router)
//
//	           ┌ below a kept prefix ────────────────────────────────▶ Banyan
//	request ───┤ below a taken prefix, served ── share of clients ───▶ Banyan
//	           │                              └─ all others ─────────▶ legacy
//	           └ everything else ────────────────────────────────────▶ legacy
//
// Whose a path is, is decided on its normal form (RFC 3986, 6.2.2: escapes,
// dots, empty segments, the slash at the end). Another spelling of a path of
// Banyan's is redirected to it (308). What only a lenient server would read as a
// path of Banyan's ("/exchanges%2f", "/x\..\exchanges", "/exchanges;a=1") is
// refused to those whom Banyan serves it: the two systems would not agree on
// whose it is. All else goes to the legacy system byte for byte as it came.
//
// What crosses, and what does not:
//
//   - Bodies, streams (server-sent events, chunked answers), trailers, early
//     hints and WebSockets pass as they come; nothing is held back to be sent
//     later. A request that changes something is never sent twice, and
//     connections are not kept idle for as long as the other side keeps them.
//   - The client's Host goes along unless Options.Host names another, because
//     that is what the system was reached by before. X-Forwarded-For, -Host and
//     -Proto are ours alone. What else proxies say of a client (its address, its
//     name, its certificate) goes along only when Options.PassHeaders lists it,
//     and so do names that a server may take for another (X_Forwarded_For).
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
//     stays, since it is about the host, and what is about the whole origin
//     (Clear-Site-Data, Service-Worker-Allowed, …) does not come from there.
//   - A request that comes back to where it was sent from (Via) is refused.
//
// Both systems are one origin to a browser: the scripts of the one can act as
// whoever is signed in at the other. Options.OwnHost is a host that is Banyan's
// alone, for what must not be reached that way.
//
// Reading order: legacy.go, path.go, share.go, forward.go, headers.go.
package legacy

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/platform/fault"
	"banyan/platform/httpserver"
	"banyan/platform/requestctx"
)

// maxUpgrades bounds the WebSockets open at a time: each holds two connections
// and a few buffers for as long as its client likes.
const maxUpgrades = 10_000

// Options say where the legacy system is and what is taken from it.
type Options struct {
	URL       string // http(s)://host[:port] of the legacy system
	Host      string // the Host it is asked for; "" = the client's
	PublicURL string // scheme://host[:port] that people use
	// Base is the path of that host below which the site is, like /app; "" = none.
	// Keep and Take are within it. The legacy system is asked for paths as they came.
	Base string

	Take []Take
	// Keep are prefixes that are Banyan's for everybody, whether it serves the
	// path or not, so that a mistyped address of its API is told so by itself.
	Keep []string
	// OwnHost is host[:port] of a second address of this server at which the
	// legacy system is not seen; "" = none.
	OwnHost string

	Limit   int64         // bytes of a request's body; 0 = the server's http.upload_limit alone
	Timeout time.Duration // until an answer's headers; 0 = 1 min
	// Idle is how long a connection is kept for the next request, which must be
	// less than the legacy system keeps it; 0 = 1 s.
	Idle time.Duration
	// CA is a PEM file with the issuer of the legacy system's certificate; "" =
	// those that the machine trusts, and on loopback any.
	CA string

	// PassHeaders are request headers that are let through although they say who
	// the client is: those that a proxy in front of this server sets.
	PassHeaders []string

	// Fail answers with an error (httpserver's Server.Fail); nil = a problem document.
	Fail func(w http.ResponseWriter, r *http.Request, err error)

	Transport *http.Transport  // nil = newTransport
	Clock     func() time.Time // nil = time.Now
	Log       *slog.Logger     // nil = slog.Default
}

// Legacy forwards requests to the legacy system and counts them. It is a
// prometheus.Collector.
type Legacy struct {
	o         Options
	target    *url.URL
	public    *url.URL
	name      string // of this Banyan in Via
	proxy     *httputil.ReverseProxy
	transport *http.Transport
	listed    map[string]bool // PassHeaders in small letters
	router    atomic.Pointer[chi.Routes]
	takes     atomic.Pointer[[]*taken]
	rest      meter // what is the legacy system's
	upgrades  atomic.Int64
}

// New makes a Legacy. Fails with fault.Invalid when a URL, a prefix or a
// percentage is none.
func New(o Options) (*Legacy, error) {
	target, err := parseOrigin("legacy.url", o.URL)
	if err != nil {
		return nil, err
	}
	public, err := parseOrigin("public_url", o.PublicURL)
	if err != nil {
		return nil, err
	}
	if sameOrigin(target, public) {
		return nil, fault.New(fault.Invalid, "legacy.url is public_url itself: name the address of the system behind Banyan")
	}
	if o.Timeout <= 0 {
		o.Timeout = standardTimeout
	}
	if o.Idle <= 0 {
		o.Idle = standardIdle
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
	transport, err := transportTo(target, o)
	if err != nil {
		return nil, err
	}
	l := &Legacy{
		o: o, target: target, public: public, transport: transport, rest: newMeter(), listed: map[string]bool{},
		name: "banyan-" + strings.ReplaceAll(public.Host, ":", "-"),
	}
	for _, name := range o.PassHeaders {
		l.listed[strings.ToLower(name)] = true
	}
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

func parseOrigin(setting, text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return nil, fault.Newf(fault.Invalid, "%s must read like http://127.0.0.1:3000, without a path, not %q", setting, text)
	}
	return u, nil
}

func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && portOf(a) == portOf(b)
}

func portOf(u *url.URL) string {
	switch port := u.Port(); {
	case port != "":
		return port
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}

// Front is the middleware that stands before everything that is for Banyan's
// own requests (the origin check, compression, who is calling), because the
// legacy system has rules of its own. Serve must be called before it is used.
func (l *Legacy) Front(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if l.o.OwnHost != "" && httpserver.IsFor(r, l.o.OwnHost) {
			next.ServeHTTP(w, r)
			return
		}
		p := l.place(r)
		if httpserver.ForeignHost(r.Context()) && !p.kept {
			l.forward(w, r, &l.rest) // another site of theirs: what is taken is taken at public_url
			return
		}
		if p.take != nil && !l.leads(w, r, p) || !p.kept && p.take == nil && p.other == "" {
			l.forward(w, r, l.meterOf(p))
			return
		}
		switch {
		case p.other != "":
			l.o.Fail(w, r, ambiguous(p.other))
		case !httpserver.IsSpelled(r, p.normal):
			httpserver.RedirectTo(w, r, p.normal)
		case p.take != nil:
			l.measure(w, r, &p.take.banyan, next)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// CloseIdle closes the connections to the legacy system that nothing uses.
func (l *Legacy) CloseIdle() { l.transport.CloseIdleConnections() }

// meterOf counts what goes to the legacy system.
func (l *Legacy) meterOf(p place) *meter {
	if p.take != nil && p.other == "" {
		return &p.take.legacy
	}
	return &l.rest
}

// NotFound asks the legacy system, whatever the path.
func (l *Legacy) NotFound(w http.ResponseWriter, r *http.Request) { l.forward(w, r, &l.rest) }

type passageKey struct{}

func passageOf(ctx context.Context) *passage {
	p, _ := ctx.Value(passageKey{}).(*passage)
	return p
}
