package httpserver_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"banyan/platform/config"
	"banyan/platform/httpserver"
)

func TestNamedProxiesSayWhoTheirClientsAre(t *testing.T) {
	who := func(r chi.Router) {
		r.Get("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, httpserver.ClientIP(r.Context())) })
	}
	for _, c := range []struct {
		name    string
		trusted []string
		xff     []string
		want    string
	}{
		{"a port is taken off", []string{"1"}, []string{"203.0.113.7:5555"}, "203.0.113.7"},
		{"a port behind brackets, too", []string{"1"}, []string{"[2001:db8::7]:5555"}, "2001:db8::7"},
		{"brackets and quotes", []string{"1"}, []string{`"[2001:db8::7]"`}, "2001:db8::7"},
		{"several lines are one", []string{"127.0.0.0/8", "192.0.2.1"}, []string{"6.6.6.6, 203.0.113.9", "192.0.2.1"}, "203.0.113.9"},
		{"empty entries are none", []string{"1"}, []string{"203.0.113.9, ,"}, "203.0.113.9"},
		{"the chain of named networks", []string{"127.0.0.1", "192.0.2.0/24"}, []string{"6.6.6.6, 203.0.113.9, 192.0.2.4, 192.0.2.5"}, "203.0.113.9"},
		{"who is not named is the client", []string{"127.0.0.1"}, []string{"6.6.6.6, 192.0.2.4"}, "192.0.2.4"},
		{"the connection must come from a proxy", []string{"192.0.2.0/24"}, []string{"203.0.113.9"}, "127.0.0.1"},
		{"a number is of nearby proxies", []string{"3"}, []string{"6.6.6.6, 203.0.113.9, 10.0.0.1"}, "203.0.113.9"},
		{"and bounds them", []string{"1"}, []string{"203.0.113.9, 10.0.0.1"}, "10.0.0.1"},
		{"0 trusts nobody", []string{"0"}, []string{"203.0.113.9"}, "127.0.0.1"},
	} {
		s := start(t, func(o *httpserver.Options) { o.Limits.TrustedProxies = c.trusted }, who)
		r := request(t, "GET", s.url, "")
		r.Header["X-Forwarded-For"] = c.xff
		if got := do(t, r).body; got != c.want {
			t.Errorf("%s: %v of %v is %s, want %s", c.name, c.trusted, c.xff, got, c.want)
		}
	}
}

func TestAProxyThatNobodyTrustsIsToldOfOnce(t *testing.T) {
	s := start(t, nil, func(r chi.Router) { r.Get("/", text("x")) })
	do(t, request(t, "GET", s.url, ""))
	if strings.Contains(s.log.String(), "trusted_proxies") {
		t.Errorf("without the header:\n%s", s.log)
	}
	for range 3 {
		do(t, request(t, "GET", s.url, "", "X-Forwarded-For", "203.0.113.9"))
	}
	if n := strings.Count(s.log.String(), "http.trusted_proxies"); n != 1 {
		t.Errorf("the log says it %d times:\n%s", n, s.log)
	}
}

func TestSettingsOfProxiesAreChecked(t *testing.T) {
	for text, want := range map[string]string{
		"[]": "", "1": "", "10.0.0.0/8": "", "[10.0.0.0/8, '::1']": "",
		"17": "a number of proxies is from 0 to 16", "[10.0.0.0/8, proxy]": `"proxy" is not a network`, "'*'": "is not a network", "[10.0.0.0/40]": "is not a network",
	} {
		err := loadProxies(t, text)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// proxiesOnly reads the one setting and checks it among limits that are in order.
type proxiesOnly struct {
	TrustedProxies []string `yaml:"trusted_proxies"`
}

func (p proxiesOnly) Check(c *config.Checks) {
	whole := limits()
	whole.Burst, whole.StaticBurst, whole.WalletBurst, whole.ExpensiveCost = 1, 1, 1, 1
	whole.TrustedProxies = p.TrustedProxies
	whole.Check(c)
}

func loadProxies(t *testing.T, text string) error {
	t.Helper()
	file := t.TempDir() + "/own.yaml"
	writeFile(t, file, "http:\n  trusted_proxies: "+text+"\n")
	_, err := config.Load(config.Options{Defaults: []byte("http:\n  # Proxies.\n  trusted_proxies: []\n"), File: file}, config.Section{Key: "http", Into: &proxiesOnly{}})
	return err
}
