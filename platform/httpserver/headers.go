package httpserver

import (
	"context"
	"maps"
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
// The values are made once and shared by all answers: Set replaces a value and
// Add copies it (there is no room behind it), so nobody writes into another's.
func (s *Server) securityHeaders(https bool) func(http.Handler) http.Handler {
	inert := map[string][]string{
		"Content-Security-Policy":      {inertPolicy},
		"X-Content-Type-Options":       {"nosniff"},
		"Cross-Origin-Resource-Policy": {"same-origin"},
	}
	page := map[string][]string{ // what only documents heed is not sent with every answer of the API
		"X-Content-Type-Options":       {"nosniff"},
		"Cross-Origin-Resource-Policy": {"same-origin"},
		"Cross-Origin-Opener-Policy":   {"same-origin"},
		"X-Frame-Options":              {"DENY"},
		"Referrer-Policy":              {"same-origin"},
		"Permissions-Policy":           {"camera=(), geolocation=(), microphone=(), payment=(), usb=()"},
	}
	if https {
		inert["Strict-Transport-Security"], page["Strict-Transport-Security"] = []string{hsts}, []string{hsts}
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if isAPI(r) || strings.HasPrefix(r.URL.Path, s.options.AssetPrefix) {
				maps.Copy(w.Header(), inert)
			} else {
				maps.Copy(w.Header(), page)
				state := stateOf(r.Context())
				state.nonce = s.random(16)
				w.Header().Set("Content-Security-Policy", pagePolicyBefore+state.nonce+pagePolicyAfter)
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
