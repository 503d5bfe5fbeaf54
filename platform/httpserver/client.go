package httpserver

import (
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// maxProxies bounds how many entries of X-Forwarded-For are looked at.
const maxProxies = 16

// proxies are those whose word about the client counts.
type proxies struct {
	networks []netip.Prefix
	hops     int // the most proxies in a row; 0 = nobody is trusted
}

// nearby are the networks that a number of proxies stands for: loopback, private
// and link-local ones (RFC 1122, 1918, 4193, 3927, 4291) and the shared one of
// providers (RFC 6598).
var nearby = [...]string{
	"127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "169.254.0.0/16", "fe80::/10", "100.64.0.0/10",
}

// parseProxies reads networks and addresses, or one number: as many proxies at
// most, in nearby.
func parseProxies(names []string) (p proxies, err error) {
	if len(names) > 0 {
		p.hops = maxProxies
	}
	if len(names) == 1 {
		if n, err := strconv.Atoi(names[0]); err == nil {
			if n < 0 || n > maxProxies {
				return proxies{}, fmt.Errorf("is %d, a number of proxies is from 0 to %d", n, maxProxies)
			}
			p.hops, names = n, nearby[:]
		}
	}
	for _, name := range names {
		network, err := parseNetwork(name)
		if err != nil {
			return proxies{}, err
		}
		p.networks = append(p.networks, network)
	}
	return p, nil
}

func parseNetwork(name string) (netip.Prefix, error) {
	if network, err := netip.ParsePrefix(name); err == nil {
		return network.Masked(), nil
	}
	address, err := netip.ParseAddr(name)
	if err != nil || address.Zone() != "" {
		return netip.Prefix{}, fmt.Errorf("%q is not a network: name the proxies' networks or addresses, like 10.0.0.0/8 or 192.0.2.7, or how many proxies there are", name)
	}
	address = address.Unmap()
	return netip.PrefixFrom(address, address.BitLen()), nil
}

// trusts reports whether what this address says of others counts.
func (p proxies) trusts(address netip.Addr) bool {
	if p.hops == 0 {
		return false
	}
	for _, network := range p.networks {
		if network.Contains(address) {
			return true
		}
	}
	return false
}

const forwardedFor = "X-Forwarded-For"

// client finds who is calling: the connection's other end or, when that is a
// trusted proxy, who it says it has the request from, and so on from the right
// end of X-Forwarded-For. Entries further left are the caller's own words and
// never believed. It is invalid when a trusted proxy wrote what is not an address.
func (p proxies) client(peer netip.Addr, header http.Header) netip.Addr {
	if !p.trusts(peer) {
		return peer
	}
	lines := header[forwardedFor]
	for hop := 0; hop < p.hops && len(lines) > 0; {
		entry, rest, more := cutLast(lines[len(lines)-1])
		if more {
			lines = append(append([]string(nil), lines[:len(lines)-1]...), rest)
		} else {
			lines = lines[:len(lines)-1]
		}
		if entry == "" {
			continue
		}
		hop++
		peer = parseClient(entry)
		if !p.trusts(peer) {
			break
		}
	}
	return peer
}

func cutLast(line string) (entry, rest string, more bool) {
	i := strings.LastIndexByte(line, ',')
	if i < 0 {
		return strings.TrimSpace(line), "", false
	}
	return strings.TrimSpace(line[i+1:]), line[:i], true
}

// parseClient reads an address as proxies write it: alone, with a port, in
// brackets, in quotes.
func parseClient(entry string) netip.Addr {
	entry = strings.Trim(entry, `"`)
	if withPort, err := netip.ParseAddrPort(entry); err == nil {
		return withPort.Addr().Unmap().WithZone("")
	}
	address, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(entry, "["), "]"))
	if err != nil {
		return netip.Addr{}
	}
	return address.Unmap().WithZone("")
}

// peerOf is the connection's other end.
func peerOf(r *http.Request) netip.Addr {
	other, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return onSocket // which has no address
	}
	return other.Addr().Unmap()
}

// warnUntrusted says once that a proxy that is not trusted names its clients:
// all of them have one limit then, and one address in the log.
func (s *Server) warnUntrusted(r *http.Request, peer netip.Addr) {
	s.untrusted.Do(func() {
		s.options.Logger.WarnContext(r.Context(), "a request carries X-Forwarded-For and its sender is not trusted: if that is your proxy, all its clients count as one; "+
			"name its network in http.trusted_proxies. If you have no proxy, a client made the header up, and nothing is wrong", "peer", peer)
	})
}
