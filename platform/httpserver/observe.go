package httpserver

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"banyan/platform/fault"
	"banyan/platform/requestctx"
)

// recorder records the status and size of the answer. It also renews the write
// deadline of a stream (see AllowStream).
type recorder struct {
	http.ResponseWriter
	state   *requestState
	status  int
	written int64
	stream  bool
	private bool // the answer is somebody's own and must not be stored
}

var noStore = []string{"no-store"} // shared, like the values of securityHeaders

func (w *recorder) WriteHeader(status int) {
	if w.private {
		w.Header()["Cache-Control"] = noStore
	}
	if w.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(p []byte) (int, error) {
	w.begin()
	n, err := w.ResponseWriter.Write(p)
	w.written += int64(n)
	w.state.spent(w.written)
	return n, err
}

// ReadFrom implements io.ReaderFrom: a file is sent without being copied here.
func (w *recorder) ReadFrom(src io.Reader) (int64, error) {
	if w.stream { // each piece renews the deadline
		return io.Copy(struct{ io.Writer }{w}, src)
	}
	w.begin()
	n, err := io.Copy(w.ResponseWriter, src)
	w.written += n
	w.state.spent(w.written)
	return n, err
}

// FlushError is for http.ResponseController and Flush for older callers.
func (w *recorder) FlushError() error {
	w.begin()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Flush sends what is buffered.
func (w *recorder) Flush() { _ = w.FlushError() } // a disconnected client makes the next write fail

// Unwrap lets http.ResponseController find the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *recorder) begin() {
	if w.status == 0 {
		if w.private {
			w.Header()["Cache-Control"] = noStore
		}
		w.status = http.StatusOK
	}
	if w.stream {
		w.renew()
	}
}

// observe counts, traces and logs each request when it has ended, also by a panic.
func (s *Server) observe(next http.Handler) http.Handler {
	metrics, tracing := s.options.Metrics, s.options.Tracing
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		state := stateOf(r.Context())
		if metrics != nil {
			metrics.Begin()
		}
		var span trace.Span
		if tracing.Enabled() {
			ctx := tracing.Extract(r.Context(), r.Header)
			ctx, span = tracing.Tracer().Start(ctx, r.Method, trace.WithSpanKind(trace.SpanKindServer))
			r = r.WithContext(ctx)
		}
		completed := false
		defer func() {
			status := state.writer.status
			switch {
			case status == 0 && completed:
				status = http.StatusOK // net/http answers an empty 200
			case status == 0:
				status = http.StatusInternalServerError
			}
			route, took := chi.RouteContext(r.Context()).RoutePattern(), s.options.Now().Sub(state.began)
			if metrics != nil {
				metrics.End(r.Method, route, status, took)
			}
			if span != nil {
				endSpan(span, r.Method, route, status, state)
			}
			s.logRequest(r, route, status, took, !completed)
		}()
		next.ServeHTTP(w, r)
		completed = true
	})
}

func endSpan(span trace.Span, method, route string, status int, state *requestState) {
	if route != "" {
		span.SetName(method + " " + route)
	}
	span.SetAttributes(
		attribute.String("http.request.method", method),
		attribute.String("http.route", route),
		attribute.Int("http.response.status_code", status),
		attribute.String("banyan.request_id", state.ID),
	)
	if status >= 500 {
		span.SetStatus(codes.Error, http.StatusText(status))
	}
	span.End()
}

// logRequest writes the line. The query is left out: people paste secrets
// there. Assets are logged at debug level, because they are many.
func (s *Server) logRequest(r *http.Request, route string, status int, took time.Duration, cut bool) {
	level := slog.LevelInfo
	switch {
	case status >= 500 || cut:
		level = slog.LevelError
	case !s.options.Requests:
		return
	case strings.HasPrefix(r.URL.Path, s.options.AssetPrefix):
		level = slog.LevelDebug
	}
	ctx := r.Context()
	if !s.options.Logger.Enabled(ctx, level) {
		return
	}
	state := stateOf(ctx)
	attrs := make([]slog.Attr, 0, 11)
	attrs = append(attrs,
		slog.String("method", r.Method),
		slog.String("path", r.URL.Path),
		slog.String("route", route),
		slog.Int("status", status),
		slog.Int64("bytes", state.writer.written),
		slog.Duration("took", took),
		slog.String("client", clientName(r)),
		slog.String("caller", state.callerName()),
	)
	if cut {
		attrs = append(attrs, slog.Bool("cut_off", true))
	}
	if err := state.Noted(); err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	s.options.Logger.LogAttrs(ctx, level, "request", attrs...)
}

// noteCaller stores who was found to be calling, and keeps answers to them out of
// every cache: what they may see, others may not, and not they themselves when
// their role is gone. A file with its version in its name is the same for everybody.
func (s *Server) noteCaller(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name := s.options.Caller(r.Context()); name != "" {
			state := stateOf(r.Context())
			state.caller = name
			if !strings.HasPrefix(r.URL.Path, s.options.AssetPrefix) {
				state.writer.private = true
			}
		}
		next.ServeHTTP(w, r)
	})
}

func (s *requestState) callerName() string {
	if s.caller == "" {
		return "anonymous"
	}
	return s.caller
}

func clientName(r *http.Request) string {
	if ip := ClientIP(r.Context()); ip.IsValid() {
		return ip.String()
	}
	return "unknown"
}

// recoverPanics turns a panic into a 500 problem, or, when an answer has
// begun, into a broken connection: the client must not take half an answer for the whole.
func (s *Server) recoverPanics(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			reason := recover()
			if reason == nil {
				return
			}
			if aborted, ok := reason.(error); ok && errors.Is(aborted, http.ErrAbortHandler) {
				panic(reason) // http.ErrAbortHandler: the handler breaks the connection on purpose
			}
			err := fault.From(fmt.Errorf("panic: %v", reason))
			s.options.Logger.ErrorContext(r.Context(), "a handler panicked", "panic", fmt.Sprint(reason), "stack", string(debug.Stack()))
			if stateOf(r.Context()).writer.status != 0 {
				requestctx.NoteError(r.Context(), err)
				panic(http.ErrAbortHandler)
			}
			s.Fail(w, r, err)
		}()
		next.ServeHTTP(w, r)
	})
}
