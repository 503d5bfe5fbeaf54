package httpserver

import (
	"context"
	"net/http"
	"strings"
)

// What a page may do (https://www.w3.org/TR/CSP3/): run the scripts that carry
// this answer's nonce, load styles, images and fonts of ours, talk to us, and
// nothing else. data: images are wallets' icons (EIP-6963).
const (
	pagePolicyBefore = "default-src 'none'; script-src 'nonce-"
	pagePolicyAfter  = "'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
		"manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	// Answers that are no pages may do nothing when somebody opens them as one.
	inertPolicy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

// hsts keeps browsers on https for a year (RFC 6797). It is also what makes
// the origin check sound, which takes http://host for https://host.
const hsts = "max-age=31536000"

// securityHeaders sets what every answer carries. A handler may change them.
func (s *Server) securityHeaders(https bool) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			if isAPI(r) || strings.HasPrefix(r.URL.Path, s.options.AssetPrefix) {
				h.Set("Content-Security-Policy", inertPolicy)
			} else {
				state := stateOf(r.Context())
				state.nonce = s.random(16)
				h.Set("Content-Security-Policy", pagePolicyBefore+state.nonce+pagePolicyAfter)
			}
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("X-Frame-Options", "DENY")
			h.Set("Referrer-Policy", "same-origin")
			h.Set("Cross-Origin-Opener-Policy", "same-origin")
			h.Set("Cross-Origin-Resource-Policy", "same-origin")
			h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
			if https {
				h.Set("Strict-Transport-Security", hsts)
			}
			next.ServeHTTP(w, r)
		})
	}
}

// Nonce is what a page's <script nonce="…"> carries; "" for the API and for
// assets, which run no scripts.
func Nonce(ctx context.Context) string {
	if state := stateOf(ctx); state != nil {
		return state.nonce
	}
	return ""
}

func isAPI(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/api/") || r.URL.Path == "/api"
}
