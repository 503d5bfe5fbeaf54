// Package certificates restricts calls between Banyan's processes to each
// other: mutual TLS under a certificate authority of their own.
//
// A certificate names a process, not a machine. The name is in it as a URI,
//
//	banyan://reputation
//
// and the client verifies that name, so a module may move to another host or
// have several addresses, and one module's certificate still is not valid for
// another. The hosts in a certificate beside the name are for other clients:
// curl, probes, proxies.
//
// Reading order: authority.go creates certificates (the command `banyan
// certs`), source.go reads them and watches their files, tls.go makes
// configurations for crypto/tls of them.
package certificates

import (
	"crypto/tls"
	"crypto/x509"
	"net/url"
	"strings"

	"banyan/platform/fault"
)

// Trunk is the name in the certificate of the trunk: identity.Trunk, which this
// package may not import. A module that runs alone has its module's name.
const Trunk = "trunk"

const scheme = "banyan"

// maxName is the longest label of a DNS name (RFC 1035, 2.3.4): the certificate
// has the name as a host, too.
const maxName = 63

// CheckName checks the name of a process. It fails with fault.Invalid.
func CheckName(name string) error {
	letters := strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
	if name == "" || !letters || len(name) > maxName || strings.HasPrefix(name, "-") || strings.HasSuffix(name, "-") {
		return fault.Newf(fault.Invalid, "%q is not a name of a process: use the module's name (like reputation) or %s", name, Trunk)
	}
	return nil
}

func uriOf(name string) *url.URL { return &url.URL{Scheme: scheme, Host: name} }

// nameIn returns the process that a certificate names, "" when it names none or
// more than one.
func nameIn(c *x509.Certificate) string {
	if len(c.URIs) != 1 || c.URIs[0].Scheme != scheme || *c.URIs[0] != *uriOf(c.URIs[0].Host) {
		return ""
	}
	return c.URIs[0].Host
}

// PeerName returns the name of the process at the other end of a verified
// connection; false without TLS or without a certificate. A request's state is
// in its TLS field.
func PeerName(state *tls.ConnectionState) (name string, ok bool) {
	if state == nil || len(state.PeerCertificates) == 0 {
		return "", false
	}
	name = nameIn(state.PeerCertificates[0])
	return name, name != ""
}
