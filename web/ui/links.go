package ui

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"banyan/platform/fault"
	"banyan/platform/httpserver"
)

// At returns the address of one of our own pages, forms or files, whose parts
// are joined: every link, form and redirect is made here. In front of a legacy
// system all of them stand below Options.Prefix, and those of modules also where
// they stand without one as soon as all clients are led there. Operators' pages
// are named with Options.OperatorURL.
func (s *Site) At(parts ...any) string {
	path := joined(parts)
	switch {
	case s.o.Prefix == "":
		return path
	case s.o.OperatorURL != "" && operators(path):
		return s.o.OperatorURL + s.o.Prefix + path
	case s.isMoved(path) && s.o.Taken != nil && s.o.Taken(path):
		return path
	case path == "/":
		return s.o.Prefix
	}
	return s.o.Prefix + path
}

// Absolute is At for other programs: with the host.
func (s *Site) Absolute(parts ...any) string {
	address := s.At(parts...)
	if strings.HasPrefix(address, "/") {
		return s.o.PublicURL + address
	}
	return address
}

// canonical is the one address of a page that may be reached at two.
func (s *Site) canonical(r *http.Request) string {
	return s.Absolute(s.plain(r))
}

// Below returns the path of a page on the host that the request came to.
func (s *Site) Below(path string) string { return s.o.Prefix + path }

func joined(parts []any) string {
	var path strings.Builder
	for _, part := range parts {
		fmt.Fprint(&path, part)
	}
	return path.String()
}

func operators(path string) bool { return path == "/operator" || strings.HasPrefix(path, "/operator/") }

// isMoved reports whether a path is of the pages that a legacy system may have,
// too, and that are taken from it.
func (s *Site) isMoved(path string) bool {
	for _, page := range s.moved {
		if path == page || strings.HasPrefix(path, page+"/") {
			return true
		}
	}
	return path == "/"
}

// plain returns a request's path as it is without a prefix, escaped.
func (s *Site) plain(r *http.Request) string {
	path := r.URL.EscapedPath()
	if rest, below := strings.CutPrefix(path, s.o.Prefix); below && s.o.Prefix != "" {
		if rest == "" {
			return "/"
		}
		if rest[0] == '/' {
			return rest
		}
	}
	return path
}

// GoTo answers with a redirect to a page of ours.
func (s *Site) GoTo(rw http.ResponseWriter, r *http.Request, parts ...any) {
	http.Redirect(rw, r, s.At(parts...), http.StatusSeeOther)
}

// OnOperatorHost keeps operators' pages to the host that they have of their own.
func (s *Site) OnOperatorHost(next http.Handler) http.Handler {
	own, err := url.Parse(s.o.OperatorURL)
	if err != nil || own.Host == "" {
		return next
	}
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch {
		case httpserver.IsFor(r, own.Host):
			next.ServeHTTP(rw, r)
		case r.Method == http.MethodGet || r.Method == http.MethodHead:
			http.Redirect(rw, r, s.o.OperatorURL+r.URL.RequestURI(), http.StatusTemporaryRedirect) //nolint:gosec // a page of ours, on our other host
		default:
			s.fail(rw, r, fault.New(fault.Forbidden, "operators work at "+s.o.OperatorURL+": sign in there and send it again"))
		}
	})
}

// OwnPath admits only pages of this site as the place to go after signing in;
// browsers read //host and /\host as another site.
func (s *Site) OwnPath(next string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return s.At("/")
	}
	return next
}
