package httpserver

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"
)

// A site may be below a path of its host (public_url: https://example.org/app/).
// A proxy in front passes the path on as it came, or strips the site's; both are
// served, so the path of the site is cut from those requests that have it, before
// anything looks at them. Behind cutBase all paths are within the site; Outside
// makes the path that clients ask for of them.

// cutBase cuts the site's path from a request whose URL nobody else has yet. Another
// spelling of it counts, too, and is redirected to the usual one (toSpelling).
func (s *Server) cutBase(r *http.Request, state *requestState) {
	escaped := r.URL.EscapedPath()
	rest, ok := below(escaped, s.base)
	if !ok {
		if !strings.HasPrefix(escaped, "/") { // OPTIONS *
			return
		}
		if rest, ok = below(NormalPath(escaped), s.base); !ok {
			return
		}
	}
	if rest == "" {
		rest = "/"
	}
	path, err := url.PathUnescape(rest)
	if err != nil { // net/http has unescaped it already
		return
	}
	within := *r.URL
	within.Path, within.RawPath = path, ""
	if within.EscapedPath() != rest {
		within.RawPath = rest
	}
	r.URL, state.asked = &within, escaped
}

// below returns what follows prefix in a path, "" or with a slash, and whether the
// path is prefix or below it.
func below(path, prefix string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(path, prefix)
	return rest, ok && (rest == "" || rest[0] == '/')
}

// toSpelling redirects to the site's path as it is written: with the slash behind
// it, from which the links of the site's first page start.
func (s *Server) toSpelling(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		within := r.URL.EscapedPath()
		if asked := stateOf(r.Context()).asked; asked != "" && asked != s.base+within {
			RedirectTo(w, r, within)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Outside returns a path within the site as clients ask for it.
func Outside(ctx context.Context, path string) string {
	if state := stateOf(ctx); state != nil {
		return state.base + path
	}
	return path
}

// AskedPath returns the escaped path of a request as it came.
func AskedPath(r *http.Request) string {
	if state := stateOf(r.Context()); state != nil && state.asked != "" {
		return state.asked
	}
	return r.URL.EscapedPath()
}

// IsSpelled reports whether a request was for this escaped path within the site in
// its usual spelling.
func IsSpelled(r *http.Request, path string) bool {
	if state := stateOf(r.Context()); state != nil && state.asked != "" {
		return state.asked == state.base+path
	}
	return r.URL.EscapedPath() == path
}

// checkBase refuses a path of the site that is one of its pages: behind a proxy that
// strips the site's path, nobody could say which of the two is meant.
func (s *Server) checkBase() error {
	if s.base == "" {
		return nil
	}
	return chi.Walk(s.router, func(_, pattern string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if _, taken := below(pattern, s.base); taken {
			return fmt.Errorf("public_url is %s, and %s is the path of pages within the site: choose another path, like /app/", s.options.PublicURL, s.base)
		}
		return nil
	})
}
