package host

import (
	"net"
	"net/netip"
	"net/url"
	"os"

	"banyan/platform/config"
)

// unspecified reports whether a host to listen on stands for every address of the
// machine, which is nowhere to be reached at.
func unspecified(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "" || err == nil && address.Unmap().IsUnspecified()
}

// reachable is an address to listen on as one that others can ask for: where it
// stands for every address of the machine it becomes one of them.
func reachable(listen string, addresses func() ([]net.Addr, error)) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil || !unspecified(host) {
		return listen
	}
	return net.JoinHostPort(machineAddress(host, addresses), port)
}

// machineAddress is an address of this machine that other machines may reach: one
// of IPv4 when all of those are listened on, too. Without any it is the machine's
// name.
func machineAddress(host string, addresses func() ([]net.Addr, error)) string {
	all, err := addresses()
	if err != nil {
		all = nil // as when there are none: the name is what is left
	}
	var other string
	for _, one := range all {
		network, err := netip.ParsePrefix(one.String())
		if err != nil || !network.Addr().IsGlobalUnicast() {
			continue
		}
		if network.Addr().Unmap().Is4() {
			return network.Addr().Unmap().String()
		}
		if other == "" {
			other = network.Addr().String()
		}
	}
	if other != "" && host != "0.0.0.0" {
		return other
	}
	if name, err := os.Hostname(); err == nil && name != "" {
		return name
	}
	return "localhost"
}

// urlOf is the URL at which this server's address is asked from this machine; that
// of a socket is unix:PATH.
func urlOf(address string) string {
	if _, isSocket := config.SocketPath(address); isSocket {
		return address
	}
	return "http://" + here(address)
}

// here is an address of this server for somebody on this machine.
func here(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil || !unspecified(host) {
		return address
	}
	if host == "::" {
		return net.JoinHostPort("localhost", port)
	}
	return net.JoinHostPort("127.0.0.1", port)
}

// hosts are the names under which this process is reached, beside those at which
// people use the site.
func (p *Process) hosts() (names []string, anyAddress bool) {
	if p.isTrunk() {
		return nil, false
	}
	listen, _, _ := net.SplitHostPort(p.settings.Listen) // the settings were checked
	if anyAddress = unspecified(listen); !anyAddress {
		names = append(names, listen)
	} else {
		names = append(names, hostnameOf(p.address()), "localhost")
	}
	for _, address := range p.settings.Modules[p.settings.Module].URL {
		names = append(names, hostnameOf(address))
	}
	return names, anyAddress
}

// hostnameOf is the host of a URL without its port, "" of none.
func hostnameOf(address string) string {
	u, err := url.Parse(address)
	if err != nil { // the settings were checked
		return ""
	}
	return u.Hostname()
}

// AdminURL is where these settings have the admin address, for somebody on this
// machine, a URL or unix:PATH; false when the system chooses its port.
func (s *Settings) AdminURL() (string, bool) {
	if _, isSocket := config.SocketPath(s.Admin.Listen); isSocket {
		return s.Admin.Listen, true
	}
	_, port, err := net.SplitHostPort(s.Admin.Listen)
	if err != nil || port == "0" {
		return "", false
	}
	return "http://" + here(s.Admin.Listen), true
}
