package certificates

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// protocols: HTTP/1.1 alone. Between our processes HTTP/2 is slower.
func protocols() []string { return []string{"http/1.1"} }

// ServerConfig returns the configuration of a server that only Banyan's own
// processes may call: the client must present a certificate of the authority
// that names a process. New connections use new files; existing ones stay.
func (s *Source) ServerConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		NextProtos: protocols(),
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return s.serverNow(), nil
		},
		// Not used with GetConfigForClient, but a listener requires it.
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &s.held.Load().certificate, nil },
	}
}

func (s *Source) serverNow() *tls.Config {
	held := s.held.Load()
	return &tls.Config{
		MinVersion:   tls.VersionTLS13,
		NextProtos:   protocols(),
		Time:         s.options.Now,
		Certificates: []tls.Certificate{held.certificate},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    held.authorities,
		// A resumed session would keep the trust of the files of its first
		// connection.
		SessionTicketsDisabled: true,
		VerifyConnection: func(state tls.ConnectionState) error {
			if _, ok := PeerName(&state); !ok {
				return errors.New("the client's certificate is of our authority but names no process of Banyan: issue one with `banyan certs issue`")
			}
			return nil
		},
	}
}

// ClientConfig returns the configuration for calls to the process of this name.
// It presents our own certificate and accepts only a server whose certificate
// is of the authority and names that process; the address of the server does
// not matter. New connections use new files.
func (s *Source) ClientConfig(name string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		NextProtos: protocols(),
		Time:       s.options.Now,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return &s.held.Load().certificate, nil
		},
		// crypto/tls compares host names with authorities that cannot change; we
		// compare process names with those in force, in VerifyConnection.
		InsecureSkipVerify: true, //nolint:gosec // verified below, and never skipped
		VerifyConnection: func(state tls.ConnectionState) error {
			return s.verifyServer(state, name)
		},
	}
}

func (s *Source) verifyServer(state tls.ConnectionState, name string) error {
	if len(state.PeerCertificates) == 0 {
		return errors.New("the server presented no certificate")
	}
	theirs := state.PeerCertificates[0]
	if err := verify(theirs, s.held.Load().authorities, x509.ExtKeyUsageServerAuth, s.options.Now()); err != nil {
		return fmt.Errorf("the certificate of the process %s is not valid here (issue both from one authority, and again when it has ended): %w", name, err)
	}
	if found := nameIn(theirs); found != name {
		return fmt.Errorf("the server's certificate names the process %q, not %q: compare the url with the process that listens there", found, name)
	}
	return nil
}

// verify checks a certificate against the authorities. There are no
// intermediate certificates: the authority signs for processes directly.
func verify(c *x509.Certificate, authorities *x509.CertPool, usage x509.ExtKeyUsage, now time.Time) error {
	_, err := c.Verify(x509.VerifyOptions{Roots: authorities, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{usage}})
	return err
}
