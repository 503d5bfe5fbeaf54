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

	"banyan/platform/requestctx"
)

// requestState is what the layers share about one request, and the context that
// they find it in: one allocation for all of them.
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

func stateOf(ctx context.Context) *requestState {
	state, _ := ctx.Value(stateKey{}).(*requestState)
	return state
}

// ClientIP is the caller's address; invalid when the proxies did not say.
func ClientIP(ctx context.Context) netip.Addr {
	if state := stateOf(ctx); state != nil {
		return state.client
	}
	return netip.Addr{}
}

const requestIDHeader = "X-Request-Id"

// request gives every request its id: the proxy's or the trunk's when there is
// one in front that we trust and its id is sane, else a new one. The answer carries
// it. It stands in front of the router and brings the router's own context, so
// that the request is copied once and not twice.
func (s *Server) request(router http.Handler) http.Handler {
	limits := s.options.Limits
	routes := sync.Pool{New: func() any { return chi.NewRouteContext() }}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		route := routes.Get().(*chi.Context)
		route.Reset()
		route.Routes = s.router
		peer := peerOf(r)
		fromProxy := s.proxies.trusts(peer)
		state := &requestState{route: route, config: &limits, began: s.options.Now(), client: s.proxies.client(peer, r.Header), now: s.options.Now, foreign: s.isForeign(r)}
		if !fromProxy && !s.options.Internal && r.Header[forwardedFor] != nil {
			s.warnUntrusted(r, peer)
		}
		if (fromProxy || s.options.Internal) && saneID(r.Header.Get(requestIDHeader)) {
			state.ID = r.Header.Get(requestIDHeader)
		} else {
			state.ID = newID()
		}
		state.header[0] = state.ID
		w.Header()[requestIDHeader] = state.header[:]
		state.Limits = state
		requestctx.With(r.Context(), &state.Request)
		state.writer = recorder{ResponseWriter: w, state: state}
		router.ServeHTTP(&state.writer, r.WithContext(state))
		routes.Put(route)
	})
}

// newID is 24 hex digits that nobody else has. It is no secret, so it need not
// come from the system, which would take longer for it than most answers wait.
func newID() string {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:], rand.Uint64())  //nolint:gosec // see above
	binary.BigEndian.PutUint64(raw[8:], rand.Uint64()) //nolint:gosec // see above
	var text [24]byte
	hex.Encode(text[:], raw[:len(text)/2])
	return string(text[:])
}

// saneID takes what can stand in a log line and a header unharmed.
func saneID(id string) bool {
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

// Draining is closed when the server begins to stop: a handler that streams
// for long ends then, so that the stop need not cut it off. Outside a server
// it never closes.
func Draining(ctx context.Context) <-chan struct{} {
	c, _ := ctx.Value(drainingKey{}).(<-chan struct{})
	return c
}
