package peers

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"banyan/platform/config"
)

// Settings say where other processes of this Banyan may be.
type Settings struct {
	// Allow are the only addresses at which they may be, besides those that the
	// settings name; none = those of this machine.
	Allow []Rule `yaml:"allow"`
	// PlainHTTP lets calls to other machines go without TLS.
	PlainHTTP bool `yaml:"plain_http"`
}

// Check implements config.Checker.
func (s Settings) Check(c *config.Checks, withTLS bool) {
	if s.PlainHTTP && withTLS {
		c.Wrong("plain_http", "is true, but tls.* are set, and then processes call each other by https alone: leave one of them out")
	}
}

// Rule is one entry of an allow list: a network, an address or a name, and a port.
type Rule struct {
	network netip.Prefix // zero for a name
	name    string       // lower case; ".example" stands for all names below it; "" for a network
	port    uint16       // 0 = any
}

// UnmarshalText reads 10.0.0.0/8, 10.0.0.7:8081, [fd00::1]:8081, [fd00::/8]:8081,
// rep.internal, rep.internal:8081 or *.internal.
func (r *Rule) UnmarshalText(text []byte) error {
	host := string(text)
	wrong := fmt.Errorf("%q is not a place: write a network, an address or a name, with a port or without, like 10.0.0.0/8, 10.0.0.7:8081 or rep.internal:8081", text)
	var port uint64
	if at := strings.LastIndexByte(host, ':'); at >= 0 && (strings.HasPrefix(host, "[") || strings.Count(host, ":") == 1) && !strings.HasSuffix(host, "]") {
		var err error
		if port, err = strconv.ParseUint(host[at+1:], 10, 16); err != nil || port == 0 {
			return wrong
		}
		host = host[:at]
	}
	if inner, bracketed := strings.CutPrefix(host, "["); bracketed {
		if host, bracketed = strings.CutSuffix(inner, "]"); !bracketed {
			return wrong
		}
	}
	*r = Rule{port: uint16(port)}
	if network, err := netip.ParsePrefix(host); err == nil {
		r.network = network.Masked()
		return nil
	}
	if address, err := netip.ParseAddr(host); err == nil {
		r.network = netip.PrefixFrom(address.Unmap(), address.Unmap().BitLen())
		return nil
	}
	r.name = strings.TrimPrefix(strings.ToLower(strings.TrimSuffix(host, ".")), "*")
	if strings.Trim(r.name, ".") == "" || strings.ContainsAny(r.name, "*/:@ ") || isNumbers(r.name) {
		return wrong
	}
	return nil
}

// isNumbers reports whether a name is a mistyped address: no top-level domain is a
// number.
func isNumbers(name string) bool {
	_, err := strconv.ParseUint(name[strings.LastIndexByte(name, '.')+1:], 10, 64)
	return err == nil
}

// MarshalText is the way back.
func (r Rule) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// String returns the entry as it is written.
func (r Rule) String() string {
	host := r.name
	switch {
	case r.network.IsValid() && r.network.IsSingleIP():
		host = r.network.Addr().String()
	case r.network.IsValid():
		host = r.network.String()
	case strings.HasPrefix(host, "."):
		host = "*" + host
	}
	if r.port == 0 {
		return host
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host + ":" + strconv.Itoa(int(r.port))
}

// allowsName reports whether the entry names this host, lower case, and port.
func (r Rule) allowsName(host string, port uint16) bool {
	if r.name == "" || r.port != 0 && r.port != port {
		return false
	}
	return host == r.name || strings.HasPrefix(r.name, ".") && strings.HasSuffix(host, r.name)
}

// allowsAddress reports whether the entry is a network with this address and port.
func (r Rule) allowsAddress(address netip.AddrPort) bool {
	return r.network.IsValid() && (r.port == 0 || r.port == address.Port()) && r.network.Contains(address.Addr().Unmap())
}
