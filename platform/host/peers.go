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

// transportTo returns a transport for calls to other processes at these URLs. Fails
// with fault.Invalid when the settings do not let them be there.
func (p *Process) transportTo(urls []string) (*http.Transport, error) {
	dial, err := p.peers.To(urls)
	if err != nil {
		return nil, err
	}
	transport := client.NewTransport()
	transport.DialContext = dial
	return transport, nil
}

// keysAt returns the public keys of another process, which are fetched when they are
// needed; several addresses are replicas, each with a key of its own. Fails as
// transportTo does.
func (p *Process) keysAt(urls []string, peer string) (identity.KeySource, error) {
	keys := make(identity.ManyKeys, len(urls))
	for i, url := range urls {
		var err error
		if keys[i], err = p.keysOf(url, peer); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

func (p *Process) keysOf(url, peer string) (*identity.RemoteKeys, error) {
	transport, err := p.transportTo([]string{url})
	if err != nil {
		return nil, err
	}
	transport.TLSClientConfig = p.tlsTo(peer)
	client := &http.Client{
		Transport: transport, Timeout: keysTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return identity.NewRemoteKeys(url+identity.JWKSPath, identity.RemoteKeysOptions{Client: client, Now: p.clock}), nil
}

// dataFingerprints are those of the modules' data that this process has.
func (p *Process) dataFingerprints() map[string]string {
	all := make(map[string]string, len(p.slots))
	for _, s := range p.slots {
		if s.owner != nil {
			all[s.name()] = identity.DataFingerprint(s.owner.DataID())
		}
	}
	return all
}
