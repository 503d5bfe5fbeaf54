package httpserver

import (
	"context"
	"encoding/hex"
	"io"
	"net/http"
	"net/netip"

	"github.com/go-chi/chi/v5/middleware"

	"banyan/platform/config"
	"banyan/platform/telemetry"
)

// requestState is what the layers share about one request: one allocation for
// all of them.
type requestState struct {
	telemetry.Request
	limits *config.HTTP
	writer recorder
	body   limitedBody
	nonce  string
}

type stateKey struct{}

func stateOf(ctx context.Context) *requestState {
	state, _ := ctx.Value(stateKey{}).(*requestState)
	return state
}

// clientAddress finds who is calling. Without proxies it is the connection's
// other end; with n proxies the n-th entry of X-Forwarded-For from the right,
// which is the leftmost that a proxy of ours wrote. Entries further left are
// the caller's own words and never believed.
func (s *Server) clientAddress() func(http.Handler) http.Handler {
	if n := s.options.Limits.TrustedProxies; n > 0 {
		return middleware.ClientIPFromXFFTrustedProxies(n)
	}
	return middleware.ClientIPFromRemoteAddr
}

// ClientIP is the caller's address; invalid when the proxies did not say.
func ClientIP(ctx context.Context) netip.Addr { return middleware.GetClientIPAddr(ctx) }

const requestIDHeader = "X-Request-Id"

// request gives every request its id: the proxy's or the trunk's when there is
// one in front that we trust and its id is sane, else a new one. The answer carries it.
func (s *Server) request(next http.Handler) http.Handler {
	limits := s.options.Limits
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		state := &requestState{limits: &limits}
		if (limits.TrustedProxies > 0 || s.options.Internal) && saneID(r.Header.Get(requestIDHeader)) {
			state.ID = r.Header.Get(requestIDHeader)
		} else {
			state.ID = s.random(12)
		}
		w.Header().Set(requestIDHeader, state.ID)
		ctx := telemetry.WithRequest(context.WithValue(r.Context(), stateKey{}, state), &state.Request)
		state.writer = recorder{ResponseWriter: w, state: state}
		next.ServeHTTP(&state.writer, r.WithContext(ctx))
	})
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

// random gives n random bytes as hex.
func (s *Server) random(n int) string {
	var raw [16]byte
	if _, err := io.ReadFull(s.options.Rand, raw[:n]); err != nil {
		panic("the system gives no random bytes: " + err.Error()) // nothing secure can go on
	}
	return hex.EncodeToString(raw[:n])
}

type drainingKey struct{}

// Draining is closed when the server begins to stop: a handler that streams
// for long ends then, so that the stop need not cut it off. Outside a server
// it never closes.
func Draining(ctx context.Context) <-chan struct{} {
	c, _ := ctx.Value(drainingKey{}).(<-chan struct{})
	return c
}
