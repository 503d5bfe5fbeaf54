package httpserver_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"banyan/platform/config"
	"banyan/platform/httpserver"
	"banyan/platform/telemetry"
)

func TestMetricsNameRoutesAndNeverPaths(t *testing.T) {
	registry := telemetry.NewRegistry()
	s := start(t, func(o *httpserver.Options) { o.Metrics = telemetry.NewHTTPMetrics(registry) }, func(r chi.Router) {
		r.Route("/api/v1/reputation", func(r chi.Router) { r.Get("/scores/{wallet}", text("1")) })
		r.Get("/api/panic", func(http.ResponseWriter, *http.Request) { panic("x") })
	})
	for i := range 20 {
		do(t, request(t, "GET", fmt.Sprintf("%s/api/v1/reputation/scores/%d", s.url, i), ""))
		do(t, request(t, "GET", fmt.Sprintf("%s/nowhere/%d", s.url, i), ""))
		do(t, request(t, "GET", fmt.Sprintf("%s/api/v1/reputation/nowhere/%d", s.url, i), ""))
	}
	do(t, request(t, "GET", s.url+"/api/panic", ""))
	s.log.await(t, `"path":"/api/panic"`) // counted before it is logged
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, family := range families {
		for _, m := range family.Metric {
			if family.GetName() == "banyan_http_requests_total" {
				labels := ""
				for _, l := range m.Label {
					labels += l.GetValue() + " "
				}
				got[labels] = m.Counter.GetValue()
			}
			if family.GetName() == "banyan_http_requests_in_flight" && m.Gauge.GetValue() != 0 {
				t.Errorf("%v requests are still in flight", m.Gauge.GetValue())
			}
		}
	}
	if got["GET /api/v1/reputation/scores/{wallet} 200 "] != 20 || got["GET /api/panic 500 "] != 1 {
		t.Errorf("counted %v", got)
	}
	if len(got) > 4 {
		t.Errorf("the series grow with the paths: %v", got)
	}
}

func TestASpanPerRequestArrivesNamedByItsRoute(t *testing.T) {
	received := make(chan *collector.ExportTraceServiceRequest, 4)
	sink := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var request collector.ExportTraceServiceRequest
		if err != nil || proto.Unmarshal(body, &request) != nil {
			t.Errorf("the collector got something else: %v", err)
		}
		received <- &request
	}))
	defer sink.Close()
	tracing, err := telemetry.Setup(t.Context(), telemetry.TracingSettings{Endpoint: config.Address(sink.URL), Sample: 1}, "banyan", "test", slog.Default())
	if err != nil {
		t.Fatal(err)
	}
	log := &lines{}
	s := start(t, func(o *httpserver.Options) {
		o.Tracing = tracing
		o.Logger = telemetry.NewLogger(log, telemetry.LogSettings{Format: telemetry.JSONLog}, slog.LevelInfo)
	}, func(r chi.Router) { r.Get("/api/v1/things/{id}", text("x")) })
	do(t, request(t, "GET", s.url+"/api/v1/things/17", "", "Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"))
	log.await(t, `"trace_id":"0af7651916cd43dd8448eb211c80319c"`)
	if err := tracing.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := (<-received).String()
	for _, want := range []string{"GET /api/v1/things/{id}", "http.response.status_code", "SPAN_KIND_SERVER"} {
		if !strings.Contains(got, want) {
			t.Errorf("the span lacks %q: %s", want, got)
		}
	}
	if strings.Contains(got, "things/17") {
		t.Errorf("the span holds the path: %s", got)
	}
}

// blank is a writer without a connection that keeps nothing.
type blank struct{ header http.Header }

func (b blank) Header() http.Header         { return b.header }
func (b blank) Write(p []byte) (int, error) { return len(p), nil }
func (b blank) WriteHeader(int)             {}

// BenchmarkMiddleware is what all layers together cost beside a bare router.
func BenchmarkMiddleware(b *testing.B) {
	routes := func(r chi.Router) {
		r.Get("/api/v1/x/{id}", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"ok":true}`)
		})
	}
	build := func(o httpserver.Options) http.Handler {
		o.PublicURL, o.Limits, o.Logger = "http://example.com", limits(), slog.New(slog.DiscardHandler)
		s, err := httpserver.New(o)
		if err != nil {
			b.Fatal(err)
		}
		routes(s.Router())
		return s.Handler()
	}
	bare := chi.NewRouter()
	routes(bare)
	counted := httpserver.Options{Metrics: telemetry.NewHTTPMetrics(telemetry.NewRegistry())}
	for name, h := range map[string]http.Handler{
		"bare":    bare,
		"layers":  build(httpserver.Options{}),
		"metrics": build(counted),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/api/v1/x/1", nil)
			for b.Loop() {
				h.ServeHTTP(blank{http.Header{}}, r)
			}
		})
	}
}

// What a caller with a role may see is in no cache: neither of others, nor of the
// caller's own browser when the role is gone. Who called is in the request's line.
func TestAnAnswerToAKnownCallerIsNotStoredAndItsLineNamesThem(t *testing.T) {
	type key struct{}
	s := start(t, func(o *httpserver.Options) {
		o.Authenticate = func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), key{}, r.Header.Get("X-Who"))))
			})
		}
		o.Caller = func(ctx context.Context) string {
			who, _ := ctx.Value(key{}).(string)
			return who
		}
	}, func(r chi.Router) {
		cached := func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", "public, max-age=60")
			_, _ = io.WriteString(w, "x")
		}
		r.Get("/api/cached", cached)
		r.Get("/assets/x.css", cached)
		r.Get("/api/plain", text("x"))
		r.Get("/api/empty", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	})
	for path, anonymous := range map[string]string{"/api/cached": "public, max-age=60", "/api/plain": "", "/api/empty": ""} {
		if got := do(t, request(t, "GET", s.url+path, "")).header.Get("Cache-Control"); got != anonymous {
			t.Errorf("%s for nobody: %q", path, got)
		}
		if got := do(t, request(t, "GET", s.url+path, "", "X-Who", "ada")).header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s for ada: %q", path, got)
		}
	}
	if got := do(t, request(t, "GET", s.url+"/assets/x.css", "", "X-Who", "ada")).header.Get("Cache-Control"); got != "public, max-age=60" {
		t.Errorf("a file that is the same for everybody: %q", got)
	}
	s.log.await(t, `"caller":"ada"`)
	s.log.await(t, `"caller":"anonymous"`)
}
