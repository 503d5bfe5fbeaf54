package client

import (
	"context"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"banyan/platform/periodic"
)

// Resolver looks up the addresses of a name; *net.Resolver does.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

const (
	defaultResolve = 5 * time.Second
	lookupTimeout  = 5 * time.Second
	dialTimeout    = 2 * time.Second
)

// isLookedUp reports whether a host is a name that may have several addresses.
// localhost is one process under two addresses.
func isLookedUp(base *url.URL) bool {
	host := base.Hostname()
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return false
	}
	_, err := netip.ParseAddr(host)
	return err != nil
}

// followNames looks the names up now and then until ctx ends.
func (r *Client) followNames(ctx context.Context, resolver Resolver, every time.Duration) {
	periodic.Run(ctx, every, func(ctx context.Context) { r.resolve(ctx, resolver) }, periodic.AtOnce())
}

// resolve makes the endpoints fit what the names stand for now. A name that
// cannot be looked up keeps the endpoints it had: DNS that is away for a moment
// must not take the module with it. Until its first answer a name is dialled as
// it is.
func (r *Client) resolve(ctx context.Context, resolver Resolver) {
	old := *r.endpoints.Load()
	var set []*endpoint
	for _, base := range r.bases {
		had := slices.DeleteFunc(slices.Clone(old), func(e *endpoint) bool { return e.base != base })
		if !isLookedUp(base) {
			set = append(set, had...)
			continue
		}
		addresses, err := lookUp(ctx, resolver, base)
		if err != nil || len(addresses) == 0 {
			if ctx.Err() == nil {
				r.log.WarnContext(ctx, "the name of a module's endpoints cannot be looked up: going on with the last answer",
					"module", r.module, "host", base.Hostname(), "error", err)
			}
			set = append(set, had...)
			continue
		}
		for _, address := range addresses {
			if i := slices.IndexFunc(had, func(e *endpoint) bool { return e.address == address }); i >= 0 {
				set = append(set, had[i])
			} else {
				set = append(set, r.newEndpoint(base, address))
			}
		}
	}
	if len(set) > endpointsMost {
		r.log.WarnContext(ctx, "a module has more endpoints than are used", "module", r.module, "found", len(set), "used", endpointsMost)
		set = set[:endpointsMost]
	}
	if slices.Equal(set, old) {
		return
	}
	r.endpoints.Store(&set)
	names := make([]string, len(set))
	for i, e := range set {
		names[i] = e.name()
	}
	r.log.InfoContext(ctx, "the endpoints of a module changed", "module", r.module, "endpoints", names)
	for _, e := range old {
		if !slices.Contains(set, e) {
			e.retire()
		}
	}
}

// lookUp returns the addresses behind a URL's host as host:port, sorted.
func lookUp(ctx context.Context, resolver Resolver, base *url.URL) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	found, err := resolver.LookupNetIP(ctx, "ip", base.Hostname())
	if err != nil {
		return nil, err
	}
	port := base.Port()
	switch {
	case port != "":
	case base.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	var addresses []string
	for _, a := range found {
		host := a.Unmap().String()
		if a.Unmap().Is6() {
			host = "[" + host + "]"
		}
		addresses = append(addresses, host+":"+port)
	}
	slices.Sort(addresses)
	return slices.Compact(addresses), nil
}
