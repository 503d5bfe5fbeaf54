package seam

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"strconv"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/platform/fault"
	"banyan/platform/identity"
)

// MountOptions are the limits of the HTTP side.
type MountOptions struct {
	Log         *slog.Logger
	Timeout     time.Duration // of an operation without streams, when its caller sets no deadline
	BodyLimit   int64         // bytes of a JSON body
	UploadLimit int64         // bytes of a stream in, as sent
}

// Mount serves the operations of the route's contract below
// /api/v1/<module>. The caller must already stand in the request's context
// (identity.With). The handlers go through the route, so a module that has
// moved is still answered here.
func (r *Route) Mount(router chi.Router, o MountOptions) {
	router.Route(basePath(r.contract.Module), func(router chi.Router) {
		for _, d := range r.contract.operations {
			h := handler{route: r, d: d, options: o}
			router.Method(d.method, d.path, h)
		}
	})
}

// handler is one operation on the HTTP side.
type handler struct {
	route   *Route
	d       *description
	options MountOptions
}

// ServeHTTP prepares what is the same for all types; description.serve, made
// where the types are known, does the rest.
func (h handler) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	ctx, cancel, err := h.enter(w, req)
	if err != nil {
		h.refuse(w, req, err)
		return
	}
	defer cancel()
	limit := h.options.BodyLimit
	if h.d.request.stream >= 0 {
		limit = h.options.UploadLimit
	}
	req = req.WithContext(ctx)
	req.Body = http.MaxBytesReader(w, req.Body, limit)
	h.d.serve(h.route, &answerWriter{ResponseWriter: w, h: h, req: req}, req)
}

// enter checks what can be checked before the body is read, and makes the
// context of the call from what came over the seam.
func (h handler) enter(w http.ResponseWriter, req *http.Request) (context.Context, context.CancelFunc, error) {
	ctx := req.Context()
	none := func() {}
	version := strconv.Itoa(h.d.contract.Version)
	w.Header().Set(headerContract, version)
	if spoken := req.Header.Get(headerContract); spoken != "" && spoken != version {
		return ctx, none, fault.Newf(fault.Unsupported,
			"the caller speaks version %q of the contract %s, this process version %s: bring both to one release", spoken, h.d.contract.Module, version)
	}
	if err := h.d.access.check(identity.From(ctx)); err != nil {
		return ctx, none, err
	}
	if key := req.Header.Get(headerIdempotency); key != "" && h.d.kind == KindWrite {
		if err := checkIdempotencyKey(key); err != nil {
			return ctx, none, err
		}
		ctx = WithIdempotencyKey(ctx, key)
	}
	timeout := h.options.Timeout
	if h.d.streams || h.d.request.stream >= 0 {
		timeout = 0 // a stream lasts as long as its reader and writer make progress
	}
	if text := req.Header.Get(headerDeadline); text != "" {
		ms, err := strconv.ParseInt(text, 10, 64)
		if err != nil || ms <= 0 {
			return ctx, none, fault.New(fault.DeadlineOver, "the caller's time was over when the request arrived")
		}
		timeout = time.Duration(ms) * time.Millisecond
	}
	if timeout <= 0 {
		return ctx, none, nil
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	return ctx, cancel, nil
}

// answerWriter carries the handler's own state to where the answer is written.
type answerWriter struct {
	http.ResponseWriter
	h   handler
	req *http.Request
}

// Unwrap lets http.ResponseController find the connection.
func (w *answerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (o Operation[Q, A]) serve(r *Route, w http.ResponseWriter, req *http.Request) {
	aw := w.(*answerWriter)
	var q Q
	strict := req.Header.Get(headerContract) == ""
	if err := o.d.request.decode(req, reflect.ValueOf(&q).Elem(), strict); err != nil {
		aw.h.refuse(w, req, err)
		return
	}
	answer, err := o.Call(req.Context(), r, q)
	if err != nil {
		aw.h.refuse(w, req, err)
		return
	}
	if stream, ok := any(answer).(Stream); ok {
		aw.h.writeStream(w, req, stream)
		return
	}
	aw.h.writeJSON(w, req, answer)
}

var answerBuffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// maxPooledBuffer keeps one huge answer from staying in memory for ever.
const maxPooledBuffer = 1 << 20

func (h handler) writeJSON(w http.ResponseWriter, req *http.Request, answer any) {
	buf := answerBuffers.Get().(*bytes.Buffer)
	buf.Reset()
	defer func() {
		if buf.Cap() <= maxPooledBuffer {
			answerBuffers.Put(buf)
		}
	}()
	encoder := json.NewEncoder(buf)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(answer); err != nil {
		h.refuse(w, req, err)
		return
	}
	header := w.Header()
	header.Set("Content-Type", mediaJSON)
	header.Set("Content-Length", strconv.Itoa(buf.Len()))
	_, _ = w.Write(buf.Bytes()) // the caller may be gone; there is nobody left to tell
}

// writeStream sends an answer while it is made. When that fails half-way, the
// problem goes into a trailer for programs and, in a stream of JSON lines, into
// a last line for people: neither takes the beginning for the whole.
func (h handler) writeStream(w http.ResponseWriter, req *http.Request, stream Stream) {
	w.Header().Set("Content-Type", stream.ContentType)
	w.Header().Set("Trailer", trailerProblem)
	err := stream.Write(w)
	if err == nil {
		return
	}
	h.log(req, err)
	problem, _ := json.Marshal(fault.ToProblem(err, w.Header().Get(headerRequestID)))
	if person := req.Header.Get(headerContract) == ""; person && stream.ContentType == mediaNDJSON {
		_, _ = w.Write(append(problem, '\n')) // best effort: the trailer says it, too
	}
	w.Header().Set(trailerProblem, string(problem))
}

// maxDrain bounds what is read of a refused upload. A client that is still
// sending would otherwise see a broken pipe instead of the reason.
const maxDrain = 64 << 20

func (h handler) refuse(w http.ResponseWriter, req *http.Request, err error) {
	h.log(req, err)
	if h.d.request.stream >= 0 {
		_, _ = io.CopyN(io.Discard, req.Body, maxDrain) // only to be heard; its errors say nothing new
	}
	fault.WriteProblem(w, err, w.Header().Get(headerRequestID))
}

// log records faults of our own side; a caller's mistakes are in the access log.
func (h handler) log(req *http.Request, err error) {
	switch fault.CodeOf(err) {
	case fault.Internal, fault.Unavailable:
		h.options.Log.ErrorContext(req.Context(), "operation failed",
			"module", h.d.contract.Module, "operation", h.d.id, "error", err)
	default:
	}
}

// uploadReader gives the errors of a request body their meaning, so that every
// module that reads a stream answers the same.
type uploadReader struct{ body io.Reader }

func (u uploadReader) Read(p []byte) (int, error) {
	n, err := u.body.Read(p)
	if err == nil || errors.Is(err, io.EOF) {
		return n, err
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return n, fault.Newf(fault.TooLarge, "the upload is over the limit of %d bytes: compress it, or raise the limit in the settings", tooLarge.Limit)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return n, fault.New(fault.Invalid, "the upload ended before all of it had arrived: nothing was kept, send it again")
	}
	return n, fault.Wrap(err, fault.Invalid, "the upload broke off: nothing was kept, send it again")
}
