package process_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"banyan/platform/testenv/testneeds"
)

// TestInFrontOfALegacySystem puts the whole program before a system that is
// there already: what Banyan does not serve goes through to it, untouched by
// the rules of Banyan's own pages, and what Banyan serves stays.
func TestInFrontOfALegacySystem(t *testing.T) {
	old := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "legacy %s %s for %s", r.Method, r.URL, r.Header.Get("X-Forwarded-Host"))
	}))
	defer old.Close()
	p := place{[]string{"BANYAN_DATA=" + t.TempDir()}}
	listen := testneeds.Address(t)
	trunk := p.start(t, []string{
		"BANYAN_STRANGLER_LEGACY=" + old.URL, "BANYAN_STRANGLER_TAKE=/airdrops 0 %, /exchanges 100 %", "BANYAN_PUBLIC_URL=http://" + listen,
	}, "--listen", listen)
	for _, c := range []struct{ method, path, says string }{
		{"GET", "/shop/cart?id=7", "legacy GET /shop/cart?id=7 for " + listen},
		{"POST", "/shop/cart", "legacy POST /shop/cart"},
		{"GET", "/airdrops", "legacy GET /airdrops"}, // served by Banyan, and taken by nobody yet
		{"GET", "/exchanges", "<title>Exchanges"},
		{"GET", "/", "<title>"},
		{"GET", "/api/v1/reputation/leaderboard", `"standings"`},
		{"GET", "/api/v1/reputation/nothing", `"not_found"`}, // a mistyped path of the API is told so by Banyan
	} {
		_, text, err := call(t.Context(), c.method, trunk.url+c.path, "", nil, nil)
		if err != nil || !strings.Contains(text, c.says) {
			t.Errorf("%s %s: %.200s %v, want %q in it", c.method, c.path, text, err, c.says)
		}
	}
	old.Close()
	status, text, err := call(t.Context(), "GET", trunk.url+"/shop", "", nil, nil)
	if err != nil || status < 500 || strings.Contains(text, old.URL) {
		t.Errorf("with the legacy system gone: %d %.200s %v", status, text, err)
	}
}
