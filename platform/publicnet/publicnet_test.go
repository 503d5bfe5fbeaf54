package publicnet_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"banyan/platform/publicnet"
)

func TestOnlyAddressesOfThePublicInternetArePublic(t *testing.T) {
	for text, want := range map[string]bool{
		"1.1.1.1": true, "2606:4700:4700::1111": true, "8.8.8.8": true,
		"127.0.0.1": false, "::1": false, "10.0.0.7": false, "172.16.3.4": false, "192.168.1.1": false, "169.254.169.254": false,
		"100.64.0.1": false, "0.0.0.0": false, "224.0.0.1": false, "255.255.255.255": false, "fe80::1": false, "fd00::1": false,
		"64:ff9b::a00:1": false, "2002:a00:1::": false, "198.18.0.1": false,
	} {
		if got := publicnet.Is(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s is public: %t", text, got)
		}
	}
}

// A name or a number that leads to this machine is refused at the dialled address,
// before anything is sent.
func TestNothingIsFetchedFromThisMachine(t *testing.T) {
	asked := false
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer server.Close()
	for _, address := range []string{server.URL, strings.Replace(server.URL, "127.0.0.1", "localhost", 1), strings.Replace(server.URL, "127.0.0.1", "[::ffff:127.0.0.1]", 1)} {
		_, err := publicnet.Get(t.Context(), publicnet.Client(5*time.Second), address, 100)
		var refused publicnet.Refused
		if !errors.As(err, &refused) {
			t.Errorf("%s: %v", address, err)
		}
	}
	if asked {
		t.Error("the server was asked")
	}
}

func TestAnswersAreBoundedAndRedirectsAreNotFollowed(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(rw, r, "/short", http.StatusFound)
		case "/short":
			_, _ = fmt.Fprint(rw, "short")
		case "/long":
			_, _ = fmt.Fprint(rw, strings.Repeat("x", 101))
		default:
			http.NotFound(rw, r)
		}
	}))
	defer server.Close()
	client := publicnet.Client(5 * time.Second)
	client.Transport = server.Client().Transport // to reach the test's own server
	if body, err := publicnet.Get(t.Context(), client, server.URL+"/short", 100); err != nil || string(body) != "short" {
		t.Errorf("%q, %v", body, err)
	}
	for path, says := range map[string]string{"/moved": "redirects are not followed", "/long": "longer than 100 bytes", "/none": "status 404"} {
		if _, err := publicnet.Get(t.Context(), client, server.URL+path, 100); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", path, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := publicnet.Get(ended, client, server.URL+"/short", 100); !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), server.URL) {
		t.Errorf("%v", err)
	}
}
