package legacy_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"banyan/platform/fault"
	"banyan/platform/legacy"
)

// TestAPrefixMovesOver follows a thousand browsers and a thousand programs
// while /reviews goes from the old system to Banyan.
func TestAPrefixMovesOver(t *testing.T) {
	old := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "old") }))
	defer old.Close()
	l, err := legacy.New(legacy.Options{URL: old.URL, PublicURL: "https://banyan.test", Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	handler := front(t, l, "/", "/reviews", "/reviews/*", "/wallets", "/reviews/new/{id}")
	ask := func(path, address, cookie string, browser bool) (side, kept string) {
		r := httptest.NewRequestWithContext(t.Context(), "GET", path, nil)
		r.RemoteAddr = address
		if browser {
			r.Header.Set("Accept", "text/html,*/*")
		}
		if cookie != "" {
			r.Header.Set("Cookie", cookie)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if lines := w.Header()["Set-Cookie"]; len(lines) == 1 {
			kept, _, _ = strings.Cut(lines[0], ";")
			if !strings.Contains(lines[0], "Secure") || !strings.Contains(lines[0], "HttpOnly") {
				t.Errorf("the cookie is %s", lines[0])
			}
		}
		return w.Body.String(), kept
	}
	const clients = 1000
	address := func(i int) string { return fmt.Sprintf("10.0.%d.%d:999", i/250, i%250) }
	cookies := make([]string, clients)
	inside := make([]bool, 2*clients)
	for _, percent := range []float64{0, 10, 50, 100} {
		if err := l.SetTake([]legacy.Take{{Prefix: "/reviews/", Percent: percent}}); err != nil {
			t.Fatal(err)
		}
		led := 0
		for i := range 2 * clients {
			browser := i < clients
			cookie := ""
			if browser {
				cookie = cookies[i]
			}
			side, kept := ask("/reviews", address(i%clients), cookie, browser)
			if browser && cookies[i] == "" {
				cookies[i] = kept
			} else if kept != "" {
				t.Fatalf("client %d got a cookie again", i)
			}
			elsewhere := address(i % clients)
			if browser {
				elsewhere = "192.0.2.77:1" // at home, at work
			}
			if again, _ := ask("/reviews/kraken", elsewhere, cookies[i%clients], browser); browser && again != side {
				t.Fatalf("at %v %% browser %d was led to %s, then to %s", percent, i, side, again)
			}
			if inside[i] && side == "old" {
				t.Fatalf("client %d was led back at %v %%", i, percent)
			}
			if inside[i] = side == "banyan"; inside[i] {
				led++
			}
		}
		if share := float64(led) / (2 * clients) * 100; share < percent-4 || share > percent+4 {
			t.Errorf("%v %% of the clients were led to Banyan, want %v %%", share, percent)
		}
	}
	if !strings.HasPrefix(cookies[0], "__Host-banyan-share=") {
		t.Errorf("the cookie is %q", cookies[0])
	}
	p := l.Status().Prefixes[0]
	if p.Banyan.Requests+p.Legacy.Requests != 4*4*clients || p.Banyan.Requests < 2*clients {
		t.Errorf("figures of 4 steps: %+v", p)
	}
}

// front is a router of Banyan's with these routes behind l.
func front(t *testing.T, l *legacy.Legacy, patterns ...string) http.Handler {
	t.Helper()
	router := routes(patterns...)
	if err := l.Serve(router); err != nil {
		t.Fatal(err)
	}
	return l.Front(router)
}

func routes(patterns ...string) chi.Router {
	router := chi.NewRouter()
	for _, pattern := range patterns {
		router.Get(pattern, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "banyan") })
	}
	return router
}

func TestPrefixes(t *testing.T) {
	old := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "old") }))
	defer old.Close()
	l, err := legacy.New(legacy.Options{URL: old.URL, PublicURL: "http://banyan.test", Log: quiet, Take: []legacy.Take{
		{Prefix: "/"}, {Prefix: "/reviews"}, {Prefix: "/reviews/new", Percent: 100},
	}})
	if err != nil {
		t.Fatal(err)
	}
	handler := front(t, l, "/", "/reviews", "/reviews/*", "/wallets", "/reviews/new/{id}")
	check := func(path, want string) {
		t.Helper()
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", path, nil))
		if w.Body.String() != want {
			t.Errorf("%s was served by %s", path, w.Body)
		}
	}
	for path, want := range map[string]string{
		"/": "old", "/wallets": "old", "/reviews": "old", "/reviews/1": "old", "/reviewsx": "old",
		"/reviews/new": "banyan", "/reviews/new/1": "banyan", "/reviews/newer": "old",
	} {
		check(path, want)
	}
	if err := l.SetTake([]legacy.Take{{Prefix: "/wallets", Percent: 100}, {Prefix: "/reviews", Percent: -1}}); !fault.Is(err, fault.Invalid) {
		t.Errorf("a wrong list was taken: %v", err)
	}
	check("/wallets", "old")
	if err := l.SetTake([]legacy.Take{{Prefix: "/wallets", Percent: 100}}); err != nil {
		t.Fatal(err)
	}
	check("/wallets", "banyan")
}
