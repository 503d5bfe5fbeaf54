package process_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"banyan/platform/testenv/testneeds"
)

// oldSystem answers everything, and says that it was it.
func oldSystem(t *testing.T) *httptest.Server {
	t.Helper()
	old := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "legacy %s %s for %s", r.Method, r.RequestURI, r.Header.Get("X-Forwarded-Host"))
	}))
	t.Cleanup(old.Close)
	return old
}

// inFrontOf starts the whole program before an old system.
func inFrontOf(t *testing.T, old *httptest.Server, env ...string) *process {
	t.Helper()
	p := place{[]string{"BANYAN_DATA=" + t.TempDir()}}
	listen := testneeds.Address(t)
	return p.start(t, append([]string{"BANYAN_LEGACY_URL=" + old.URL, "BANYAN_PUBLIC_URL=http://" + listen}, env...), "--listen", listen)
}

// TestInFrontOfALegacySystem puts the whole program before a system that is
// there already: what is not taken goes through to it, untouched by the rules of
// Banyan's own pages, and what is Banyan's stays.
func TestInFrontOfALegacySystem(t *testing.T) {
	old := oldSystem(t)
	trunk := inFrontOf(t, old, "BANYAN_LEGACY_TAKE=/airdrops 0 %, /exchanges 100 %")
	listen := strings.TrimPrefix(trunk.url, "http://")
	for _, c := range []struct{ method, path, says string }{
		{"GET", "/shop/cart?id=7", "legacy GET /shop/cart?id=7 for " + listen},
		{"POST", "/shop/cart", "legacy POST /shop/cart"},
		{"GET", "/airdrops", "legacy GET /airdrops"}, // Banyan has it, and it is taken for nobody yet
		{"GET", "/", "legacy GET /"},
		{"GET", "/exchanges", "<title>Exchanges"},
		{"GET", "/exchanges/", "<title>Exchanges"}, // by a redirect
		{"GET", "/exchanges%2f", "two ways"},
		{"GET", "/exchanges/kraken/logo.png", "legacy GET /exchanges/kraken/logo.png"}, // which Banyan has no page for
		{"GET", "/banyan", "<title>Banyan"},
		{"GET", "/banyan/airdrops", "<title>Airdrops"},
		{"GET", "/banyan/sign-in", "<title>Sign in"},
		{"GET", "/banyan/docs", "<title>API"},
		{"GET", "/banyan/api/openapi.json", `"openapi"`},
		{"GET", "/banyan/nothing", `href="../banyan/`},
		{"GET", "/api/v1/reputation/leaderboard", `"standings"`},
		{"GET", "/api/v1/reputation/nothing", `"not_found"`}, // a mistyped path of the API is told so by Banyan
		{"GET", "/api/v1/identity/jwks.json", `"keys"`},
		{"GET", "/api/v1/orders", "legacy GET /api/v1/orders"},
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

// TestOnTheFirstDayEverythingIsTheLegacySystems: nothing is taken yet.
func TestOnTheFirstDayEverythingIsTheLegacySystems(t *testing.T) {
	trunk := inFrontOf(t, oldSystem(t))
	for _, path := range strings.Fields(`/ /index.html /assets/app.css /assets/logo.png /docs /docs/intro /sign-in /sign-out /sessions /operator
		/operator/modules /exchanges /exchanges/kraken /reputation /wallets/x /airdrops /favicon.ico /robots.txt /demo/sign /api /api/openapi.json
		/api/v1/orders /.well-known/jwks.json /.well-known/security.txt /metrics /healthz /readyz /banyanx //exchanges /exchanges%2f`) {
		if _, text, err := call(t.Context(), "GET", trunk.url+path, "", nil, nil); err != nil || !strings.HasPrefix(text, "legacy GET "+path+" ") {
			t.Errorf("%s is Banyan's at once: %.200s %v", path, text, err)
		}
	}
}

var (
	addresses  = regexp.MustCompile(`(?:href|src|action|hx-get|data-publish|data-url)="([^"]*)"`)
	stylesheet = regexp.MustCompile(`url\(["']?(/[^"')]*)`)
)

// TestATakenPageIsWhole follows every link, form and file of a page that is taken
// while nothing else is: all are Banyan's.
func TestATakenPageIsWhole(t *testing.T) {
	trunk := inFrontOf(t, oldSystem(t), "BANYAN_LEGACY_TAKE=/exchanges 100 %")
	seen := map[string]bool{}
	var follow func(from, path string, depth int)
	follow = func(from, path string, depth int) {
		on, err := url.Parse(from)
		if err != nil {
			t.Fatal(err)
		}
		to, err := on.Parse(strings.ReplaceAll(path, "&amp;", "&"))
		if err != nil || to.Host != "" {
			return
		}
		to.Fragment = ""
		path = to.String()
		if seen[path] || !strings.HasPrefix(path, "/") {
			return
		}
		seen[path] = true
		status, text, err := call(t.Context(), "GET", trunk.url+path, "", nil, nil)
		if err != nil || strings.HasPrefix(text, "legacy ") || status != http.StatusOK && status != http.StatusMethodNotAllowed {
			t.Errorf("%s leads to %s: %d %.100s %v", from, path, status, text, err)
			return
		}
		found := addresses.FindAllStringSubmatch(text, -1)
		if strings.HasSuffix(path, ".css") {
			found = stylesheet.FindAllStringSubmatch(text, -1)
		}
		for _, m := range found {
			if depth > 0 {
				follow(path, m[1], depth-1)
			}
		}
	}
	follow("/", "/exchanges", 2)
	for _, path := range []string{"/exchanges/kraken", "/banyan/sign-in?next=%2fexchanges", "/banyan/airdrops", "/banyan/docs"} {
		if !seen[path] {
			t.Errorf("no link of %d leads to %s", len(seen), path)
		}
	}
	_, text, _ := call(t.Context(), "GET", trunk.url+"/banyan/exchanges", "", nil, nil)
	if want := `<link rel="canonical" href="` + trunk.url + `/exchanges">`; !strings.Contains(text, want) {
		t.Errorf("the page at its other address does not say %s", want)
	}
}

func TestATakeThatWouldTakeNothingIsRefusedAtTheStart(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("BANYAN_DATA", t.TempDir())
	t.Setenv("BANYAN_LEGACY_URL", "http://127.0.0.1:1")
	t.Setenv("BANYAN_LEGACY_TAKE", "/exchanges 10 %, /reviews 10 %")
	t.Setenv("BANYAN_ADMIN_LISTEN", "127.0.0.1:0")
	code, _, said := banyan(t, "serve", "--listen", "127.0.0.1:0")
	for _, part := range []string{"legacy.take", "/reviews", "the nearest it has is /, /airdrops, /exchanges, /reputation, /wallets"} {
		if code != exitFailure || !strings.Contains(said, part) {
			t.Errorf("exit code %d, %q lacks %q", code, said, part)
		}
	}
}

// TestTheREADMEsTakeTakes runs the README's own settings.
func TestTheREADMEsTakeTakes(t *testing.T) {
	readme, err := os.ReadFile(root + "/README.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile(`(?m)^    public_url: .*\n    legacy:\n(?:      .*\n)+`).Find(readme)
	if block == nil {
		t.Fatal("the README has no example of the section legacy")
	}
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, regexp.MustCompile(`(?m)^    `).ReplaceAll(block, nil), 0o600); err != nil {
		t.Fatal(err)
	}
	trunk := inFrontOf(t, oldSystem(t), "BANYAN_CONFIG="+file, "BANYAN_LEGACY_OPERATOR_URL=http://localhost:1")
	led := 0
	for n := range 200 {
		if status, text := getAs(t.Context(), trunk.url+"/exchanges", fmt.Sprintf("client/%d", n)); status == http.StatusOK && strings.Contains(text, "<title>Exchanges") {
			led++
		}
	}
	if led < 5 || led > 40 {
		t.Errorf("%d of 200 clients are led to Banyan, and the README says a tenth", led)
	}
}

// TestOperatorsHaveAHostOfTheirOwn: what runs in a page of the legacy system has
// no more than a member's power, whoever looks at it.
func TestOperatorsHaveAHostOfTheirOwn(t *testing.T) {
	boss := newAuthor(7)
	old := oldSystem(t)
	p := place{[]string{"BANYAN_DATA=" + t.TempDir()}}
	listen := testneeds.Address(t)
	own := strings.Replace("http://"+listen, "127.0.0.1", "localhost", 1)
	trunk := p.start(t, []string{
		"BANYAN_LEGACY_URL=" + old.URL, "BANYAN_PUBLIC_URL=http://" + listen, "BANYAN_LEGACY_OPERATOR_URL=" + own,
		"BANYAN_IDENTITY_OPERATORS=" + boss.address.String(),
	}, "--listen", listen)
	atPublic, atOwn := signIn(t, trunk.url, boss), signIn(t, own, boss)
	if me := atPublic("/api/v1/identity/me"); !strings.Contains(me, `"role":"member"`) {
		t.Errorf("beside the legacy system: %s", me)
	}
	if me := atOwn("/api/v1/identity/me"); !strings.Contains(me, `"role":"operator"`) {
		t.Errorf("at the operators' host: %s", me)
	}
	if page := atOwn("/banyan/operator/modules"); !strings.Contains(page, "<title>Modules") || strings.Contains(page, "legacy ") {
		t.Errorf("the operators' page: %.300s", page)
	}
	for _, path := range []string{"/shop", "/robots.txt"} {
		if _, text, err := call(t.Context(), "GET", own+path, "", nil, nil); err != nil || strings.HasPrefix(text, "legacy ") {
			t.Errorf("the legacy system is seen at the operators' host: %s: %.100s %v", path, text, err)
		}
	}
	stay := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	do := func(method, url string, headers ...string) (int, http.Header, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(headers); i += 2 {
			req.Header.Set(headers[i], headers[i+1])
		}
		resp, err := stay.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, resp.Header, string(text)
	}
	if status, h, _ := do("GET", trunk.url+"/banyan/operator/modules?x=1"); status != http.StatusTemporaryRedirect || h.Get("Location") != own+"/banyan/operator/modules?x=1" {
		t.Errorf("the operators' page beside the legacy system: %d to %s", status, h.Get("Location"))
	}
	if status, _, text := do("POST", trunk.url+"/banyan/operator/epochs"); status != http.StatusForbidden || !strings.Contains(text, own) {
		t.Errorf("an operators' form beside the legacy system: %d %.200s", status, text)
	}
	// A page of the legacy system cannot send anything to the operators' host.
	for _, origin := range []string{trunk.url, "http://evil.example"} {
		if status, _, text := do("POST", own+"/api/v1/identity/sign-out", "Origin", origin); status != http.StatusForbidden {
			t.Errorf("sent by a page of %s: %d %s", origin, status, text)
		}
	}
	if status, _, text := do("POST", own+"/api/v1/identity/sign-out", "Origin", own); status != http.StatusNoContent {
		t.Errorf("sent by a page of its own: %d %s", status, text)
	}
}
