package httpserver

import (
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"
)

// Sharing says for which pages of other sites an operation may be read
// (https://fetch.spec.whatwg.org/#http-cors-protocol). Cookies are never taken
// from there: nothing here allows credentials, and those of sessions are
// SameSite=Lax.
type Sharing int

// What is not public, or changes something, is shared with nobody.
const (
	SharedWithNobody Sharing = iota
	SharedWithListed         // the sites of http.cors_origins
	SharedWithAll
)

const (
	allowOrigin    = "Access-Control-Allow-Origin"
	preflightLife  = "7200" // seconds; browsers take no more
	sharedHeaders  = "Accept, Authorization, Content-Type, If-None-Match"
	exposedHeaders = "ETag, Retry-After, X-Request-Id"
)

// shareAnswers sets what lets pages of other sites read an answer, refusals
// included. Where a site is not listed the answer names the one origin that is, our
// own, so that the browser of whoever builds such a page says what is wrong.
func (s *Server) shareAnswers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origin := r.Header.Get("Origin")
		if origin == "" || !isAPI(r) || s.options.Sharing == nil {
			next.ServeHTTP(w, r)
			return
		}
		method, preflight := r.Method, r.Header.Get("Access-Control-Request-Method")
		if method == http.MethodOptions && preflight != "" {
			method = preflight
		}
		sharing := s.sharing(method, routePath(r))
		if sharing == SharedWithNobody {
			next.ServeHTTP(w, r)
			return
		}
		h := w.Header()
		allowed := s.allowedOrigin(origin, sharing)
		h.Set(allowOrigin, allowed)
		if allowed != "*" {
			h.Add("Vary", "Origin")
		}
		h.Set("Access-Control-Expose-Headers", exposedHeaders)
		if method != r.Method {
			h.Set("Access-Control-Allow-Methods", "GET, HEAD")
			h.Set("Access-Control-Allow-Headers", sharedHeaders)
			h.Set("Access-Control-Max-Age", preflightLife)
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) allowedOrigin(origin string, sharing Sharing) string {
	switch {
	case sharing == SharedWithAll, slices.Contains(s.options.Limits.CORSOrigins, "*"):
		return "*"
	case slices.Contains(s.options.Limits.CORSOrigins, strings.ToLower(origin)):
		return strings.ToLower(origin)
	}
	return s.origin
}

// sharing is that of the operation which serves a path.
func (s *Server) sharing(method, path string) Sharing {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if method != http.MethodGet {
		return SharedWithNobody
	}
	route := chi.NewRouteContext()
	if !s.router.Match(route, method, path) {
		return SharedWithNobody
	}
	return s.options.Sharing(route.RoutePattern())
}
