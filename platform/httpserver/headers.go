package httpserver

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"
)

// What a page may do (https://www.w3.org/TR/CSP3/): run the scripts that carry
// this answer's nonce, load this site's styles, images and fonts, send requests
// to this site, and nothing else. data: images are wallets' icons (EIP-6963).
const (
	pagePolicyBefore = "default-src 'none'; script-src 'nonce-"
	pagePolicyAfter  = "'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
		"manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	// Answers that are not pages may do nothing when they are opened as one.
	inertPolicy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

// hsts keeps browsers on https for a year (RFC 6797). It is also what makes
// the origin check sound, which takes http://host for https://host.
const hsts = "max-age=31536000"

// securityHeaders sets what every answer carries. A handler may change them.
// The values are made once and shared by all answers: Set replaces a value and
// Add copies it (it has no spare capacity), so no answer changes another's.
func (s *Server) securityHeaders(https, subdomains bool) func(http.Handler) http.Handler {
	inert := headers{
		{"Content-Security-Policy", []string{inertPolicy}},
		{"X-Content-Type-Options", []string{"nosniff"}},
		{"Cross-Origin-Resource-Policy", []string{"same-origin"}},
	}
	page := headers{ // headers that only matter for documents are not sent with the API's answers
		{"X-Content-Type-Options", []string{"nosniff"}},
		{"Cross-Origin-Resource-Policy", []string{"same-origin"}},
		{"Cross-Origin-Opener-Policy", []string{"same-origin"}},
		{"X-Frame-Options", []string{"DENY"}},
		{"Referrer-Policy", []string{"same-origin"}},
		{"Permissions-Policy", []string{"camera=(), geolocation=(), microphone=(), payment=(), usb=()"}},
	}
	if https {
		policy := hsts
		if subdomains {
			policy += "; includeSubDomains"
		}
		secure := headers{{"Strict-Transport-Security", []string{policy}}}
		inert, page = append(inert, secure...), append(page, secure...)
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if isAPI(r) || strings.HasPrefix(r.URL.Path, s.options.AssetPrefix) {
				inert.set(w.Header())
			} else {
				page.set(w.Header())
				state := stateOf(r.Context())
				state.nonce = rand.Text()
				w.Header().Set("Content-Security-Policy", pagePolicyBefore+state.nonce+pagePolicyAfter)
			}
			next.ServeHTTP(w, r)
		})
	}
}

// headers are in their canonical form, in a list: walking a map takes longer
// than all that is done with it.
type headers []struct {
	name  string
	value []string
}

func (all headers) set(h http.Header) {
	for _, one := range all {
		h[one.name] = one.value
	}
}

// Nonce returns the value for a page's <script nonce="…">; "" for the API and for
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
