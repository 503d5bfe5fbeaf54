package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// Tracing makes spans and propagates their context over HTTP (W3C Trace Context,
// https://www.w3.org/TR/trace-context/). A nil *Tracing is off: every method
// works and its cost is negligible.
type Tracing struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
}

// w3c is the one wire format; baggage is not propagated, because nothing reads it
// and clients could send any amount of it.
var w3c propagation.TraceContext

// Setup starts sending spans to cfg.Endpoint over OTLP/HTTP, or returns nil when
// that is empty. The share cfg.Sample is traced unless the caller has decided.
// When on, it also becomes OpenTelemetry's global provider, for libraries.
// Spans that the collector does not accept are dropped with a line in log; requests
// never wait for the collector.
func Setup(ctx context.Context, cfg TracingSettings, service, version string, log *slog.Logger) (*Tracing, error) {
	if cfg.Endpoint == "" {
		return nil, nil
	}
	endpoint, err := tracesURL(cfg.Endpoint.Reveal())
	if err != nil {
		return nil, err
	}
	exporter, err := otlptrace.New(ctx, newCollector(endpoint))
	if err != nil {
		return nil, fmt.Errorf("send traces to %s: %w", endpoint, err)
	}
	t := &Tracing{provider: sdk.NewTracerProvider(
		sdk.WithBatcher(exporter),
		sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(cfg.Sample))),
		sdk.WithResource(resource.NewSchemaless(
			attribute.String("service.name", service),
			attribute.String("service.version", version),
		)),
	)}
	t.tracer = t.provider.Tracer("banyan")
	otel.SetTracerProvider(t.provider)
	otel.SetTextMapPropagator(w3c)
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		log.Warn("spans were lost: the collector at tracing.endpoint did not accept them", "error", err)
	}))
	return t, nil
}

// Enabled reports whether tracing is on.
func (t *Tracing) Enabled() bool { return t != nil }

// Tracer returns a tracer, one that does nothing when tracing is off.
func (t *Tracing) Tracer() trace.Tracer {
	if t == nil {
		return noop.Tracer{}
	}
	return t.tracer
}

// Extract returns ctx with the caller's span as the parent of those to come.
func (t *Tracing) Extract(ctx context.Context, h http.Header) context.Context {
	if t == nil || h.Get("Traceparent") == "" {
		return ctx
	}
	return w3c.Extract(ctx, propagation.HeaderCarrier(h))
}

// Shutdown sends the buffered spans and stops, within ctx.
func (t *Tracing) Shutdown(ctx context.Context) error {
	if t == nil {
		return nil
	}
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("send the last traces: %w", err)
	}
	return nil
}

// tracesURL completes a collector's address with OTLP/HTTP's path for
// traces (https://opentelemetry.io/docs/specs/otlp/#otlphttp-request).
func tracesURL(endpoint string) (string, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" {
		return "", fmt.Errorf("tracing.endpoint %q is not a URL: write one like http://127.0.0.1:4318", endpoint)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/v1/traces"
	}
	return u.String(), nil
}
