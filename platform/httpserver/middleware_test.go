package httpserver_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/platform/fault"
	"banyan/platform/httpserver"
	"banyan/platform/requestctx"
)

func TestEveryRequestHasAnIDThatOnlyATrustedProxyChooses(t *testing.T) {
	echo := func(r chi.Router) {
		r.Get("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, requestctx.ID(r.Context())) })
	}
	direct := start(t, nil, echo)
	proxied := start(t, func(o *httpserver.Options) { o.Limits.TrustedProxies = []string{"1"} }, echo)
	for _, c := range []struct {
		server *running
		given  string
		kept   bool
	}{
		{direct, "", false},
		{direct, "from-the-client", false},
		{proxied, "from-the-proxy", true},
		{proxied, "short", false},
		{proxied, "has spaces in it", false},
		{proxied, `quote"and\slash`, false},
		{proxied, strings.Repeat("x", 65), false},
	} {
		a := do(t, request(t, "GET", c.server.url, "", "X-Request-Id", c.given))
		id := a.header.Get("X-Request-Id")
		if a.body != id || (id == c.given) != c.kept || len(id) < 8 {
			t.Errorf("given %q: the handler saw %q, the answer says %q", c.given, a.body, id)
		}
	}
	one, two := do(t, request(t, "GET", direct.url, "")), do(t, request(t, "GET", direct.url, ""))
	if one.body == two.body {
		t.Errorf("two requests share the id %s", one.body)
	}
}

func TestTheClientsAddressComesFromTheProxyOfTheStatedDepth(t *testing.T) {
	who := func(r chi.Router) {
		r.Get("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, httpserver.ClientIP(r.Context())) })
	}
	servers := map[int]*running{}
	for depth := range 3 {
		servers[depth] = start(t, func(o *httpserver.Options) { o.Limits.TrustedProxies = []string{strconv.Itoa(depth)} }, who)
	}
	for _, c := range []struct {
		depth int
		xff   string
		want  string
	}{
		{0, "203.0.113.9", "127.0.0.1"}, // nobody is believed
		{1, "203.0.113.9", "203.0.113.9"},
		{1, "6.6.6.6, 203.0.113.9", "203.0.113.9"}, // the client's own words stand left
		{2, "6.6.6.6, 203.0.113.9, 10.0.0.1", "203.0.113.9"},
		{2, "203.0.113.9", "203.0.113.9"},
		{1, "::ffff:203.0.113.9", "203.0.113.9"},
		{1, "nonsense", "invalid IP"},
	} {
		a := do(t, request(t, "GET", servers[c.depth].url, "", "X-Forwarded-For", c.xff, "X-Real-IP", "6.6.6.6", "True-Client-IP", "6.6.6.6"))
		if a.body != c.want {
			t.Errorf("%d proxies, %q: the client is %s, want %s", c.depth, c.xff, a.body, c.want)
		}
	}
}

func TestTheAccessLogTellsTheStoryWithoutSecrets(t *testing.T) {
	s := start(t, nil, func(r chi.Router) {
		r.Get("/api/v1/things/{id}", func(w http.ResponseWriter, r *http.Request) {
			requestctx.NoteError(r.Context(), errors.New("the disk is full"))
			w.WriteHeader(http.StatusTeapot)
			fmt.Fprint(w, "short")
		})
		r.Get("/assets/*", text("x"))
	})
	a := do(t, request(t, "GET", s.url+"/api/v1/things/17?token=hunter2", "", "Authorization", "Bearer hunter2"))
	line := s.log.await(t, "things")
	var got map[string]any
	if err := json.Unmarshal([]byte(line), &got); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{
		"method": "GET", "path": "/api/v1/things/17", "route": "/api/v1/things/{id}", "status": 418.0,
		"bytes": 5.0, "client": "127.0.0.1", "error": "the disk is full", "level": "INFO",
	} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v: %s", key, got[key], want, line)
		}
	}
	do(t, request(t, "GET", s.url+"/assets/app.css", ""))
	if line := s.log.await(t, "app.css"); !strings.Contains(line, `"DEBUG"`) {
		t.Errorf("an asset is logged loudly: %s", line)
	}
	if strings.Contains(s.log.String(), "hunter2") || strings.Contains(a.body, "disk") {
		t.Errorf("a secret shows:\n%s", s.log)
	}
}

func TestAPanicIsA500AndHalfAnAnswerIsNeverTakenForTheWhole(t *testing.T) {
	s := start(t, nil, func(r chi.Router) {
		r.Get("/api/early", func(http.ResponseWriter, *http.Request) { panic("password is hunter2") })
		r.Get("/api/late", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, strings.Repeat("half ", 1000))
			_ = http.NewResponseController(w).Flush()
			panic("too late")
		})
	})
	p := do(t, request(t, "GET", s.url+"/api/early", "")).problem(t, 500, fault.Internal)
	if strings.Contains(p.Detail, "hunter2") {
		t.Errorf("the panic reached the client: %s", p.Detail)
	}
	s.log.await(t, "hunter2")
	if a, err := try(request(t, "GET", s.url+"/api/late", "")); err == nil {
		t.Errorf("half an answer looked whole: %d, %d bytes", a.status, len(a.body))
	}
	if line := s.log.await(t, `"path":"/api/late"`); !strings.Contains(line, `"cut_off":true`) {
		t.Errorf("the log does not say it was cut off: %s", line)
	}
	do(t, request(t, "GET", s.url+"/api/early", "")) // it still serves
}

func TestSecurityHeaders(t *testing.T) {
	var nonces []string
	routes := func(r chi.Router) {
		r.Get("/page", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, httpserver.Nonce(r.Context())) })
		r.Get("/api/v1/x", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, httpserver.Nonce(r.Context())) })
	}
	plain := start(t, nil, routes)
	tls := start(t, func(o *httpserver.Options) { o.PublicURL = "https://banyan.test" }, routes)
	for range 2 {
		a := do(t, request(t, "GET", plain.url+"/page", ""))
		policy := a.header.Get("Content-Security-Policy")
		m := regexp.MustCompile(`^default-src 'none'; script-src 'nonce-([A-Z2-7]{26})'; `).FindStringSubmatch(policy)
		if m == nil || m[1] != a.body {
			t.Fatalf("the page got the nonce %q, the policy is %s", a.body, policy)
		}
		nonces = append(nonces, m[1])
		for _, part := range []string{"style-src 'self'", "img-src 'self' data:", "connect-src 'self'", "font-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("the policy lacks %s: %s", part, policy)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
			t.Errorf("the policy is loose: %s", policy)
		}
		if a.header.Get("X-Content-Type-Options") != "nosniff" || a.header.Get("Strict-Transport-Security") != "" {
			t.Errorf("headers %v", a.header)
		}
	}
	if nonces[0] == nonces[1] {
		t.Error("two answers share a nonce")
	}
	api := do(t, request(t, "GET", tls.url+"/api/v1/x", ""))
	if policy := api.header.Get("Content-Security-Policy"); strings.Contains(policy, "script-src") || !strings.HasPrefix(policy, "default-src 'none'") || api.body != "" {
		t.Errorf("the API has the policy %s and the nonce %q", policy, api.body)
	}
	if api.header.Get("Strict-Transport-Security") == "" {
		t.Error("no HSTS on https")
	}
	wide := start(t, func(o *httpserver.Options) {
		o.PublicURL, o.Limits.HSTSSubdomains = "https://banyan.test", true
	}, routes)
	if policy := do(t, request(t, "GET", wide.url+"/page", "")).header.Get("Strict-Transport-Security"); !strings.HasSuffix(policy, "; includeSubDomains") {
		t.Errorf("with http.hsts_subdomains HSTS is %q", policy)
	}
	missing := do(t, request(t, "GET", plain.url+"/nowhere", ""))
	if missing.header.Get("Content-Security-Policy") == "" {
		t.Error("an error answer has no policy")
	}
}

func TestOtherSitesChangeNothing(t *testing.T) {
	s := start(t, nil, func(r chi.Router) {
		r.Get("/api/x", text("read"))
		r.Post("/api/x", text("changed"))
	})
	for _, c := range []struct {
		method  string
		headers []string
		allowed bool
	}{
		{"POST", nil, true}, // no browser
		{"POST", []string{"Sec-Fetch-Site", "same-origin"}, true},
		{"POST", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.test"}, false},
		{"POST", []string{"Sec-Fetch-Site", "same-site", "Origin", "http://other.banyan.test"}, false},
		{"POST", []string{"Origin", "https://evil.test"}, false},
		{"POST", []string{"Origin", "null"}, false},
		{"POST", []string{"Origin", "http://banyan.test"}, true}, // public_url, though the proxy changed Host
		{"GET", []string{"Sec-Fetch-Site", "cross-site"}, true},
	} {
		a := do(t, request(t, c.method, s.url+"/api/x", "", c.headers...))
		if c.allowed && a.status != 200 {
			t.Errorf("%s %v is refused: %s", c.method, c.headers, a.body)
		}
		if !c.allowed {
			a.problem(t, 403, fault.Forbidden)
		}
	}
}

func TestUnknownPathsAndWrongMethods(t *testing.T) {
	page := func(w http.ResponseWriter, _ *http.Request, status int, err error) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		fmt.Fprintf(w, "<h1>%s</h1>", fault.From(err).Message)
	}
	s := start(t, func(o *httpserver.Options) { o.Page = page }, func(r chi.Router) {
		r.Get("/about", text("about"))
		r.Route("/api/v1/reputation", func(r chi.Router) {
			r.Get("/scores/{wallet}", text("score"))
			r.Post("/epochs", text("computed"))
			r.Get("/epochs", text("listed"))
		})
	})
	do(t, request(t, "GET", s.url+"/api/v2", "")).problem(t, 404, fault.NotFound)
	do(t, request(t, "GET", s.url+"/api/v1/reputation/nothing", "")).problem(t, 404, fault.NotFound)
	do(t, request(t, "GET", s.url+"/nowhere", "", "Accept", "application/json")).problem(t, 404, fault.NotFound)
	wrong := do(t, request(t, "DELETE", s.url+"/api/v1/reputation/epochs", ""))
	wrong.problem(t, 405, fault.Invalid)
	if allow := wrong.header.Get("Allow"); allow != "GET, HEAD, POST, OPTIONS" {
		t.Errorf("Allow: %s", allow)
	}
	do(t, request(t, "BREW", s.url+"/api/v1/reputation/epochs", "")).problem(t, 405, fault.Invalid)
	do(t, request(t, "BREW", s.url+"/api/v9", "")).problem(t, 404, fault.NotFound)
	for _, c := range []struct {
		method, path string
		status       int
	}{{"GET", "/nowhere", 404}, {"POST", "/about", 405}} {
		a := do(t, request(t, c.method, s.url+c.path, "", "Accept", "text/html,*/*"))
		if a.status != c.status || !strings.HasPrefix(a.body, "<h1>") {
			t.Errorf("%s %s gives %d %s", c.method, c.path, a.status, a.body)
		}
	}
	if a := do(t, request(t, "OPTIONS", s.url+"/api/v1/reputation/epochs", "")); a.status != 204 || a.header.Get("Allow") != "GET, HEAD, POST, OPTIONS" || a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("OPTIONS gives %d %v", a.status, a.header)
	}
	for path, status := range map[string]int{"/about": 200, "/api/v1/reputation/scores/0x1": 200, "/nowhere": 404} {
		if a := do(t, request(t, "HEAD", s.url+path, "")); a.status != status || a.body != "" {
			t.Errorf("HEAD %s gives %d %q", path, a.status, a.body)
		}
	}
}

func TestAFailureTellsThePersonTheProgramAndTheLogEachTheirPart(t *testing.T) {
	var s *running
	s = start(t, func(o *httpserver.Options) {
		o.Page = func(w http.ResponseWriter, _ *http.Request, status int, err error) {
			w.WriteHeader(status)
			fmt.Fprint(w, "page: ", fault.From(err).Message)
		}
	}, func(r chi.Router) {
		fail := func(w http.ResponseWriter, r *http.Request) {
			f := fault.Wrap(errors.New("the disk is full"), fault.Unavailable, "try again soon")
			f.RetryAfter = 1500 * time.Millisecond
			s.Fail(w, r, fmt.Errorf("read the list: %w", f))
		}
		r.Get("/lists", fail)
		r.Get("/api/lists", fail)
	})
	page := do(t, request(t, "GET", s.url+"/lists", ""))
	if page.status != 503 || page.body != "page: try again soon" || page.header.Get("Retry-After") != "2" || page.header.Get("Cache-Control") != "no-store" {
		t.Errorf("the person gets %d %q %v", page.status, page.body, page.header)
	}
	program := do(t, request(t, "GET", s.url+"/api/lists", ""))
	program.problem(t, 503, fault.Unavailable)
	for _, path := range []string{`"path":"/lists"`, `"path":"/api/lists"`} {
		if line := s.log.await(t, path); !strings.Contains(line, "the disk is full") || !strings.Contains(line, `"ERROR"`) {
			t.Errorf("the log lacks the cause: %s", line)
		}
	}
	if strings.Contains(page.body+program.body, "disk") {
		t.Error("the cause left the process")
	}
}

func TestCompressionIsForTextsAndNeverForStreams(t *testing.T) {
	long := strings.Repeat("banyan ", 1000)
	kinds := []string{"text/html; charset=utf-8", "text/css", "text/javascript; charset=utf-8", "application/json", "image/svg+xml", "application/x-ndjson", "text/event-stream", "image/png", "application/octet-stream"}
	s := start(t, nil, func(r chi.Router) {
		for i, kind := range kinds {
			r.Get(fmt.Sprintf("/%d", i), func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", kind)
				_, _ = io.WriteString(w, long)
			})
		}
		r.Get("/short", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, long[:2000])
		})
	})
	for i, kind := range kinds {
		a := do(t, request(t, "GET", fmt.Sprintf("%s/%d", s.url, i), "", "Accept-Encoding", "gzip"))
		want := i < 5
		if got := a.header.Get("Content-Encoding") == "gzip"; got != want {
			t.Errorf("%s: compressed %t, want %t", kind, got, want)
		}
		if want {
			unzip, err := gzip.NewReader(strings.NewReader(a.body))
			if err != nil {
				t.Fatal(err)
			}
			if plain, err := io.ReadAll(unzip); err != nil || string(plain) != long {
				t.Errorf("%s: %d bytes came out, %v", kind, len(plain), err)
			}
			if !strings.Contains(a.header.Get("Vary"), "Accept-Encoding") {
				t.Errorf("%s: caches would mix the encodings up: Vary %q", kind, a.header.Get("Vary"))
			}
		} else if a.body != long {
			t.Errorf("%s: the body changed", kind)
		}
	}
	for path, encoding := range map[string]string{"/0": "gzip;q=0", "/1": "br", "/2": "none", "/short": "gzip"} {
		r := request(t, "GET", s.url+path, "", "Accept-Encoding", encoding)
		if encoding == "none" {
			r.Header.Del("Accept-Encoding")
		}
		a := do(t, r)
		if a.header.Get("Content-Encoding") != "" {
			t.Errorf("%s with %s came compressed", path, encoding)
		}
		if !slices.Equal(a.header["Vary"], []string{"Accept-Encoding"}) {
			t.Errorf("%s with %s: caches would mix the encodings up: Vary %q", path, encoding, a.header["Vary"])
		}
	}
}

func TestTheCallerIsKnownBeforeTheRoutesAndRefusalsAreProblems(t *testing.T) {
	type key struct{}
	s := start(t, func(o *httpserver.Options) {
		o.Authenticate = func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") == "bad" {
					fault.WriteProblem(w, fault.New(fault.Unauthenticated, "the token has expired: get a new one"), requestctx.ID(r.Context()))
					return
				}
				next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), key{}, "alice")))
			})
		}
	}, func(r chi.Router) {
		r.Get("/api/me", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Context().Value(key{})) })
	})
	if a := do(t, request(t, "GET", s.url+"/api/me", "")); a.body != "alice" {
		t.Errorf("the handler saw %q", a.body)
	}
	do(t, request(t, "GET", s.url+"/api/me", "", "Authorization", "bad")).problem(t, 401, fault.Unauthenticated)
}
