// Package certificates makes sure that Banyan's own processes talk to each
// other and to nobody else: mutual TLS under a certificate authority of their
// own.
//
// A certificate names a process, not a machine. It carries the name as a URI,
//
//	banyan://reputation
//
// and the client asks for that name, so a module may move to another host or
// stand behind several addresses, and one module's certificate still cannot
// pass for another's. The hosts that stand in a certificate beside the name are
// for other clients: curl, probes, proxies.
//
// Reading order: authority.go makes certificates (the command `banyan certs`),
// source.go reads them and follows their files, tls.go turns them into
// settings for crypto/tls.
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

// maxName is the longest label of a DNS name (RFC 1035, 2.3.4): the name stands
// in the certificate as one, too.
const maxName = 63

// CheckName refuses what is no name of a process. Fails with fault.Invalid.
func CheckName(name string) error {
	letters := strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
	if name == "" || !letters || len(name) > maxName || strings.HasPrefix(name, "-") || strings.HasSuffix(name, "-") {
		return fault.Newf(fault.Invalid, "%q is no name of a process: use the module's name (like reputation) or %s", name, Trunk)
	}
	return nil
}

func uriOf(name string) *url.URL { return &url.URL{Scheme: scheme, Host: name} }

// nameIn is the process that a certificate names, "" when it names none or
// more than one.
func nameIn(c *x509.Certificate) string {
	if len(c.URIs) != 1 || c.URIs[0].Scheme != scheme || *c.URIs[0] != *uriOf(c.URIs[0].Host) {
		return ""
	}
	return c.URIs[0].Host
}

// PeerName tells which process is at the other end of a verified connection;
// false without TLS or without a certificate. A request's state is in its TLS
// field.
func PeerName(state *tls.ConnectionState) (name string, ok bool) {
	if state == nil || len(state.PeerCertificates) == 0 {
		return "", false
	}
	name = nameIn(state.PeerCertificates[0])
	return name, name != ""
}
