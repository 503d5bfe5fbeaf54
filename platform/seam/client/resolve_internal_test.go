package client

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"banyan/platform/fault"
)

// names answers for one name; no addresses is a failure.
type names struct{ addresses atomic.Pointer[[]string] }

func (n *names) is(addresses ...string) { n.addresses.Store(&addresses) }

func (n *names) LookupNetIP(context.Context, string, string) (found []netip.Addr, err error) {
	list := *n.addresses.Load()
	if len(list) == 0 {
		return nil, errors.New("server misbehaving")
	}
	for _, a := range list {
		found = append(found, netip.MustParseAddr(a))
	}
	return found, nil
}

func TestEndpointsFollowDNS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dns := new(names)
		dns.is()
		r, err := New(target, Options{
			URLs: []string{"http://host.example:8080", "http://192.0.2.9:1"}, Resolver: dns, Resolve: time.Second,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		expect := func(when string, want ...string) []*endpoint {
			t.Helper()
			synctest.Wait()
			set := *r.endpoints.Load()
			var got []string
			for _, e := range set {
				got = append(got, e.base.Host+" "+e.address)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: the endpoints are %q, want %q", when, got, want)
			}
			return set
		}
		tick := func() { time.Sleep(time.Second) } // the clock of synctest
		const fixed = "192.0.2.9:1 "
		expect("DNS never answered", "host.example:8080 ", fixed)
		dns.is("192.0.2.2", "192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1")
		tick()
		before := expect("first answer", "host.example:8080 192.0.2.1:8080", "host.example:8080 192.0.2.2:8080", "host.example:8080 [2001:db8::1]:8080", fixed)
		dns.is()
		tick()
		expect("DNS failed", "host.example:8080 192.0.2.1:8080", "host.example:8080 192.0.2.2:8080", "host.example:8080 [2001:db8::1]:8080", fixed)
		dns.is("192.0.2.2", "192.0.2.3")
		tick()
		after := expect("moved", "host.example:8080 192.0.2.2:8080", "host.example:8080 192.0.2.3:8080", fixed)
		if after[0] != before[1] || after[2] != before[3] {
			t.Error("an endpoint that stayed lost its figures and connections")
		}
	}) // the bubble fails when Close leaves the goroutine behind
}

func TestURLsThatAreNone(t *testing.T) {
	for _, urls := range [][]string{nil, {""}, {"host:80"}, {"ftp://host"}, {"http://"}, {"http://:80"}, {"http://host/api"}, {"http://a", "b"}} {
		if _, err := New(target, Options{URLs: urls}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", urls, err)
		}
	}
}
