package legacy

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"sync"
	"time"

	"banyan/platform/fault"
)

const (
	standardTimeout = time.Minute
	// standardIdle is below the least that servers are known to keep an idle
	// connection by default (gunicorn: 2 s; Node.js and Apache: 5 s). A request
	// sent just as the server closes its connection is lost, and one that changes
	// something must not be sent twice.
	standardIdle = time.Second
)

// newTransport is an HTTP/1.1 transport to the legacy system: encodings pass
// untouched, no proxy from the environment, and WebSockets need HTTP/1.1. New
// sets its times and its certificates.
func newTransport() *http.Transport {
	return &http.Transport{
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		MaxIdleConns:          512,
		MaxIdleConnsPerHost:   128,
		TLSHandshakeTimeout:   5 * time.Second,
		ExpectContinueTimeout: time.Second,
		DisableCompression:    true,
	}
}

// transportTo is the options' transport, or a new one, made for the target.
func transportTo(target *url.URL, o Options) (*http.Transport, error) {
	base := o.Transport
	if base == nil {
		base = newTransport()
	}
	transport := base.Clone()
	transport.ResponseHeaderTimeout, transport.IdleConnTimeout = o.Timeout, o.Idle
	if target.Scheme != "https" {
		return transport, nil
	}
	settings := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.Host != "" && isAddress(target.Hostname()) { // an address has no name to be verified
		settings.ServerName = (&url.URL{Host: o.Host}).Hostname()
	}
	switch {
	case o.CA != "":
		pool, err := readCA(o.CA)
		if err != nil {
			return nil, err
		}
		settings.RootCAs = pool
	case isLoopback(target.Hostname()):
		name := settings.ServerName
		if name == "" {
			name = target.Hostname()
		}
		settings.InsecureSkipVerify = true // VerifyConnection verifies, and says what it lets through
		settings.VerifyConnection = verifyOnLoopback(name, o.Log)
	}
	transport.TLSClientConfig = settings
	return transport, nil
}

func readCA(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "legacy.ca cannot be read: "+err.Error())
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fault.Newf(fault.Invalid, "legacy.ca: %s holds no certificate: it must be a PEM file with the issuer of the legacy system's certificate, or with that certificate itself", file)
	}
	return pool, nil
}

// verifyOnLoopback lets an unknown certificate pass, and says so once: what goes
// to the same machine over http needs none either, and nobody issues certificates
// for its addresses.
func verifyOnLoopback(name string, log *slog.Logger) func(tls.ConnectionState) error {
	var once sync.Once
	return func(state tls.ConnectionState) error {
		if len(state.PeerCertificates) == 0 {
			return errors.New("the server showed no certificate")
		}
		rest := x509.NewCertPool()
		for _, c := range state.PeerCertificates[1:] {
			rest.AddCert(c)
		}
		_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{DNSName: name, Intermediates: rest})
		if err != nil {
			once.Do(func() {
				log.Warn("the certificate of legacy.url is unknown, and taken because the system runs on this machine: name its issuer in legacy.ca to have it verified", "error", err)
			})
		}
		return nil
	}
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

func isLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}
