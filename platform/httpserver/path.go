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
// at the end, which no address of ours has. An escaped slash stays one, because
// it means another thing than a slash. A percent sign that begins no escape is escaped.
func NormalPath(escaped string) string {
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

// hexDigit returns the digit's value, and more than 15 for what is none.
func hexDigit(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 0xff
}

// unreserved is what RFC 3986, 2.3 says is the same with and without an escape.
func unreserved(c byte) bool {
	letter := c|0x20 >= 'a' && c|0x20 <= 'z'
	return letter || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

// Serves reports whether the router has an escaped path, with whatever method: a
// wrong method on a path of ours is for us to refuse.
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

// RedirectTo sends a client to another spelling of the path that it asked for,
// which is escaped and normal, with its query; 308 has it send the same again.
func RedirectTo(w http.ResponseWriter, r *http.Request, path string) {
	w.Header().Set("Location", withQuery(path, r.URL))
	w.WriteHeader(http.StatusPermanentRedirect)
}

func withQuery(path string, asked *url.URL) string {
	if asked.RawQuery != "" {
		return path + "?" + asked.RawQuery
	}
	return path
}

// redirectToNormal answers for a path that nobody has when its normal form is
// one of ours.
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

func withoutUsualPort(host string) string {
	return strings.TrimSuffix(strings.TrimSuffix(host, ":443"), ":80")
}
