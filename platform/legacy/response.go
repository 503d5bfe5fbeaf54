package legacy

import (
	"net/http"
	"slices"
	"strings"
)

// response is what the reverse proxy writes an answer to. It keeps the legacy
// system's headers apart from those that Banyan has put on the answer until the
// answer begins, because an early one (103) must carry none of ours, and the
// reverse proxy clears all headers that it finds after it.
type response struct {
	http.ResponseWriter
	header http.Header // the legacy system's; nil once the answer has begun
}

// Header is the whole answer's once it has begun, since trailers are set there.
func (r *response) Header() http.Header {
	if r.header == nil {
		return r.ResponseWriter.Header()
	}
	return r.header
}

// WriteHeader begins the answer, or sends an early one.
func (r *response) WriteHeader(status int) {
	if r.header == nil {
		return
	}
	ours := r.ResponseWriter.Header()
	if status < http.StatusOK && status != http.StatusSwitchingProtocols {
		r.early(ours, status)
		return
	}
	for name, values := range r.header {
		ours[name] = append(slices.Clone(ours[name]), values...)
	}
	r.header = nil
	r.ResponseWriter.WriteHeader(status)
}

// early sends an informational answer with the legacy system's headers alone.
func (r *response) early(ours http.Header, status int) {
	aside := make(http.Header, len(ours))
	for name, values := range ours {
		aside[name] = values
		delete(ours, name)
	}
	for name, values := range r.header {
		ours[name] = values
	}
	dropHopByHop(ours)
	dropOriginWide(ours)
	delete(ours, "Set-Cookie")
	r.ResponseWriter.WriteHeader(status)
	clear(ours)
	for name, values := range aside {
		ours[name] = values
	}
}

// Write begins the answer when WriteHeader has not.
func (r *response) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController find the connection.
func (r *response) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// hopByHop are headers of one connection (RFC 9110, 7.6.1), beside those that
// Connection names.
var hopByHop = []string{
	"Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// dropHopByHop is for informational answers: net/http/httputil does it for all
// others (https://go.dev/issue/81319).
func dropHopByHop(h http.Header) {
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			h.Del(strings.TrimSpace(name))
		}
	}
	for _, name := range hopByHop {
		h.Del(name)
	}
}

// originWide are answers' headers that act on the whole origin, which is
// Banyan's, too: they would sign people out, put a service worker before
// Banyan's pages, or lead browsers and their reports to another server.
var originWide = []string{"Clear-Site-Data", "Service-Worker-Allowed", "Alt-Svc", "Public-Key-Pins", "Nel"}

func dropOriginWide(h http.Header) {
	for _, name := range originWide {
		h.Del(name)
	}
}
