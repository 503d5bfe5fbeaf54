package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"banyan/platform/config"
	"banyan/platform/requestctx"
	"banyan/platform/telemetry"
)

func TestALogLineCarriesWhatItsContextKnows(t *testing.T) {
	span := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}})
	ctx := trace.ContextWithSpanContext(requestctx.WithID(t.Context(), "req-1"), span)
	for _, format := range []telemetry.LogFormat{telemetry.JSONLog, telemetry.TextLog} {
		var out bytes.Buffer
		log := telemetry.NewLogger(&out, telemetry.LogSettings{Format: format}, slog.LevelInfo).With("module", "airdrop")
		log.DebugContext(ctx, "too quiet")
		log.InfoContext(ctx, "hello", "authorization", "Bearer hunter2", "http", slog.GroupValue(slog.String("Set-Cookie", "hunter2")), "token_ttl", time.Minute)
		line := out.String()
		for _, want := range []string{"hello", "req-1", span.TraceID().String(), span.SpanID().String(), "airdrop"} {
			if !strings.Contains(line, want) {
				t.Errorf("%s: the line lacks %q: %s", format, want, line)
			}
		}
		if strings.Contains(line, "hunter2") || strings.Contains(line, "too quiet") || strings.Count(line, "***") != 2 {
			t.Errorf("%s: wrong line: %s", format, line)
		}
		if format == telemetry.JSONLog && !json.Valid(out.Bytes()) {
			t.Errorf("not JSON: %s", line)
		}
	}
	var grouped bytes.Buffer
	telemetry.NewLogger(&grouped, telemetry.LogSettings{}, slog.LevelInfo).WithGroup("http").InfoContext(ctx, "inside", "cookie", "hunter2")
	if line := grouped.String(); !strings.Contains(line, "req-1") || strings.Contains(line, "hunter2") {
		t.Errorf("inside a group the line is %s", line)
	}
	var plain bytes.Buffer
	telemetry.NewLogger(&plain, telemetry.LogSettings{}, slog.LevelInfo).Info("outside")
	if strings.Contains(plain.String(), "request_id") || strings.Contains(plain.String(), "trace_id") {
		t.Errorf("a line outside a request claims one: %s", &plain)
	}
}

func TestANotedErrorIsKeptForTheRequestAndIgnoredOutside(t *testing.T) {
	r := &requestctx.Request{ID: "r"}
	ctx := requestctx.With(t.Context(), r)
	if r.Noted() != nil {
		t.Error("noted before anything happened")
	}
	cause := errors.New("disk on fire")
	requestctx.NoteError(ctx, cause)
	requestctx.NoteError(ctx, nil)
	requestctx.NoteError(t.Context(), errors.New("nobody's"))
	if !errors.Is(r.Noted(), cause) {
		t.Errorf("noted %v", r.Noted())
	}
}

func TestMetricsNeverGrowWithWhatCallersInvent(t *testing.T) {
	registry := telemetry.NewRegistry()
	metrics := telemetry.NewHTTPMetrics(registry)
	for _, method := range []string{"GET", "BREW", "X1", "X2"} {
		metrics.Begin()
		metrics.End(method, "", 404, time.Millisecond)
	}
	metrics.Begin()
	admin := telemetry.Admin(telemetry.AdminOptions{Gatherer: registry, Health: telemetry.NewHealth()})
	body := get(t, admin, "/metrics", 200)
	for _, want := range []string{
		`banyan_http_requests_total{method="GET",route="unmatched",status="404"} 1`,
		`banyan_http_requests_total{method="OTHER",route="unmatched",status="404"} 3`,
		`banyan_http_request_duration_seconds_count{method="OTHER",route="unmatched"} 3`,
		"banyan_http_requests_in_flight 1", "go_goroutines", "process_open_fds",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
}

func TestRequestsAreCountedApartByManyAtOnce(t *testing.T) {
	registry := telemetry.NewRegistry()
	metrics := telemetry.NewHTTPMetrics(registry)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 300 {
				metrics.Begin()
				metrics.End("GET", fmt.Sprintf("/%d", (i+n)%3), 200+n%2, time.Millisecond)
			}
		})
	}
	all.Wait()
	body := get(t, telemetry.Admin(telemetry.AdminOptions{Gatherer: registry, Health: telemetry.NewHealth()}), "/metrics", 200)
	for route := range 3 {
		for status := 200; status < 202; status++ {
			if want := fmt.Sprintf(`banyan_http_requests_total{method="GET",route="/%d",status="%d"} 400`, route, status); !strings.Contains(body, want) {
				t.Errorf("/metrics lacks %s:\n%s", want, body)
			}
		}
		if want := fmt.Sprintf(`banyan_http_request_duration_seconds_count{method="GET",route="/%d"} 800`, route); !strings.Contains(body, want) {
			t.Errorf("/metrics lacks %s:\n%s", want, body)
		}
	}
}

func get(t *testing.T, h http.Handler, path string, want int) string {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	if w.Code != want {
		t.Errorf("GET %s answers %d, want %d: %s", path, w.Code, want, w.Body)
	}
	return w.Body.String()
}

func TestReadinessNamesWhatIsWrongAndLivenessTouchesNothing(t *testing.T) {
	health := telemetry.NewHealth()
	asked := 0
	var broken error
	health.Add("database", func(context.Context) error { asked++; return broken })
	health.Add("relay", func(context.Context) error { return nil })
	admin := telemetry.Admin(telemetry.AdminOptions{Gatherer: telemetry.NewRegistry(), Health: health})

	get(t, admin, "/healthz", 200)
	if asked != 0 {
		t.Error("liveness asked the database")
	}
	if body := get(t, admin, "/readyz", 200); !strings.Contains(body, `"database":"ok"`) {
		t.Errorf("ready says %s", body)
	}
	broken = errors.New("no space left on device")
	if body := get(t, admin, "/readyz", 503); !strings.Contains(body, `"not_ready"`) || !strings.Contains(body, "no space left") || !strings.Contains(body, `"relay":"ok"`) {
		t.Errorf("not ready says %s", body)
	}
	get(t, admin, "/healthz", 200)
	broken = nil
	get(t, admin, "/readyz", 200)

	health.Drain()
	asked = 0
	if body := get(t, admin, "/readyz", 503); !strings.Contains(body, `"draining"`) || asked != 0 {
		t.Errorf("draining says %s, and asked %d times", body, asked)
	}
	get(t, admin, "/debug/pprof/", 404)
	get(t, telemetry.Admin(telemetry.AdminOptions{Gatherer: telemetry.NewRegistry(), Health: health, Pprof: true}), "/debug/pprof/", 200)
}

func TestACheckThatHangsIsNotReadyAndIsNotPiledUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		health := telemetry.NewHealth()
		release := make(chan struct{})
		var runs atomic.Int32
		health.Add("stuck", func(context.Context) error { runs.Add(1); <-release; return nil })
		health.Add("fine", func(context.Context) error { return nil })
		for range 3 {
			began := time.Now()
			r := health.Ready(t.Context())
			if r.Ready() || r.Checks["stuck"] == "ok" || r.Checks["fine"] != "ok" {
				t.Errorf("got %+v", r)
			}
			if took := time.Since(began); took != 2*time.Second {
				t.Errorf("took %s of the bubble's clock, want 2s", took)
			}
		}
		if runs.Load() != 1 {
			t.Errorf("the hanging check was started %d times, want once", runs.Load())
		}
		close(release)
		synctest.Wait()
		if r := health.Ready(t.Context()); !r.Ready() {
			t.Errorf("after it came back: %+v", r)
		}
	})
}

func TestTracingIsOffWithoutAnEndpointAndCostsNothing(t *testing.T) {
	tracing, err := telemetry.Setup(t.Context(), telemetry.TracingSettings{Sample: 1}, "banyan", "test", slog.Default())
	if err != nil || tracing.Enabled() {
		t.Fatalf("enabled %t, %v", tracing.Enabled(), err)
	}
	header := http.Header{"Traceparent": {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}}
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() {
		tracing.Extract(ctx, header)
	}); n != 0 {
		t.Errorf("off, it makes %v allocations", n)
	}
	if _, span := tracing.Tracer().Start(ctx, "x"); span.IsRecording() {
		t.Error("off, yet recording")
	}
	if err := tracing.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}

// sink stands in for an OpenTelemetry collector.
func sink(t *testing.T) (url string, received chan *collector.ExportTraceServiceRequest) {
	t.Helper()
	received = make(chan *collector.ExportTraceServiceRequest, 16)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var request collector.ExportTraceServiceRequest
		if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(body, &request) != nil {
			t.Errorf("the collector got %s %s: %v", r.Method, r.URL, err)
		}
		received <- &request
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(server.Close)
	return server.URL, received
}

func TestSpansArriveAtTheCollectorWithTheirParent(t *testing.T) {
	url, received := sink(t)
	tracing, err := telemetry.Setup(t.Context(), telemetry.TracingSettings{Endpoint: config.Address(url), Sample: 0}, "banyan", "1.2.3", slog.Default())
	if err != nil {
		t.Fatal(err)
	}
	// Sample 0: only the caller's own decision to sample makes this one be sent.
	header := http.Header{"Traceparent": {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}}
	_, unsampled := tracing.Tracer().Start(t.Context(), "not sent")
	unsampled.End()
	ctx, span := tracing.Tracer().Start(tracing.Extract(t.Context(), header), "sent")
	out := http.Header{}
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(out))
	span.End()
	if !strings.HasPrefix(out.Get("Traceparent"), "00-0af7651916cd43dd8448eb211c80319c-"+span.SpanContext().SpanID().String()) {
		t.Errorf("the next hop gets %q", out.Get("Traceparent"))
	}
	if err := tracing.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	close(received) // the server has answered: Shutdown waited for it
	var names []string
	for request := range received {
		for _, resource := range request.ResourceSpans {
			if text := resource.Resource.String(); !strings.Contains(text, "1.2.3") {
				t.Errorf("the version is missing: %s", text)
			}
			for _, scope := range resource.ScopeSpans {
				for _, s := range scope.Spans {
					names = append(names, s.Name)
					if string(s.ParentSpanId) != "\xb7\xad\x6b\x71\x69\x20\x33\x31" {
						t.Errorf("%s has the parent %x", s.Name, s.ParentSpanId)
					}
				}
			}
		}
	}
	if len(names) != 1 || names[0] != "sent" {
		t.Errorf("the collector got %v, want the one sampled span", names)
	}
}

func TestACollectorThatIsAwayIsSaidInTheLogAndNeverWaitedFor(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	url := server.URL
	server.Close()
	var lines bytes.Buffer
	log := slog.New(slog.NewTextHandler(&lines, nil))
	tracing, err := telemetry.Setup(t.Context(), telemetry.TracingSettings{Endpoint: config.Address(url), Sample: 1}, "banyan", "1", log)
	if err != nil {
		t.Fatalf("an absent collector must not keep the program from starting: %v", err)
	}
	for range 5000 { // more than the exporter's queue holds
		_, span := tracing.Tracer().Start(t.Context(), "x")
		span.End()
	}
	if err := tracing.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if !strings.Contains(lines.String(), "spans were lost") {
		t.Errorf("lost spans went unsaid: %s", &lines)
	}
	if _, err := telemetry.Setup(t.Context(), telemetry.TracingSettings{Endpoint: "collector"}, "banyan", "1", log); err == nil {
		t.Error("an endpoint that is not a URL was taken")
	}
}
