package host

import (
	"errors"
	"net"
	"testing"
)

func TestNobodyIsToldAnAddressThatStandsForAll(t *testing.T) {
	machine := func(all ...string) func() ([]net.Addr, error) {
		return func() (list []net.Addr, err error) {
			for _, text := range all {
				ip, network, err := net.ParseCIDR(text)
				if err != nil {
					return nil, err
				}
				list = append(list, &net.IPNet{IP: ip, Mask: network.Mask})
			}
			return list, nil
		}
	}
	both := machine("127.0.0.1/8", "::1/128", "fe80::1/64", "2001:db8::7/64", "10.0.0.7/24")
	for _, c := range []struct {
		listen    string
		addresses func() ([]net.Addr, error)
		want      string
	}{
		{"10.0.0.9:8081", both, "10.0.0.9:8081"},
		{"reputation:8081", both, "reputation:8081"},
		{"0.0.0.0:8081", both, "10.0.0.7:8081"},
		{":8081", both, "10.0.0.7:8081"},
		{"[::]:8081", machine("::1/128", "2001:db8::7/64"), "[2001:db8::7]:8081"},
	} {
		if got := reachable(c.listen, c.addresses); got != c.want {
			t.Errorf("%s is told as %s, want %s", c.listen, got, c.want)
		}
	}
	for _, none := range []func() ([]net.Addr, error){machine(), machine("127.0.0.1/8"), func() ([]net.Addr, error) { return nil, errors.New("not allowed") }} {
		if host, _, err := net.SplitHostPort(reachable("0.0.0.0:8081", none)); err != nil || unspecified(host) {
			t.Errorf("without an address it is told as %q %v", host, err)
		}
	}
	for listen, want := range map[string]string{"0.0.0.0:8090": "127.0.0.1:8090", "[::]:8090": "localhost:8090", "10.0.0.7:8090": "10.0.0.7:8090"} {
		if got := here(listen); got != want {
			t.Errorf("%s is here at %s, want %s", listen, got, want)
		}
	}
}
