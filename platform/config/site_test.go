package config_test

import (
	"strings"
	"testing"

	"banyan/platform/config"
)

func TestAnAddressHasOneSpelling(t *testing.T) {
	for text, want := range map[string]string{
		"https://Example.ORG":              "https://example.org",
		"HTTPS://example.org:443/":         "https://example.org",
		"http://example.org.:80":           "http://example.org",
		"http://example.org:443":           "http://example.org:443",
		"https://bücher.example/App/":      "https://xn--bcher-kva.example/App",
		"https://BÜCHER.example:8443":      "https://xn--bcher-kva.example:8443",
		"http://[::1]:080":                 "http://[::1]",
		"http://[::1]:8080/":               "http://[::1]:8080",
		"http://my_host:8080":              "http://my_host:8080",
		"http://127.0.0.1:8080":            "http://127.0.0.1:8080",
		"https://example.org/app//":        "https://example.org/app",
		"example.org:8080":                 "example.org:8080", // no address: it comes back to be refused
		"https://user@example.org":         "https://user@example.org",
		"https://example.org/?":            "https://example.org/?",
		"":                                 "",
		" https://example.org/banyan/x.y ": "https://example.org/banyan/x.y",
	} {
		if got := config.SiteAddress(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

type siteSettings struct {
	PublicURL string `yaml:"public_url"`
}

func (s *siteSettings) Check(c *config.Checks) {
	s.PublicURL = config.SiteAddress(s.PublicURL)
	c.Site("public_url", s.PublicURL)
}

func TestASiteMayBeBelowAPath(t *testing.T) {
	load := func(address string) error {
		_, err := config.Load(config.Options{Defaults: []byte("public_url: http://127.0.0.1:8080\n"), Env: []string{"BANYAN_PUBLIC_URL=" + address}}, config.Section{Into: &siteSettings{}})
		return err
	}
	for _, good := range []string{"https://example.org", "https://example.org/", "https://example.org/app", "https://example.org/app/", "https://example.org/a/b-c_d~e/v1.2/", "http://[::1]:8080/x"} {
		if err := load(good); err != nil {
			t.Errorf("%s is refused: %v", good, err)
		}
	}
	for _, bad := range []string{
		"banyan.example.org", "https://example.org/a b", "https://example.org/%61pp", "https://example.org/../app", "https://example.org//app", "https://example.org/a;b", "https://example.org/app?x=1",
		"https://example.org/app#x", "https://example.org/api", "https://example.org/api/v1/", "https://u@example.org/app", "example.org/app", "ftp://example.org/app", "https:///app",
		"https://ex\u2028ample.org", "https://example.org:99999/app",
	} {
		if load(bad) == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
	if got := config.BasePath("https://example.org/app/x"); got != "/app/x" {
		t.Errorf("the base path is %q", got)
	}
	if got := config.OriginOf("https://example.org:8443/app/x"); got != "https://example.org:8443" {
		t.Errorf("the origin is %q", got)
	}
}

type listenSettings struct {
	Listen string `yaml:"listen"`
}

func (s *listenSettings) Check(c *config.Checks) { c.ListenAddress("listen", s.Listen) }

func TestASocketIsAnAddressToListenOn(t *testing.T) {
	for address, good := range map[string]bool{
		"unix:/run/banyan/banyan.sock": true, "unix:banyan.sock": true, "127.0.0.1:8080": true, ":8080": true, "[::1]:8080": true,
		"unix:": false, "unix:///run/banyan.sock": false, "/run/banyan.sock": false, "unix:/" + strings.Repeat("x", 110): false, "localhost": false,
	} {
		_, err := config.Load(config.Options{Defaults: []byte("listen: 127.0.0.1:8080\n"), Env: []string{"BANYAN_LISTEN=" + address}}, config.Section{Into: &listenSettings{}})
		if (err == nil) != good {
			t.Errorf("%s: %v", address, err)
		}
	}
}
