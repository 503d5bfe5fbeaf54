// Package publicnet connects to addresses of the public Internet only, whatever a
// name resolves to at the moment of dialling: for URLs that people give, and for
// hosts that lists name.
//
//	body, err := publicnet.Get(ctx, publicnet.Client(5*time.Second), "https://example.com/file", 4096)
package publicnet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// Refused is the failure of a connection that would leave the public networks.
type Refused struct{ Address netip.Addr }

// Error implements error.
func (e Refused) Error() string {
	return fmt.Sprintf("its name leads to %s, which is on this machine or in a private network", e.Address)
}

// Control refuses addresses that are not public, see net.Dialer.Control. It sees the
// address that is dialled, after the name was resolved.
func Control(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if a := to.Addr().Unmap(); !Is(a) {
		return Refused{a}
	}
	return nil
}

// special are networks that IANA keeps for special purposes, beside those that netip
// names.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),       // this network
	netip.MustParsePrefix("100.64.0.0/10"),   // between a provider and its customers (RFC 6598)
	netip.MustParsePrefix("192.0.0.0/24"),    // IETF protocols
	netip.MustParsePrefix("192.0.2.0/24"),    // documentation
	netip.MustParsePrefix("198.18.0.0/15"),   // benchmarks
	netip.MustParsePrefix("198.51.100.0/24"), // documentation
	netip.MustParsePrefix("203.0.113.0/24"),  // documentation
	netip.MustParsePrefix("240.0.0.0/4"),     // reserved, and broadcast
	netip.MustParsePrefix("64:ff9b::/96"),    // IPv4 behind a translator (RFC 6052)
	netip.MustParsePrefix("64:ff9b:1::/48"),  // the same in private networks
	netip.MustParsePrefix("100::/64"),        // discarded
	netip.MustParsePrefix("2001::/32"),       // Teredo, which has an IPv4 address in it
	netip.MustParsePrefix("2001:db8::/32"),   // documentation
	netip.MustParsePrefix("2002::/16"),       // 6to4, likewise
}

// Is reports whether an address is of the public Internet.
func Is(a netip.Addr) bool {
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	for _, p := range special {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// Client returns a client that follows no redirect, which could lead anywhere, and
// uses no proxy of the environment, which would dial for it. One request takes at
// most the time-out, with its answer.
func Client(timeout time.Duration) *http.Client {
	dialer := &net.Dialer{Timeout: timeout, Control: Control}
	return &http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: timeout, DisableKeepAlives: true, MaxResponseHeaderBytes: 16 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Get reads a file of at most so many bytes. Only the status 200 is an answer. Its
// errors name no more than the host.
func Get(ctx context.Context, client *http.Client, address string, most int64) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, errors.New("its address is not a URL")
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, Plain(err)
	}
	defer func() { _ = resp.Body.Close() }() // it is read
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return nil, fmt.Errorf("it answered with the status %d: redirects are not followed", resp.StatusCode)
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("it answered with the status %d", resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
	if err != nil {
		return nil, Plain(err)
	}
	if int64(len(body)) > most {
		return nil, fmt.Errorf("it is longer than %d bytes", most)
	}
	return body, nil
}

// Plain is the failure of a request without its URL; of a refusal, it says only that.
func Plain(err error) error {
	var refused Refused
	var of *url.Error
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("it did not answer in time")
	case errors.As(err, &of):
		return of.Err
	}
	return err
}
