package client

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/seam/timeout"
)

// Tokens signs who a call is made for, so that the other process can tell.
// identity's issuers implement it; it is asked on every call and must be cheap.
type Tokens interface {
	Token(caller identity.Caller, audience string) (string, error)
}

// Client reaches a module in other processes. It has their addresses, and none of
// the module's operations.
type Client struct {
	module    string
	bases     []*url.URL
	path      string // of the module below a base
	endpoints atomic.Pointer[[]*endpoint]
	ejector   ejector
	budget    *budget
	tokens    Tokens
	timeout   time.Duration
	outside   bool     // this process is not a part of the server's Banyan
	version   []string // of the contract, as a header's value
	data      []string // the caller's id of the module's data, likewise; nil = it has none
	balance   Balance
	pattern   *http.Transport
	trust     *tls.Config
	wrap      func(http.RoundTripper) http.RoundTripper
	log       *slog.Logger

	stop      context.CancelFunc // of the looking-up
	following sync.WaitGroup
}

// Options say how to reach a module. Zero values are the defaults.
type Options struct {
	// URLs are http(s)://host:port without a path, one or more. A name that has
	// several addresses stands for as many endpoints.
	URLs      []string
	Tokens    Tokens          // nil: every call is anonymous
	Site      bool            // the urls may have a path: that of a whole site (public_url), which other modules' processes have not
	Outside   bool            // this process is not a part of the server's Banyan, see seam.Dial
	Timeout   time.Duration   // of a call without streams whose caller set no deadline, and of each attempt at a read; 10 s
	TLS       *tls.Config     // the authorities to trust and the certificate to show
	Transport *http.Transport // that the endpoints' own are copies of; NewTransport
	// Wrap is put around the transport of every endpoint; nil: nothing is.
	Wrap     func(http.RoundTripper) http.RoundTripper
	Resolver Resolver      // net.DefaultResolver
	Resolve  time.Duration // how often names are looked up; 5 s
	Balance  Balance
	Data     string       // id of the module's data that this process has: no answer of other data is believed; "" = it has none
	Log      *slog.Logger // endpoints that come, go, break and recover; nil = silent
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

// Target is whom a client reaches.
type Target struct {
	Module  string // for messages, metrics, and as the audience of tokens
	Path    string // below which the module's operations are
	Version int    // of the contract
}

// New returns a client. Whoever makes it closes it. Fails with fault.Invalid when
// there is no URL, or one of them is not a URL of an endpoint.
func New(to Target, o Options) (*Client, error) {
	r := &Client{
		module: to.Module, path: to.Path, tokens: o.Tokens, timeout: o.Timeout, outside: o.Outside, version: []string{strconv.Itoa(to.Version)},
		balance: o.Balance.withDefaults(), pattern: o.Transport, trust: o.TLS, wrap: o.Wrap, log: o.Log,
	}
	if o.Data != "" {
		r.data = []string{o.Data}
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
	r.ejector.options, r.budget = r.balance, newBudget(r.balance, timeout.Clock())
	var set []*endpoint
	names := false
	for _, text := range o.URLs {
		base, err := url.Parse(text)
		if err != nil || (base.Scheme != "http" && base.Scheme != "https") || base.Hostname() == "" || base.RawPath != "" || !o.Site && strings.Trim(base.Path, "/") != "" {
			return nil, fault.Newf(fault.Invalid, "the url of module %s must be http://host:port or https://host:port without a path, not %q", to.Module, text)
		}
		base.Path = strings.TrimRight(base.Path, "/")
		if slices.ContainsFunc(r.bases, func(other *url.URL) bool { return addressOf(other) == addressOf(base) }) {
			continue
		}
		r.bases = append(r.bases, base)
		set = append(set, r.newEndpoint(base, ""))
		names = names || isLookedUp(base)
	}
	if len(set) == 0 || len(set) > endpointsMost {
		return nil, fault.Newf(fault.Invalid, "the module %s needs 1 to %d urls to be reached at, not %d", to.Module, endpointsMost, len(set))
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
func (r *Client) follow(o Options) {
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

func (r *Client) newEndpoint(base *url.URL, address string) *endpoint {
	e := newEndpoint(r.module, base, address, r.pattern, r.trust, r.balance, r.log)
	if r.wrap != nil {
		e.transport = r.wrap(e.transport)
	}
	return e
}

// Close ends the looking-up of names and waits for that, and closes the kept
// connections. Calls under way go on.
func (r *Client) Close() {
	r.stop()
	r.following.Wait()
	for _, e := range *r.endpoints.Load() {
		e.retire()
	}
}

// Warm opens connections to each endpoint, so that many calls that are about to be led there
// at once do not wait for names to resolve and for TLS. It is an attempt.
func (r *Client) Warm(ctx context.Context, connections int) {
	var all sync.WaitGroup
	for _, e := range *r.endpoints.Load() {
		for range connections { // at once: one after the other would use one connection
			all.Go(func() {
				req := (&http.Request{Method: http.MethodHead, URL: e.base.JoinPath("/"), Host: e.base.Host, Header: http.Header{}}).WithContext(ctx)
				if resp, err := e.transport.RoundTrip(req); err == nil {
					_ = resp.Body.Close() // whatever it says: the connection is kept
				}
			})
		}
	}
	all.Wait()
}

// URL is where the module is reached; several are joined by ", ".
func (r *Client) URL() string {
	urls := make([]string, len(r.bases))
	for i, base := range r.bases {
		urls[i] = addressOf(base)
	}
	return strings.Join(urls, ", ")
}

// Endpoints returns the state of the endpoints.
func (r *Client) Endpoints() []Status {
	set := *r.endpoints.Load()
	list := make([]Status, len(set))
	for i, e := range set {
		list[i] = e.status()
	}
	return list
}
