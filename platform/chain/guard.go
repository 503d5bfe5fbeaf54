package chain

import (
	"net"
	"net/http"
	"time"

	"banyan/platform/publicnet"
)

// newTransport returns the transport to nodes. Unless private is set it connects to
// public addresses only, whatever a name resolves to at the moment of dialling. It
// uses no proxy of the environment, which would dial for it.
func newTransport(private bool) *http.Transport {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	if !private {
		dialer.Control = publicnet.Control
	}
	return &http.Transport{
		DialContext: dialer.DialContext, TLSHandshakeTimeout: 5 * time.Second, ForceAttemptHTTP2: true,
		MaxIdleConnsPerHost: maxCalls, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 32 << 10,
	}
}
