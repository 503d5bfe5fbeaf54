package httpserver

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"
)

const upperHex = "0123456789ABCDEF"

// NormalPath returns the normal form of an escaped path that begins with "/"
// (RFC 3986, 6.2.2 and 6.2.3): what need not be escaped is not, escapes have
// capital digits, "." and ".." are gone, and so are empty segments and the slash
// at the end, which no route has. An escaped slash stays escaped, because it has
// another meaning than a slash. A percent sign that does not start an escape is
// escaped.
func NormalPath(escaped string) string {
	if isNormal(escaped) { // as nearly all are
		return escaped
	}
	var kept []string
	for segment := range strings.SplitSeq(unescapeUnreserved(escaped), "/") {
		switch segment {
		case "", ".":
		case "..":
			kept = kept[:max(0, len(kept)-1)]
		default:
			kept = append(kept, segment)
		}
	}
	return "/" + strings.Join(kept, "/")
}

// isNormal reports whether a path can be seen to be in its normal form: without
// escapes, empty segments and those that begin with a dot.
func isNormal(path string) bool {
	previous := byte('/')
	for i := 1; i < len(path); i++ {
		c := path[i]
		if c == '%' || previous == '/' && (c == '/' || c == '.') {
			return false
		}
		previous = c
	}
	return path == "/" || path != "" && path[0] == '/' && previous != '/'
}

func unescapeUnreserved(path string) string {
	if !strings.Contains(path, "%") {
		return path
	}
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] != '%' {
			b.WriteByte(path[i])
			continue
		}
		high, low := byte(0xff), byte(0xff)
		if i+2 < len(path) {
			high, low = hexDigit(path[i+1]), hexDigit(path[i+2])
		}
		switch c := high<<4 | low; {
		case high > 15 || low > 15:
			b.WriteString("%25")
			continue
		case unreserved(c):
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', upperHex[high], upperHex[low]})
		}
		i += 2
	}
	return b.String()
}

// hexDigit returns the digit's value, and more than 15 for other bytes.
func hexDigit(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 0xff
}

// unreserved reports whether a byte means the same escaped and unescaped (RFC 3986,
// 2.3).
func unreserved(c byte) bool {
	letter := c|0x20 >= 'a' && c|0x20 <= 'z'
	return letter || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

// Serves reports whether the router has a route for an escaped path, with any
// method: a wrong method on such a path is a 405 of the router.
func Serves(router chi.Routes, method, path string) bool {
	if router == nil || !strings.HasPrefix(path, "/") { // OPTIONS *
		return false
	}
	if router.Match(chi.NewRouteContext(), method, path) {
		return true
	}
	for _, other := range routable {
		if other != method && router.Match(chi.NewRouteContext(), other, path) {
			return true
		}
	}
	return false
}

// RedirectTo redirects a client to the normal, escaped form of the requested path
// within the site, with its query. The status 308 makes it repeat the method and the body.
func RedirectTo(w http.ResponseWriter, r *http.Request, path string) {
	w.Header().Set("Location", withQuery(Outside(r.Context(), path), r.URL))
	w.WriteHeader(http.StatusPermanentRedirect)
}

func withQuery(path string, asked *url.URL) string {
	if asked.RawQuery != "" {
		return path + "?" + asked.RawQuery
	}
	return path
}

// redirectToNormal redirects a path without a route if its normal form has one, and
// reports whether it did.
func (s *Server) redirectToNormal(w http.ResponseWriter, r *http.Request) bool {
	path := r.URL.EscapedPath()
	if !strings.HasPrefix(path, "/") {
		return false
	}
	normal := NormalPath(path)
	if normal == path || !Serves(s.router, r.Method, normal) {
		return false
	}
	RedirectTo(w, r, normal)
	return true
}

// IsFor reports whether a request is for a host, which is host[:port]; a port
// that the request's client left out is the usual one.
func IsFor(r *http.Request, host string) bool {
	return strings.EqualFold(withoutUsualPort(r.Host), withoutUsualPort(host))
}

// IsNamed is IsFor for requests through a proxy that leaves the port out, too.
func IsNamed(r *http.Request, host string) bool {
	asked := &url.URL{Host: r.Host}
	return IsFor(r, host) || asked.Port() == "" && strings.EqualFold(asked.Hostname(), (&url.URL{Host: host}).Hostname())
}

func withoutUsualPort(host string) string {
	return strings.TrimSuffix(strings.TrimSuffix(host, ":443"), ":80")
}
