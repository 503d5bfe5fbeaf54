package host

import (
	"crypto/tls"
	"net/http"
	"time"

	"banyan/platform/identity"
	"banyan/platform/seam/client"
)

// keysTimeout bounds one request for another process's public keys.
const keysTimeout = 5 * time.Second

// tlsTo returns the TLS configuration for calls to another process; nil is plain
// http.
func (p *Process) tlsTo(peer string) *tls.Config {
	if p.certificates == nil {
		return nil
	}
	return p.certificates.ClientConfig(peer)
}

// keysAt returns the public keys of another process, which are fetched when they are
// needed; several addresses are replicas, each with a key of its own.
func (p *Process) keysAt(urls []string, peer string) identity.KeySource {
	transport := client.NewTransport()
	transport.TLSClientConfig = p.tlsTo(peer)
	client := &http.Client{
		Transport: transport, Timeout: keysTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	keys := make(identity.ManyKeys, len(urls))
	for i, url := range urls {
		keys[i] = identity.NewRemoteKeys(url+identity.JWKSPath, identity.RemoteKeysOptions{Client: client, Now: p.clock})
	}
	return keys
}
