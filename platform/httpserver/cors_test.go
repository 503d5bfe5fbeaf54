package httpserver_test

import (
	"net/http"
	"testing"

	"github.com/go-chi/chi/v5"

	"banyan/platform/fault"
	"banyan/platform/httpserver"
)

func TestPagesOfOtherSitesReadWhatIsShared(t *testing.T) {
	const ours, community, stranger = "http://banyan.test", "https://community.example", "https://stranger.example"
	routes := func(r chi.Router) {
		for _, path := range []string{"/api/v1/a/all/{id}", "/api/v1/a/listed", "/api/v1/a/private"} {
			r.Get(path, text("x"))
			r.Post(path, text("x"))
		}
	}
	sharing := func(pattern string) httpserver.Sharing {
		return map[string]httpserver.Sharing{"/api/v1/a/all/{id}": httpserver.SharedWithAll, "/api/v1/a/listed": httpserver.SharedWithListed}[pattern]
	}
	with := func(origins ...string) *running {
		return start(t, func(o *httpserver.Options) { o.Sharing, o.Limits.CORSOrigins = sharing, origins }, routes)
	}
	nobody, listed, all := with(), with(community), with("*")
	for _, c := range []struct {
		server            *running
		method, path      string
		origin, allowed   string
		varies, preflight bool
	}{
		{nobody, "GET", "/api/v1/a/all/1", stranger, "*", false, false},
		{nobody, "GET", "/api/v1/a/listed", stranger, ours, true, false}, // so that the browser says who may
		{nobody, "GET", "/api/v1/a/private", stranger, "", false, false},
		{nobody, "POST", "/api/v1/a/all/1", ours, "", false, false},
		{nobody, "GET", "/api/v1/a/listed", "", "", false, false},
		{listed, "GET", "/api/v1/a/listed", community, community, true, false},
		{listed, "HEAD", "/api/v1/a/listed", community, community, true, false},
		{listed, "GET", "/api/v1/a/listed", stranger, ours, true, false},
		{listed, "GET", "/api/v1/a/listed", "null", ours, true, false},
		{listed, "GET", "/api/v1/a/listed", community + ".evil.example", ours, true, false},
		{listed, "GET", "/api/v1/a/private", community, "", false, false},
		{all, "GET", "/api/v1/a/listed", stranger, "*", false, false},
		{all, "GET", "/api/v1/a/private", stranger, "", false, false},
		{listed, "OPTIONS", "/api/v1/a/listed", community, community, true, true},
		{nobody, "OPTIONS", "/api/v1/a/all/1", stranger, "*", false, true},
		{all, "OPTIONS", "/api/v1/a/private", stranger, "", false, true},
		{nobody, "OPTIONS", "/api/v1/a/nothing", stranger, "", false, true},
	} {
		r := request(t, c.method, c.server.url+c.path, "", "Origin", c.origin)
		if c.preflight {
			r.Header.Set("Access-Control-Request-Method", "GET")
			r.Header.Set("Access-Control-Request-Headers", "authorization")
		}
		a := do(t, r)
		got := a.header.Get("Access-Control-Allow-Origin")
		varies := false
		for _, line := range a.header.Values("Vary") {
			varies = varies || line == "Origin"
		}
		if got != c.allowed || varies != c.varies || a.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s %s from %q: allowed is %q (varies: %v), want %q", c.method, c.path, c.origin, got, varies, c.allowed)
		}
		if methods := a.header.Get("Access-Control-Allow-Methods"); (methods == "GET, HEAD") != (c.preflight && c.allowed != "") {
			t.Errorf("%s %s from %q: methods %q", c.method, c.path, c.origin, methods)
		}
	}
	// A page of another site cannot make the preflight of a change succeed, nor the change.
	r := request(t, "OPTIONS", all.url+"/api/v1/a/all/1", "", "Origin", stranger, "Access-Control-Request-Method", "POST")
	if a := do(t, r); a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("a change by another site is announced as allowed")
	}
	do(t, request(t, "POST", all.url+"/api/v1/a/all/1", "{}", "Origin", stranger, "Sec-Fetch-Site", "cross-site")).problem(t, http.StatusForbidden, fault.Forbidden)
}

// TestARefusalIsReadableToo: a page that asks too often must be able to read when
// to come back.
func TestARefusalIsReadableToo(t *testing.T) {
	s := start(t, func(o *httpserver.Options) {
		o.Limits.Rate, o.Limits.Burst = 0.001, 1
		o.Sharing = func(string) httpserver.Sharing { return httpserver.SharedWithAll }
	}, func(r chi.Router) { r.Get("/api/v1/a", text("x")) })
	for _, status := range []int{http.StatusOK, http.StatusTooManyRequests} {
		a := do(t, request(t, "GET", s.url+"/api/v1/a", "", "Origin", "https://community.example"))
		if a.status != status || a.header.Get("Access-Control-Allow-Origin") != "*" || a.header.Get("Access-Control-Expose-Headers") == "" {
			t.Errorf("%d %v", a.status, a.header)
		}
	}
}
