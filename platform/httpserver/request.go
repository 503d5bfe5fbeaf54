package httpserver

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/platform/plain"
	"banyan/platform/requestctx"
)

// requestState is the state of one request that the layers share, and the context
// that carries it: one allocation for all of it.
type requestState struct {
	requestctx.Request
	route  *chi.Context
	config *Settings
	began  time.Time
	client netip.Addr
	header [1]string // the id, as a header's value
	writer recorder
	body   *limitedBody // nil: the request has none
	payer  payer
	now    func() time.Time
	nonce  string
	caller string // "" = nobody is known
	base   string // path of the site, see base.go
	asked  string // escaped path before the site's was cut from it; "" if it was not
	// foreign: the request asks for a host that is not this server's.
	foreign bool
}

type stateKey struct{}

// Value implements context.Context.
func (s *requestState) Value(key any) any {
	switch key {
	case stateKey{}:
		return s
	case chi.RouteCtxKey:
		return s.route
	}
	return s.Request.Value(key)
}

var _ context.Context = (*requestState)(nil)

// newContext returns the context of a request's handlers, with everything that the
// layers look for in it. The state is the context itself, which saves two
// allocations and two steps of every look-up; layeredContext is the plain twin.
func newContext(parent context.Context, s *requestState) context.Context {
	if plain.On {
		return layeredContext(parent, s)
	}
	requestctx.With(parent, &s.Request)
	return s
}

func layeredContext(parent context.Context, s *requestState) context.Context {
	ctx := requestctx.With(parent, &s.Request)
	ctx = context.WithValue(ctx, chi.RouteCtxKey, s.route)
	return context.WithValue(ctx, stateKey{}, s)
}

func stateOf(ctx context.Context) *requestState {
	state, _ := ctx.Value(stateKey{}).(*requestState)
	return state
}

// ClientIP returns the client's address, the invalid one if the proxies did not send it.
func ClientIP(ctx context.Context) netip.Addr {
	if state := stateOf(ctx); state != nil {
		return state.client
	}
	return netip.Addr{}
}

// ClientNetwork returns the network of the request's client: its IPv4 address, or its
// IPv6 /64, which one customer has; "" when it is not known.
func ClientNetwork(ctx context.Context) string {
	if key := clientKey(ClientIP(ctx)); key.IsValid() {
		return key.String()
	}
	return ""
}

const requestIDHeader = "X-Request-Id"

// request assigns every request an id: the one that a trusted proxy or the trunk has
// sent, if it is valid, else a new one. The answer has it as a header. It is in front
// of the router and provides the router's own context, so that the request is copied
// once and not twice.
func (s *Server) request(router http.Handler) http.Handler {
	limits := s.options.Limits
	routes := sync.Pool{New: func() any { return chi.NewRouteContext() }}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		route := routes.Get().(*chi.Context)
		if plain.On {
			route = chi.NewRouteContext()
		}
		route.Reset()
		route.Routes = s.router
		peer := peerOf(r)
		fromProxy := s.proxies.trusts(peer)
		state := &requestState{route: route, config: &limits, began: s.options.Now(), client: s.proxies.client(peer, r.Header), now: s.options.Now, foreign: s.isForeign(r), base: s.base}
		if !fromProxy && !s.options.Internal && r.Header[forwardedFor] != nil {
			s.warnUntrusted(r, peer)
		}
		if (fromProxy || s.options.Internal) && validID(r.Header.Get(requestIDHeader)) {
			state.ID = r.Header.Get(requestIDHeader)
		} else {
			state.ID = newID()
		}
		state.header[0] = state.ID
		w.Header()[requestIDHeader] = state.header[:]
		state.Limits = state
		ctx := newContext(r.Context(), state)
		state.writer = recorder{ResponseWriter: w, state: state}
		r = r.WithContext(ctx)
		if s.base != "" {
			s.cutBase(r, state)
		}
		defer state.endUpload() // also after a panic
		router.ServeHTTP(&state.writer, r)
		routes.Put(route)
	})
}

// newID returns 24 random hex digits. An id is not secret, so it does not come from
// crypto/rand, which would take longer than most answers.
func newID() string {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:], rand.Uint64())  //nolint:gosec // see above
	binary.BigEndian.PutUint64(raw[8:], rand.Uint64()) //nolint:gosec // see above
	var text [24]byte
	hex.Encode(text[:], raw[:len(text)/2])
	return string(text[:])
}

// validID reports whether an id is safe in a log line and a header.
func validID(id string) bool {
	if len(id) < 8 || len(id) > 64 {
		return false
	}
	for _, c := range []byte(id) {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

type drainingKey struct{}

// Draining returns a channel that is closed when the server begins to stop: a
// handler of a long stream must return then, so that it is not interrupted. Outside
// a server it is nil and never closes.
func Draining(ctx context.Context) <-chan struct{} {
	c, _ := ctx.Value(drainingKey{}).(<-chan struct{})
	return c
}
