package loopback_test

import (
	"testing"

	"banyan/platform/loopback"
)

func TestHost(t *testing.T) {
	for host, want := range map[string]bool{
		"127.0.0.1": true, "127.8.9.1": true, "::1": true, "::ffff:127.0.0.1": true,
		"localhost": true, "LocalHost": true, "localhost.": true, "banyan.localhost": true,
		"": false, ".": false, "0.0.0.0": false, "::": false, "10.0.0.1": false, "128.0.0.1": false,
		"localhost.example.org": false, "notlocalhost": false, "127.0.0.1.example.org": false,
		"127.0.0.1:80": false, "[::1]": false,
	} {
		if got := loopback.Host(host); got != want {
			t.Errorf("%q: %t, want %t", host, got, want)
		}
	}
}
