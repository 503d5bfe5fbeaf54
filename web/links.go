package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"banyan/platform/fault"
	"banyan/platform/httpserver"
)

// at returns the address of one of our own pages, forms or files, whose parts
// are joined: every link, form and redirect is made here. In front of a legacy
// system all of them stand below Options.Prefix, and those of modules also where
// they stand without one as soon as all clients are led there. Operators' pages
// are named with Options.OperatorURL.
func (w *Web) at(parts ...any) string {
	path := joined(parts)
	switch {
	case w.o.Prefix == "":
		return path
	case w.o.OperatorURL != "" && operators(path):
		return w.o.OperatorURL + w.o.Prefix + path
	case ofModules(path) && w.o.Taken != nil && w.o.Taken(path):
		return path
	case path == "/":
		return w.o.Prefix
	}
	return w.o.Prefix + path
}

// canonical is the one address of a page that may be reached at two.
func (w *Web) canonical(r *http.Request) string {
	address := w.at(w.plain(r))
	if strings.HasPrefix(address, "/") {
		return w.o.PublicURL + address
	}
	return address
}

// below returns the path of a page on the host that the request came to.
func (w *Web) below(path string) string { return w.o.Prefix + path }

func joined(parts []any) string {
	var path strings.Builder
	for _, part := range parts {
		fmt.Fprint(&path, part)
	}
	return path.String()
}

func operators(path string) bool { return path == "/operator" || strings.HasPrefix(path, "/operator/") }

// ofModules reports whether a path is of the pages that a legacy system may have,
// too, and that are taken from it.
func ofModules(path string) bool {
	for _, page := range [...]string{"/exchanges", "/airdrops", "/reputation", "/wallets"} {
		if path == page || strings.HasPrefix(path, page+"/") {
			return true
		}
	}
	return path == "/"
}

// plain returns a request's path as it is without a prefix, escaped.
func (w *Web) plain(r *http.Request) string {
	path := r.URL.EscapedPath()
	if rest, below := strings.CutPrefix(path, w.o.Prefix); below && w.o.Prefix != "" {
		if rest == "" {
			return "/"
		}
		if rest[0] == '/' {
			return rest
		}
	}
	return path
}

// goTo answers with a redirect to a page of ours.
func (w *Web) goTo(rw http.ResponseWriter, r *http.Request, parts ...any) {
	http.Redirect(rw, r, w.at(parts...), http.StatusSeeOther) //nolint:gosec // at begins with a path or host of ours
}

// onOperatorHost keeps operators' pages to the host that they have for their own.
func (w *Web) onOperatorHost(next http.Handler) http.Handler {
	own, err := url.Parse(w.o.OperatorURL)
	if err != nil || own.Host == "" {
		return next
	}
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch {
		case httpserver.IsFor(r, own.Host):
			next.ServeHTTP(rw, r)
		case r.Method == http.MethodGet || r.Method == http.MethodHead:
			http.Redirect(rw, r, w.o.OperatorURL+r.URL.RequestURI(), http.StatusTemporaryRedirect) //nolint:gosec // a page of ours, on our other host
		default:
			w.fail(rw, r, fault.New(fault.Forbidden, "operators work at "+w.o.OperatorURL+": sign in there"))
		}
	})
}
