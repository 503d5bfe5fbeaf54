package legacy_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-chi/chi/v5"

	"banyan/platform/legacy"
)

// BenchmarkFront is what requests to Banyan itself pay for standing before a
// legacy system, beside the router alone.
func BenchmarkFront(b *testing.B) {
	l, err := legacy.New(legacy.Options{
		URL: "http://127.0.0.1:1", PublicURL: "http://banyan.test", Keep: []string{"/api/v1"},
		Take: []legacy.Take{{Prefix: "/exchanges", Percent: 100}, {Prefix: "/reviews", Percent: 100}},
	})
	if err != nil {
		b.Fatal(err)
	}
	for name, front := range map[string]func(http.Handler) http.Handler{
		"bare": func(next http.Handler) http.Handler { return next }, "front": l.Front,
	} {
		router := chi.NewRouter()
		router.Use(front)
		for _, path := range []string{"/", "/exchanges", "/exchanges/{slug}", "/reviews/{id}", "/api/v1/reputation/scores/{wallet}"} {
			router.Get(path, func(http.ResponseWriter, *http.Request) {})
		}
		if err := l.Serve(router); err != nil {
			b.Fatal(err)
		}
		for _, path := range []string{"/exchanges/kraken", "/reviews/1", "/api/v1/reputation/scores/0x1"} {
			b.Run(name+path, func(b *testing.B) {
				r := httptest.NewRequestWithContext(b.Context(), "GET", path, nil)
				w := httptest.NewRecorder()
				for b.Loop() {
					router.ServeHTTP(w, r)
				}
			})
		}
	}
}
