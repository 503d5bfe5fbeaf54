// Package httpserver serves HTTP: a chi router behind middleware, and a server that
// reports errors before it serves and stops without interrupting requests. The
// layers, from the outside in:
//
//  1. request   an id, the client's address and the request's state, in front of the router (request.go)
//  2. observe   the span, the metrics and one log line (observe.go)
//  3. recover   a panic becomes a 500 problem
//  4. headers   security headers and the content security policy (headers.go)
//  5. limit     requests per client, by address, and what they cost (limit.go, cost.go); in a module that runs alone after 11
//  6. body      the size of a request's body (body.go)
//  7. front     Options.Front: what another system answers instead
//  8. host      nothing under names that are not this server's (host.go); again after 11
//  9. origin    no changes by requests from other sites (net/http's CrossOriginProtection)
//  10. compress html, css, scripts and JSON; never streams
//  11. caller   Options.Authenticate: the caller
//  12. wallet   requests per signed-in wallet
//
// The routes are inside. Refusals of the layers 3 to 12, unknown paths (404)
// and wrong methods (405) all go through Server.Fail: a problem document for
// programs, a page for people.
package httpserver

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/klauspost/compress/gzhttp"

	"banyan/platform/telemetry"
)

// Options configures a server. Listen, PublicURL, Limits and Logger are required.
type Options struct {
	Listen    string // host:port, of which port 0 lets the system choose; or unix:/path of a socket
	PublicURL string // scheme://host[:port][/path] that people use; https enables HSTS
	// OperatorURL is scheme://host[:port] of a second name of this server, whose
	// origin is separate: each refuses changes by requests from the other's pages.
	OperatorURL string
	// Hosts are further names of this server, without ports, beside those of
	// PublicURL and OperatorURL. All others are refused with fault.Misdirected;
	// one loopback name stands for all.
	Hosts []string
	// AnyAddress is a server that listens on every address of the machine, and is
	// known by the one that a request arrived at.
	AnyAddress bool
	// AnyHostPaths are served whatever host is asked for: what is public anyway,
	// and is asked for by those who know this server by an address of their own.
	AnyHostPaths []string
	// Sharing says with which pages of other sites the GET operation of a route's
	// pattern is shared; nil = nothing is.
	Sharing func(pattern string) Sharing
	// Own names the Banyan process that has proven to send the request of a
	// context, "" for others (identity.Process). Its requests may ask for any
	// host. nil: nobody's may.
	Own func(context.Context) string

	Limits   Settings     // a rate of 0 is unlimited
	Shared   SharedLimits // of all replicas (Server.ShareLimits); nil = each process limits by itself
	Logger   *slog.Logger
	Requests bool // log a line per request; internal failures are logged in any case

	Metrics *telemetry.HTTPMetrics
	Tracing *telemetry.Tracing
	Health  *telemetry.Health // drained when the server begins to stop

	// Internal is set for a module that runs alone: its clients are Banyan's own
	// processes, whose request ids are kept so that the logs can be correlated.
	Internal bool

	// TLS is for Banyan's own processes (platform/certificates), whose clients
	// must have a certificate. With TLSListen the server also listens there, with TLS,
	// and serves people at Listen as before; without it Listen itself has TLS.
	TLS       *tls.Config
	TLSListen string

	AdminListen string       // address of Admin, "" = it is not served
	Admin       http.Handler // telemetry.Admin
	// AdminMayMove says that AdminListen stands in settings that another process has,
	// too: when it is in use, the system chooses another port.
	AdminMayMove bool
	AdminHosts   []string // further names under which it is served, without ports

	// Front may answer instead of the router, before the layers that are for
	// Banyan's own pages (platform/legacy).
	Front func(http.Handler) http.Handler

	// Page answers a person's request with an error. The status is fault.Status,
	// except for a 405, which has the header Allow. nil: all clients get problem
	// documents.
	Page func(w http.ResponseWriter, r *http.Request, status int, err error)
	// Authenticate puts the caller into the context (platform/identity).
	Authenticate func(http.Handler) http.Handler
	// Process returns the Banyan process that sent the request of a context, as its
	// token proves, "" for other clients (identity.Process). With it, the rate limit
	// per address follows Authenticate and does not apply to such requests: they are
	// those of a whole site, whose own server has limited each client. Otherwise one
	// client at its limit would use up the limit of all.
	Process func(context.Context) string
	// Wallet returns the signed-in wallet of a context, "" without one; each has its
	// own rate limit.
	Wallet func(context.Context) string
	// Caller names the caller of a context for the log, and whose answers nobody may
	// store; "" = nobody is known.
	Caller func(context.Context) string
	// Privileged reports whether the caller of a context is charged one token per
	// request, whatever the request costs (cost.go). It is called where Wallet is.
	// nil: nobody is.
	Privileged func(context.Context) bool

	PagePrefix  string           // path prefix of Banyan's own pages, like /banyan; "" = the whole site
	AssetPrefix string           // paths below it have the rate limit of assets; "" = PagePrefix + /assets/
	Now         func() time.Time // nil = time.Now
}

// Server serves a router. Its life:
//
//	New → Listen (Run does it when it was not called) → Run … → ctx ends →
//	not ready → drain delay → no new connections, Draining is closed →
//	running requests finish, within shutdown_grace → closed
type Server struct {
	options     Options
	router      chi.Router
	main        listening
	inner       listening // TLSListen; its server is main's
	admin       listening
	costs       *costs
	origin      string // of PublicURL
	base        string // path of PublicURL, see base.go
	hosts       hosts
	connections *connections
	proxies     proxies
	untrusted   sync.Once // for the one warning
	draining    chan struct{}
}

// New builds the router with its middleware. It fails when PublicURL is not a URL.
func New(o Options) (*Server, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.AssetPrefix == "" {
		o.AssetPrefix = o.PagePrefix + "/assets/"
	}
	public, err := url.Parse(o.PublicURL)
	if err != nil || public.Host == "" {
		return nil, fmt.Errorf("public_url %q is not a URL: write one like https://banyan.example.org", o.PublicURL)
	}
	trusted, err := parseProxies(o.Limits.TrustedProxies)
	if err != nil {
		return nil, fmt.Errorf("http.trusted_proxies: %w", err)
	}
	s := &Server{options: o, costs: newCosts(o.Limits, o.Shared != nil), origin: public.Scheme + "://" + public.Host, base: strings.TrimRight(public.Path, "/"), hosts: o.ownHosts(public), proxies: trusted, draining: make(chan struct{})}
	if err := s.buildRouter(public); err != nil {
		return nil, err
	}
	s.connections = newConnections(o, trusted)
	errorLog := slog.NewLogLogger(o.Logger.Handler(), slog.LevelWarn)
	base := context.WithValue(context.Background(), drainingKey{}, (<-chan struct{})(s.draining))
	s.main = listening{setting: "listen", address: o.Listen, seats: s.connections, server: &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: o.Limits.HeaderTimeout,
		ReadTimeout:       o.Limits.ReadTimeout,
		WriteTimeout:      o.Limits.WriteTimeout,
		IdleTimeout:       o.Limits.IdleTimeout,
		MaxHeaderBytes:    int(o.Limits.HeaderLimit),
		ErrorLog:          errorLog,
		BaseContext:       func(net.Listener) context.Context { return base },
		ConnState:         s.connections.note,
	}}
	s.inner = listening{setting: "tls.listen", address: o.TLSListen, server: s.main.server, tls: o.TLS}
	if o.TLSListen == "" {
		s.main.tls = o.TLS
	} else if o.TLS == nil {
		return nil, fmt.Errorf("tls.listen is %s and there are no certificates: set tls.cert, tls.key and tls.ca, or leave tls.listen empty", o.TLSListen)
	}
	s.admin = listening{setting: "admin.listen", address: o.AdminListen, mayMove: o.AdminMayMove, server: &http.Server{
		Handler:           guardAdmin(o.AdminListen, o.AdminHosts, o.Admin),
		ReadHeaderTimeout: o.Limits.HeaderTimeout,
		ReadTimeout:       o.Limits.ReadTimeout,
		IdleTimeout:       o.Limits.IdleTimeout, // no write time-out: a profile takes as long as requested
		ErrorLog:          errorLog,
	}}
	return s, nil
}

func (s *Server) buildRouter(public *url.URL) error {
	o := s.options
	protect, err := s.protectOrigins(public)
	if err != nil {
		return err
	}
	compress, err := newCompression()
	if err != nil {
		return err
	}
	r := chi.NewRouter()
	r.Use(s.observe)
	r.Use(s.recoverPanics)
	r.Use(s.securityHeaders(public.Scheme == "https", o.Limits.HSTSSubdomains))
	r.Use(s.shareAnswers)
	if o.Process == nil {
		r.Use(s.limitClients)
	}
	r.Use(limitBody(int64(o.Limits.BodyLimit)))
	if o.Front != nil {
		r.Use(o.Front)
	}
	if s.base != "" {
		r.Use(s.toSpelling)
	}
	r.Use(s.refuseForeign)
	r.Use(protect)
	r.Use(compress)
	if o.Authenticate != nil {
		r.Use(o.Authenticate)
	}
	r.Use(s.refuseStrangers)
	if o.Process != nil {
		r.Use(s.limitClients)
	}
	if o.Caller != nil {
		r.Use(s.noteCaller)
	}
	if o.Wallet != nil {
		r.Use(s.limitWallets)
	}
	r.Use(headAsGet)
	r.NotFound(s.notFound)
	r.MethodNotAllowed(s.methodNotAllowed)
	s.router = r
	return nil
}

// Handler returns the router behind all layers, which Run serves.
func (s *Server) Handler() http.Handler { return s.request(s.router) }

// Router returns the router, to add routes before Run. Only Handler serves it.
// Sub-routers that are mounted share its answers to unknown paths and wrong
// methods.
func (s *Server) Router() chi.Router { return s.router }

// compressible are the types worth compressing. Streams are not: compression
// would delay their lines.
var compressible = []string{
	"text/html", "text/css", "text/javascript", "text/plain", "application/javascript",
	"application/json", "application/manifest+json", "application/problem+json",
	"application/atom+xml", "application/rss+xml", "application/feed+json", "image/svg+xml",
}

// compressFrom is the least size in bytes of a compressed answer. Three packets
// arrive no later than two, and a claim, random hashes in 2 KB, took longer to
// compress than to answer.
const compressFrom = 4 << 10

func newCompression() (func(http.Handler) http.Handler, error) {
	// Weak comparison is all that a conditional GET needs, and the suffix keeps
	// the two encodings apart in caches.
	wrap, err := gzhttp.NewWrapper(gzhttp.MinSize(compressFrom), gzhttp.ContentTypes(compressible),
		gzhttp.EnableZstd(false), gzhttp.CompressionLevel(5))
	if err != nil {
		return nil, fmt.Errorf("set compression up: %w", err)
	}
	vary := []string{"Accept-Encoding"} // shared, like the values of securityHeaders
	return func(next http.Handler) http.Handler {
		compressed := wrap(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header["Accept-Encoding"] != nil {
				compressed.ServeHTTP(w, r)
				return
			}
			if h := w.Header(); h["Vary"] == nil {
				h["Vary"] = vary
			} else {
				h.Add("Vary", vary[0])
			}
			next.ServeHTTP(w, r) // without a compressing writer: most programs, and Banyan's own clients
		})
	}, nil
}

// headAsGet lets GET routes answer HEAD; net/http leaves the body out.
func headAsGet(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		route := chi.RouteContext(r.Context())
		if !route.Routes.Match(chi.NewRouteContext(), http.MethodHead, routePath(r)) {
			route.RouteMethod = http.MethodGet
			route.RoutePath = routePath(r)
		}
		next.ServeHTTP(w, r)
	})
}

func routePath(r *http.Request) string {
	path := r.URL.Path
	if r.URL.RawPath != "" {
		path = r.URL.RawPath
	}
	return "/" + strings.TrimPrefix(path, "/")
}
