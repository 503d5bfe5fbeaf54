package httpserver_test

import (
	"net/http"
	"testing"

	"github.com/go-chi/chi/v5"

	"banyan/platform/httpserver"
)

func TestNormalPaths(t *testing.T) {
	for path, want := range map[string]string{
		"/": "/", "//": "/", "/exchanges": "/exchanges", "/%65xchanges": "/exchanges", "//exchanges": "/exchanges",
		"/x/../exchanges": "/exchanges", "/x/%2e%2E/exchanges": "/exchanges", "/./exchanges/.": "/exchanges", "/exchanges/": "/exchanges",
		"/../..": "/", "/a%2fb": "/a%2Fb", "/%7Euser/%e4": "/~user/%E4", "/a+b;c=1": "/a+b;c=1", "/%zz%4": "/%25zz%254", "/%2565": "/%2565",
		"/Exchanges": "/Exchanges", "/...": "/...",
	} {
		if got := httpserver.NormalPath(path); got != want {
			t.Errorf("%s becomes %s, want %s", path, got, want)
		}
		if again := httpserver.NormalPath(want); again != want {
			t.Errorf("%s is not its own normal form: %s", want, again)
		}
	}
}

func TestAnotherSpellingOfAPathIsRedirected(t *testing.T) {
	s := start(t, nil, func(r chi.Router) {
		r.Get("/exchanges", func(http.ResponseWriter, *http.Request) {})
		r.Post("/exchanges/{slug}/review", func(http.ResponseWriter, *http.Request) {})
	})
	for _, c := range []struct {
		method, path string
		status       int
		location     string
	}{
		{"GET", "/exchanges", 200, ""},
		{"GET", "/exchanges/", 308, "/exchanges"},
		{"HEAD", "/exchanges/", 308, "/exchanges"},
		{"GET", "//exchanges?sort=name&x=%zz", 308, "/exchanges?sort=name&x=%zz"},
		{"GET", "/%65xchanges", 308, "/exchanges"},
		{"POST", "/exchanges//a%20b/review/", 308, "/exchanges/a%20b/review"},
		{"GET", "/unknown/", 404, ""},
		{"GET", "//evil.example/", 404, ""},
	} {
		req := request(t, c.method, s.url+"/", "")
		req.URL.Opaque = "//" + req.URL.Host + c.path // as it is
		a := do(t, req)
		if a.status != c.status || a.header.Get("Location") != c.location {
			t.Errorf("%s %s: %d to %q, want %d to %q", c.method, c.path, a.status, a.header.Get("Location"), c.status, c.location)
		}
	}
}

func FuzzNormalPath(f *testing.F) {
	for _, seed := range []string{"/", "/%2e%2e/a", "//a/./b/", "/%", "/a%2", "/%00%zz", "/a;b/../c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		normal := httpserver.NormalPath("/" + path)
		if httpserver.NormalPath(normal) != normal || normal[0] != '/' || len(normal) > 1 && (normal[1] == '/' || normal[len(normal)-1] == '/') {
			t.Errorf("%q becomes %q", path, normal)
		}
	})
}
