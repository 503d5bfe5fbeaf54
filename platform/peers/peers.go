// Package peers bounds where the processes of one Banyan reach each other: at the
// places of an allow list, and by TLS unless they are on one machine. An operator's
// session is enough to name an address for a module, and must not be enough to have
// this process call any service in its network.
//
//	policy := peers.New(settings.Peers, peers.Options{TLS: true, Named: urls})
//	dial, err := policy.To([]string{"https://rep.internal:8081"})
//	transport.DialContext = dial
//
// A name is checked before it is looked up, and the address that it leads to when it
// is dialled, so that a name server cannot lead a call elsewhere.
package peers

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"banyan/platform/fault"
	"banyan/platform/loopback"
)

// dialTimeout bounds one connection attempt.
const dialTimeout = 2 * time.Second

// Policy is what is allowed.
type Policy struct {
	rules []Rule
	tls   bool // processes have certificates: https only
	plain bool // http to other machines
}

// Options are what the policy follows besides its own settings.
type Options struct {
	TLS   bool     // processes have certificates
	Named []string // URLs in the settings, which are allowed as they stand
}

// New returns the policy of these settings.
func New(s Settings, o Options) *Policy {
	p := &Policy{rules: slices.Clone(s.Allow), tls: o.TLS, plain: s.PlainHTTP}
	if len(p.rules) == 0 {
		p.rules = append(p.rules, Rule{network: netip.MustParsePrefix("127.0.0.0/8")}, Rule{network: netip.MustParsePrefix("::1/128")}, Rule{name: "localhost"})
	}
	for _, text := range o.Named {
		host, port, err := hostPort(text)
		if err != nil {
			continue // refused where it is called
		}
		named := Rule{name: host, port: port}
		if address, err := netip.ParseAddr(host); err == nil {
			named = Rule{network: netip.PrefixFrom(address.Unmap(), address.Unmap().BitLen()), port: port}
		}
		p.rules = append(p.rules, named)
	}
	return p
}

// CheckURL says why a URL cannot be that of another process, nil if it can. It looks
// no name up.
func (p *Policy) CheckURL(text string) error {
	host, port, err := hostPort(text)
	if err != nil {
		return err
	}
	if err := p.checkScheme(text, host); err != nil {
		return err
	}
	if address, err := netip.ParseAddr(host); err == nil {
		return p.checkAddress(netip.AddrPortFrom(address, port), false)
	}
	if p.allowsName(host, port) || p.mayLeadToNetwork(port) {
		return nil
	}
	return fault.Newf(fault.Invalid, "%s is not among the places where processes of this Banyan may be: add it to the setting peers.allow", net.JoinHostPort(host, strconv.Itoa(int(port))))
}

func (p *Policy) checkScheme(text, host string) error {
	switch {
	case strings.HasPrefix(text, "https:"):
		return nil
	case p.tls:
		return fault.Newf(fault.Invalid, "%s is plain http, and with tls.cert, tls.key and tls.ca the processes of this Banyan call each other by https alone: write https://", text)
	case p.plain || loopback.Host(host):
		return nil
	}
	return fault.Newf(fault.Invalid, "%s is plain http to another machine, where others can read and change it on the way: set tls.cert, tls.key and tls.ca (`banyan certs` makes them) and write https://, "+
		"or set peers.plain_http: true if the network between them is your own", text)
}

// To returns what dials the processes at these URLs. Fails as CheckURL does.
func (p *Policy) To(urls []string) (func(ctx context.Context, network, address string) (net.Conn, error), error) {
	toLoopback := false
	var named []uint16 // ports of names that are allowed as names
	for _, text := range urls {
		if err := p.CheckURL(text); err != nil {
			return nil, err
		}
		host, port, err := hostPort(text)
		if err != nil {
			return nil, err
		}
		toLoopback = toLoopback || !p.plain && strings.HasPrefix(text, "http:")
		if p.allowsName(host, port) {
			named = append(named, port)
		}
	}
	dialer := net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second, ControlContext: func(_ context.Context, _, text string, _ syscall.RawConn) error {
		address, err := netip.ParseAddrPort(text)
		if err != nil {
			return fmt.Errorf("check the address %s: %w", text, err)
		}
		if toLoopback && !address.Addr().Unmap().IsLoopback() {
			return fault.Newf(fault.Unavailable, "the name of this process leads to %s, another machine, by plain http: set tls.cert, tls.key and tls.ca, or peers.plain_http", address.Addr())
		}
		if err := p.checkAddress(address, slices.Contains(named, address.Port())); err != nil {
			return fault.New(fault.Unavailable, fault.From(err).Message) // not the fault of whose call it is
		}
		return nil
	}}
	return dialer.DialContext, nil
}

// checkAddress judges what is dialled. byName: the name that led there is allowed.
func (p *Policy) checkAddress(address netip.AddrPort, byName bool) error {
	if slices.ContainsFunc(p.rules, func(r Rule) bool { return r.allowsAddress(address) }) {
		return nil
	}
	// A name in the list stands for a machine, and never for what every machine has at
	// these addresses, such as a cloud's service for credentials (169.254.169.254).
	ip := address.Addr().Unmap()
	if byName && !ip.IsLinkLocalUnicast() && !ip.IsMulticast() && !ip.IsUnspecified() {
		return nil
	}
	return fault.Newf(fault.Invalid, "%s is not among the places where processes of this Banyan may be: add it to the setting peers.allow", address)
}

func (p *Policy) allowsName(host string, port uint16) bool {
	return slices.ContainsFunc(p.rules, func(r Rule) bool { return r.allowsName(host, port) })
}

// mayLeadToNetwork reports whether a name could lead to an address that is allowed
// at this port.
func (p *Policy) mayLeadToNetwork(port uint16) bool {
	return slices.ContainsFunc(p.rules, func(r Rule) bool {
		return r.network.IsValid() && (r.port == 0 || r.port == port) && !r.network.Addr().IsLoopback()
	})
}

// hostPort returns the lower-case host, and the port, which the scheme implies where
// none is written.
func hostPort(text string) (host string, port uint16, err error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", 0, fault.Newf(fault.Invalid, "%q is not the address of a process: write one like http://127.0.0.1:8081", text)
	}
	written := u.Port()
	if written == "" {
		written = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	number, err := strconv.ParseUint(written, 10, 16)
	if err != nil || number == 0 {
		return "", 0, fault.Newf(fault.Invalid, "%q has no port that exists: write one from 1 to 65535", text)
	}
	return strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")), uint16(number), nil
}
