// Package telemetry is the observability of the program: logs (log/slog), metrics
// (Prometheus), traces (OpenTelemetry, off by default) and health.
//
// What belongs to one request is in its context: the request's id, its span, and
// the error of its answer, so that one log line has all of it and nothing is logged
// twice.
package telemetry

import (
	"context"
	"io"
	"log/slog"

	"go.opentelemetry.io/otel/trace"

	"banyan/platform/redact"
	"banyan/platform/requestctx"
)

// NewLogger returns the program's logger. The level is asked for with every line: a
// slog.LevelVar changes it. Each line has the request_id, trace_id and span_id of its
// context, and attributes whose names are those of secrets (redact.IsSecret) are
// masked.
func NewLogger(w io.Writer, cfg LogSettings, level slog.Leveler) *slog.Logger {
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: maskSecrets}
	var handler slog.Handler = slog.NewTextHandler(w, options)
	if cfg.Format == JSONLog {
		handler = slog.NewJSONHandler(w, options)
	}
	return slog.New(inContext{handler})
}

func maskSecrets(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindInt64 || a.Value.Kind() == slog.KindDuration || a.Value.Kind() == slog.KindBool {
		return a // the number or the age of tokens is not secret
	}
	if redact.IsSecret(a.Key) {
		a.Value = slog.StringValue("***")
	}
	return a
}

// inContext is a slog.Handler that adds the ids in the context to each line.
type inContext struct{ slog.Handler }

func (h inContext) Handle(ctx context.Context, record slog.Record) error {
	if id := requestctx.ID(ctx); id != "" {
		record.AddAttrs(slog.String("request_id", id))
	}
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		record.AddAttrs(slog.String("trace_id", span.TraceID().String()), slog.String("span_id", span.SpanID().String()))
	}
	return h.Handler.Handle(ctx, record)
}

func (h inContext) WithAttrs(attrs []slog.Attr) slog.Handler {
	return inContext{h.Handler.WithAttrs(attrs)}
}

func (h inContext) WithGroup(name string) slog.Handler { return inContext{h.Handler.WithGroup(name)} }
