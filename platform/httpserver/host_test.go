package httpserver_test

import (
	"context"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"banyan/platform/fault"
	"banyan/platform/httpserver"
	"banyan/platform/telemetry"
)

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func askedAs(t *testing.T, url, host string, headers ...string) answer {
	t.Helper()
	r := request(t, "GET", url, "", headers...)
	r.Host = host
	return do(t, r)
}

func TestOnlyTheNamesOfTheServerAreServed(t *testing.T) {
	for _, site := range []struct {
		name            string
		change          func(*httpserver.Options)
		served, strange []string
	}{
		{
			"a site on loopback",
			func(o *httpserver.Options) { o.PublicURL, o.Hosts = "http://127.0.0.1:8080", nil },
			[]string{"127.0.0.1", "127.0.0.1:9", "localhost:8080", "[::1]:8080", "LOCALHOST", "banyan.localhost"},
			[]string{"evil.example", "evil.example:8080", "127.0.0.1.evil.example", "0.0.0.0:8080", "[::]:8080", "192.168.1.7", "localhost.evil.example"},
		},
		{
			"a site in the world",
			func(o *httpserver.Options) { o.PublicURL, o.Hosts = "https://banyan.example.org", nil },
			[]string{"banyan.example.org", "banyan.example.org:443", "banyan.example.org:8080", "Banyan.Example.ORG", "banyan.example.org."},
			[]string{"localhost", "127.0.0.1:8080", "[::1]", "example.org", "www.banyan.example.org", "192.0.2.7"},
		},
		{
			"with a host for operators and one more",
			func(o *httpserver.Options) {
				o.PublicURL, o.OperatorURL, o.Hosts = "https://banyan.example.org", "https://operator.example.org", []string{"10.0.0.7"}
			},
			[]string{"banyan.example.org", "operator.example.org", "10.0.0.7:8080"},
			[]string{"evil.example", "127.0.0.1"},
		},
		{
			"known by the address that a request arrived at",
			func(o *httpserver.Options) {
				o.PublicURL, o.Hosts, o.AnyAddress = "https://banyan.example.org", nil, true
			},
			[]string{"127.0.0.1:8080"},
			[]string{"localhost", "127.0.0.2", "evil.example"},
		},
	} {
		s := start(t, site.change, func(r chi.Router) { r.Get("/api/x", text("served")) })
		for _, host := range site.served {
			if a := askedAs(t, s.url+"/api/x", host); a.status != http.StatusOK {
				t.Errorf("%s, %s: %d %s", site.name, host, a.status, a.body)
			}
		}
		for _, host := range site.strange {
			if p := askedAs(t, s.url+"/api/x", host).problem(t, http.StatusMisdirectedRequest, fault.Misdirected); !strings.Contains(p.Detail, "public_url") {
				t.Errorf("%s, %s: %s", site.name, host, p.Detail)
			}
		}
		askedAs(t, s.url+"/api/nothing", "evil.example").problem(t, http.StatusMisdirectedRequest, fault.Misdirected)
	}
}

type callerKey struct{}

func TestOwnProcessesMayUseAddressesOfTheirOwn(t *testing.T) {
	s := start(t, func(o *httpserver.Options) {
		o.Hosts, o.AnyHostPaths = nil, []string{"/keys.json"}
		o.Authenticate = func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, r.Header.Get("Authorization"))))
			})
		}
		o.Own = func(ctx context.Context) string {
			if who, _ := ctx.Value(callerKey{}).(string); who == "Bearer of-reputation" {
				return "reputation"
			}
			return ""
		}
	}, func(r chi.Router) {
		r.Get("/api/x", text("served"))
		r.Get("/keys.json", text("keys"))
	})
	const own = "banyan-trunk:8080"
	if a := askedAs(t, s.url+"/api/x", own, "Authorization", "Bearer of-reputation"); a.body != "served" {
		t.Errorf("a proven process: %d %s", a.status, a.body)
	}
	askedAs(t, s.url+"/api/x", own, "Authorization", "Bearer of-a-person").problem(t, http.StatusMisdirectedRequest, fault.Misdirected)
	askedAs(t, s.url+"/api/x", own).problem(t, http.StatusMisdirectedRequest, fault.Misdirected)
	if a := askedAs(t, s.url+"/keys.json", own); a.body != "keys" {
		t.Errorf("the public keys: %d %s", a.status, a.body)
	}
}

func TestTheAdminAddressIsServedUnderItsOwnNames(t *testing.T) {
	s := start(t, func(o *httpserver.Options) {
		o.AdminListen, o.AdminHosts = "127.0.0.1:0", []string{"metrics.example.org"}
		o.Admin = telemetry.Admin(telemetry.AdminOptions{Gatherer: telemetry.NewRegistry(), Health: telemetry.NewHealth()})
	}, nil)
	admin := "http://" + s.AdminAddr()
	for _, c := range []struct {
		path, host string
		want       int
	}{
		{"/metrics", "localhost:8090", 200},
		{"/metrics", s.AdminAddr(), 200},
		{"/metrics", "[::1]:8090", 200},
		{"/metrics", "10.0.0.7:8090", 421},
		{"/metrics", "evil.example:8090", 421},
		{"/metrics", "metrics.example.org:8090", 200},
		{"/metrics", "banyan:8090", 200}, // a service of docker or Kubernetes, whose names nobody can register
		{"/metrics", "banyan-admin.monitoring.svc:8090", 200},
		{"/metrics", "banyan-admin.monitoring.svc.cluster.local", 200},
		{"/metrics", "svc.evil.example", 421},
		{"/debug/pprof/", "banyan:8090", 421},
		{"/readyz", "10.0.0.7:8090", 200}, // a load balancer behind address translation
		{"/healthz", "[2001:db8::7]", 200},
		{"/readyz", "evil.example", 421},
		{"/healthz", "evil.example", 421},
	} {
		if a := askedAs(t, admin+c.path, c.host); a.status != c.want || c.want == 421 && !strings.Contains(a.body, "admin.hosts") {
			t.Errorf("%s as %s: %d %s, want %d", c.path, c.host, a.status, a.body, c.want)
		}
	}
}
