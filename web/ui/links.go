package ui

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"banyan/platform/config"
	"banyan/platform/fault"
	"banyan/platform/httpserver"
)

// At returns the address of one of our own pages, forms or files, whose parts
// are joined: every redirect is made here, and every link and form by link.
func (s *Site) At(parts ...any) string { return s.outside(s.path(parts...)) }

// outside returns a path within the site as browsers ask for it.
func (s *Site) outside(path string) string {
	if strings.HasPrefix(path, "/") {
		return s.base + path
	}
	return path
}

// Templates do not know where the page that they are a part of will stand, so their
// links begin with a mark, for which render puts the way from there to the site's
// root: the site's path where public_url has one, and else a relative one, so that
// the links are right wherever a proxy has the site.

// link is At in templates.
func (s *Site) link(parts ...any) string { return s.fromRoot(s.path(parts...)) }

// fromRoot is a link to a path within the site, whatever Options.Prefix.
func (s *Site) fromRoot(path string) string {
	if strings.HasPrefix(path, "/") {
		return s.mark + path[1:]
	}
	return path
}

// newMark returns a mark that nobody else can write into a page: it stands
// unchanged in every place of an address.
func newMark() string { return "/-" + rand.Text() + "-/" }

// rootFrom returns what stands for the mark in a page with this escaped path.
func (s *Site) rootFrom(path string) string {
	if s.base != "" {
		return s.base + "/"
	}
	if up := strings.Count(path, "/") - 1; up > 0 {
		return strings.Repeat("../", up)
	}
	return "./"
}

// path returns the path of a page, form or file within the site. In front of a
// legacy system all of them stand below Options.Prefix, and those of modules also
// where they stand without one as soon as all clients are led there. Operators'
// pages are named with Options.OperatorURL.
func (s *Site) path(parts ...any) string {
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
		return config.OriginOf(s.o.PublicURL) + address
	}
	return address
}

// canonical is the one address of a page that may be reached at two.
func (s *Site) canonical(r *http.Request) string {
	return s.Absolute(s.Plain(r))
}

// picture is the address of the picture that others show of a page.
func (s *Site) picture(r *http.Request) string {
	page := s.Plain(r)
	if page == "/" {
		page = "/home"
	}
	return s.Absolute("/cards", page, ".png")
}

// knownAs is the address of a page at public_url, for those who visit it by another
// name, where signing in is not possible; "" for all others.
func (s *Site) knownAs(r *http.Request) string {
	for _, address := range []string{s.o.PublicURL, s.o.OperatorURL} {
		if own, err := url.Parse(address); err == nil && own.Host != "" && httpserver.IsNamed(r, own.Host) {
			return ""
		}
	}
	if s.o.PublicURL == "" {
		return ""
	}
	return s.o.PublicURL + r.URL.EscapedPath()
}

// Below returns the path of a page within the site, on the host that the request
// came to.
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

// Plain returns a request's path as it is without a prefix, escaped.
func (s *Site) Plain(r *http.Request) string {
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
	http.Redirect(rw, r, s.At(parts...), http.StatusSeeOther) //nolint:gosec // At begins with our own path, whatever is in it
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
// browsers read //host and /\host as another site. The path is one within the site.
func (s *Site) OwnPath(next string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return s.path("/")
	}
	return next
}

// GoBack answers with a redirect to a path that OwnPath has admitted.
func (s *Site) GoBack(rw http.ResponseWriter, r *http.Request, next string) {
	http.Redirect(rw, r, s.outside(next), http.StatusSeeOther) //nolint:gosec // OwnPath admits paths of this site only
}
