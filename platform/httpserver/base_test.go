package httpserver_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"banyan/platform/httpserver"
	"banyan/platform/telemetry"
)

func belowPath(o *httpserver.Options) { o.PublicURL = "https://banyan.example.org/app/" }

func TestThePathOfASiteIsCutWhetherAProxyStripsItOrNot(t *testing.T) {
	s := start(t, belowPath, func(r chi.Router) {
		r.Get("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "home") })
		r.Get("/things/{name}", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, chi.URLParam(r, "name"), " ", r.URL.Path, " ", httpserver.AskedPath(r), " ", httpserver.Outside(r.Context(), "/x"))
		})
	})
	for path, want := range map[string]string{
		"/app/":             "home",
		"/":                 "home",
		"/app/things/a":     "a /things/a /app/things/a /app/x",
		"/things/a":         "a /things/a /things/a /app/x",
		"/app/things/a%2Fb": "a%2Fb /things/a/b /app/things/a%2Fb /app/x",
		"/app/things/a%20b": "a b /things/a b /app/things/a%20b /app/x",
		"/app":              "308 /app/",
		"/app?q=1":          "308 /app/?q=1",
		"/app/things/a/":    "308 /app/things/a",
		"/things/a/":        "308 /app/things/a",
		"//app//things/a":   "308 /app/things/a",
		"/%61pp/things/a":   "308 /app/things/a",
		"/apple/things/a":   "404",
		"/app/app/things/a": "404",
		"/app%2fthings/a":   "404",
	} {
		r := request(t, "GET", s.url, "")
		target, query, _ := strings.Cut(path, "?")
		r.URL.Opaque, r.URL.RawQuery = "//"+r.URL.Host+target, query // as it is written
		a := do(t, r)
		got := a.body
		if a.status != http.StatusOK {
			got = strings.TrimSpace(fmt.Sprint(a.status, " ", a.header.Get("Location")))
		}
		if got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	if a := do(t, request(t, "GET", s.url+"/app/api/v1/nothing", "")); !strings.Contains(a.body, "/app/docs") {
		t.Errorf("the API names its documentation elsewhere: %s", a.body)
	}
}

func TestAPathOfTheSiteThatIsAPageWithinItIsRefused(t *testing.T) {
	for path, refused := range map[string]bool{"/things": true, "/things/deep": true, "/app": false, "/thing": false} {
		o := httpserver.Options{Listen: "127.0.0.1:0", PublicURL: "https://banyan.example.org" + path, Limits: limits(), Logger: slog.New(slog.DiscardHandler), Health: telemetry.NewHealth()}
		s, err := httpserver.New(o)
		if err != nil {
			t.Fatal(err)
		}
		s.Router().Get("/things/deep/{name}", func(http.ResponseWriter, *http.Request) {})
		s.Router().Get("/things", func(http.ResponseWriter, *http.Request) {})
		err = s.Listen()
		if (err != nil) != refused || refused && !strings.Contains(err.Error(), "public_url") {
			t.Errorf("%s: %v", path, err)
		}
	}
}
