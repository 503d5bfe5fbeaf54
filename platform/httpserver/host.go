package httpserver

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"

	"banyan/platform/config"
	"banyan/platform/fault"
	"banyan/platform/loopback"
)

// A page of any site can be sent here under that site's own name, when its owner
// has the name lead to this machine (DNS rebinding): to the browser it is then of
// the same origin as what is served here. So nothing is served under names that
// are not this server's.

// hosts are the names that a server goes by, without ports: a proxy in front may
// leave the port out, and it is the name that somebody else can own.
type hosts struct {
	names    map[string]bool
	loopback bool // all names of this machine for itself
}

func newHosts(names ...string) hosts {
	h := hosts{names: make(map[string]bool, len(names))}
	for _, name := range names {
		name = plainHost(name)
		h.names[name] = name != ""
		h.loopback = h.loopback || loopback.Host(name)
	}
	return h
}

// has reports whether a Host header names this server.
func (h hosts) has(host string) bool {
	name := hostname(host)
	return h.names[name] || h.loopback && loopback.Host(name)
}

// hostname is a Host header without port and brackets, in one spelling.
func hostname(host string) string { return plainHost((&url.URL{Host: host}).Hostname()) }

func plainHost(name string) string {
	if address, err := netip.ParseAddr(name); err == nil {
		return address.Unmap().String()
	}
	return strings.ToLower(strings.TrimSuffix(name, "."))
}

// ownHosts are those of the settings.
func (o Options) ownHosts(public *url.URL) hosts {
	names := append([]string{public.Hostname()}, o.Hosts...)
	if own, err := url.Parse(o.OperatorURL); err == nil {
		names = append(names, own.Hostname())
	}
	return newHosts(names...)
}

// isForeign reports whether a request asks for a name that is not this server's.
// Who shows a certificate of Banyan's own is no browser.
func (s *Server) isForeign(r *http.Request) bool {
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 || s.hosts.has(r.Host) {
		return false
	}
	return !s.options.AnyAddress || !isLocalAddress(r)
}

// isLocalAddress reports whether a request asks for the address that it arrived at.
func isLocalAddress(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return false
	}
	host, _, err := net.SplitHostPort(local.String())
	return err == nil && plainHost(host) == hostname(r.Host)
}

// ForeignHost reports whether the request asks for a host that this server is not
// known by, which Options.Front may serve and the router does not.
func ForeignHost(ctx context.Context) bool {
	state := stateOf(ctx)
	return state != nil && state.foreign
}

// refuseForeign stands before everything of ours. Banyan's own processes reach
// this server by addresses of their own and say who they are, so whoever brings
// a token is looked at later, by refuseStrangers.
func (s *Server) refuseForeign(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !ForeignHost(r.Context()) || s.isForAnyHost(r) || s.options.Authenticate != nil && s.options.Own != nil && r.Header.Get("Authorization") != "" {
			next.ServeHTTP(w, r)
			return
		}
		s.failForeign(w, r)
	})
}

// refuseStrangers stands behind Options.Authenticate.
func (s *Server) refuseStrangers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !ForeignHost(r.Context()) || s.isForAnyHost(r) || s.options.Own != nil && s.options.Own(r.Context()) != "" {
			next.ServeHTTP(w, r)
			return
		}
		s.failForeign(w, r)
	})
}

func (s *Server) isForAnyHost(r *http.Request) bool {
	for _, path := range s.options.AnyHostPaths {
		if r.URL.Path == path {
			return true
		}
	}
	return false
}

func (s *Server) failForeign(w http.ResponseWriter, r *http.Request) {
	s.Fail(w, r, fault.Newf(fault.Misdirected, "this server is not known by the name in this request: open it at %s. "+
		"If people are to use another address, the setting public_url must name it, and a proxy in front must pass the Host header on", s.options.PublicURL))
}

// guardAdmin serves the admin address under this machine's own names and the
// address that a request arrived at. Probes ask for health by any address, which
// nobody can point elsewhere, or by none.
func guardAdmin(listen string, names []string, next http.Handler) http.Handler {
	if _, isSocket := config.SocketPath(listen); next == nil || isSocket { // no browser reaches a socket
		return next
	}
	host, _, _ := net.SplitHostPort(listen) // the settings were checked; nothing is no name
	machine, _ := os.Hostname()             // likewise
	own := newHosts(append([]string{"localhost", host, machine}, names...)...)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if own.has(r.Host) || isLocalAddress(r) || isProbe(r) || isScrape(r) {
			next.ServeHTTP(w, r)
			return
		}
		fault.WriteProblem(w, fault.New(fault.Misdirected, "the admin address is not known by the name in this request: ask for it by its IP address or by localhost, or list the name in the setting admin.hosts"), "")
	})
}

// isScrape reports whether metrics are asked for under a name that only this network
// gives: a service's of docker or Kubernetes, without a dot or below one of those
// that nobody can register. No site of the world can lead such a name here.
func isScrape(r *http.Request) bool {
	if r.URL.Path != "/metrics" && r.URL.Path != "/readyz" && r.URL.Path != "/healthz" {
		return false
	}
	name := hostname(r.Host)
	if name != "" && !strings.Contains(name, ".") && !strings.Contains(name, ":") {
		return true
	}
	return strings.HasSuffix(name, ".svc") || strings.HasSuffix(name, ".svc.cluster.local") || strings.HasSuffix(name, ".internal")
}

func isProbe(r *http.Request) bool {
	if r.URL.Path != "/readyz" && r.URL.Path != "/healthz" {
		return false
	}
	name := hostname(r.Host)
	_, err := netip.ParseAddr(name)
	return err == nil || name == ""
}
