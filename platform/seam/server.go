package seam

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/plain"
	"banyan/platform/requestctx"
	"banyan/platform/seam/analysis"
	"banyan/platform/seam/buffer"
	"banyan/platform/seam/client"
	"banyan/platform/seam/timeout"
)

// MountOptions are the limits of the HTTP side. How large a body may be is the
// server's to say (platform/httpserver).
type MountOptions struct {
	Timeout time.Duration // of an operation without streams, when its caller sets no deadline
	// Epoch refuses a write that was sent under an ownership that is over; it is
	// called with the header Banyan-Epoch, "" when there is none or the request does not
	// prove that it comes from one of Banyan's processes. nil: not asked.
	Epoch func(ctx context.Context, header string) error
	// Site is the address of the server for people (public_url), for messages.
	Site string
	// Data is the id of the module's data that this process has: a caller who has
	// other data is refused. nil, or "": callers are not asked.
	Data func() string
}

// Mount serves the operations of the route's contract below
// /api/v1/<module>. The caller must already stand in the request's context
// (identity.WithProcess). The handlers go through the route, so a module that has
// moved is still answered here.
func (r *Route) Mount(router chi.Router, o MountOptions) {
	for _, d := range r.contract.operations {
		router.Method(d.method, basePath(r.contract.Module)+d.path, handler{route: r, d: d, options: o})
	}
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
	from := internalOf(req)
	if h.d.anyOrigin {
		shareWithAll(w.Header())
	}
	ctx, limit, err := h.enter(w, req, from)
	if err != nil {
		h.refuse(w, req, err)
		return
	}
	if limit != nil {
		defer limit.End()
	}
	if h.d.expensive {
		leave, err := requestctx.EnterExpensive(req.Context())
		if err != nil {
			h.refuseUnread(w, req, err)
			return
		}
		defer leave()
	}
	if h.d.request.stream >= 0 {
		requestctx.AllowUpload(req.Context())
		if media := req.Header.Get("Content-Type"); strings.HasPrefix(strings.ToLower(media), "multipart/") {
			h.refuse(w, req, h.isForm(req))
			return
		}
	}
	if h.d.streams {
		requestctx.AllowStream(req.Context())
	}
	h.d.serve(ctx, h, w, req, from.contract == "")
}

// isForm says how to send a file that came in a form, which would be read as a part
// of the file.
func (h handler) isForm(req *http.Request) error {
	address := h.options.Site + req.URL.RequestURI()
	if strings.ContainsAny(address, "'\\") { // what a shell reads otherwise
		address = h.options.Site + basePath(h.d.contract.Module) + h.d.path
	}
	authorize := ""
	if h.d.access != Public {
		authorize = ` -H "Authorization: Bearer $TOKEN"`
	}
	return fault.Newf(fault.Unsupported, "this is a form, and the body must be the file itself (%s): curl -X %s --data-binary @FILE%s '%s'",
		h.d.request.media, req.Method, authorize, address)
}

// enter checks what can be checked before the body is read, and makes the
// context of the call from what came over the seam; the limit may be nil.
func (h handler) enter(w http.ResponseWriter, req *http.Request, from internal) (context.Context, timeout.Deadline, error) {
	ctx := req.Context()
	version := h.d.contract.version
	w.Header()[client.HeaderContract] = version
	if from.contract != "" && from.contract != version[0] {
		return ctx, nil, fault.Newf(fault.Unsupported,
			"the caller has version %q of the contract %s, this process has version %s: bring both to one release", from.contract, h.d.contract.Module, version[0])
	}
	if err := h.checkData(w, from); err != nil {
		return ctx, nil, err
	}
	caller := identity.From(ctx)
	if h.d.access != Public {
		if err := h.d.access.check(caller); err != nil {
			return ctx, nil, err
		}
	}
	if err := caller.Scope.Admit(h.d.contract.Module, h.d.kind == KindWrite); err != nil {
		return ctx, nil, err
	}
	if h.d.kind == KindWrite {
		var err error
		if ctx, err = h.enterWrite(ctx, req, from); err != nil {
			return ctx, nil, err
		}
	}
	if from.deadline != "" {
		ms, err := strconv.ParseInt(from.deadline, 10, 64)
		if err != nil || ms <= 0 {
			return ctx, nil, fault.New(fault.DeadlineExceeded, "the caller's time was over when the request arrived")
		}
		limit := timeout.New(ctx, time.Duration(min(ms, int64(timeout.Longest/time.Millisecond)))*time.Millisecond, false)
		return limit, limit, nil
	}
	if h.options.Timeout <= 0 || h.d.streams || h.d.request.stream >= 0 || from.contract != "" {
		// A stream lasts as long as its reader and writer make progress; one of
		// our own processes says how long it waits, or hangs up.
		return ctx, nil, nil
	}
	limit := timeout.New(ctx, h.options.Timeout, true)
	return limit, limit, nil
}

// enterWrite checks under which ownership a write was sent, and which effect it
// is to have.
func (h handler) enterWrite(ctx context.Context, req *http.Request, from internal) (context.Context, error) {
	if h.options.Epoch != nil {
		if err := h.options.Epoch(ctx, from.epoch); err != nil {
			return ctx, err
		}
	}
	key := req.Header.Get(client.HeaderIdempotency)
	if key == "" {
		return ctx, nil
	}
	return WithIdempotencyKey(ctx, key), checkIdempotencyKey(key)
}

// countedByHTTP is the longest answer whose length net/http finds out by itself,
// because all of it is in its buffer; that takes less than a header does.
const countedByHTTP = 2 << 10

func (h handler) writeJSON(w http.ResponseWriter, req *http.Request, answer any) {
	buf := buffer.Get()
	defer buffer.Put(buf)
	if err := encodeAnswer(buf, answer); err != nil {
		h.refuse(w, req, err)
		return
	}
	header := w.Header()
	header["Content-Type"] = jsonMedia
	if h.d.permanent != nil && h.isCurrent(header, req, answer, buf.Bytes()) {
		delete(header, "Content-Type")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if buf.Len() > countedByHTTP {
		header["Content-Length"] = []string{strconv.Itoa(buf.Len())}
	}
	_, _ = w.Write(buf.Bytes()) // the caller may be gone; there is nobody left to tell
}

// jsonAppender is an answer that writes its own JSON, for the few that are asked
// for all the time: encoding/json reads again what a MarshalJSON has written. Its
// plain twin is that MarshalJSON.
type jsonAppender interface {
	AppendJSON(to []byte) ([]byte, error)
}

func encodeAnswer(buf *bytes.Buffer, answer any) error {
	if a, ok := answer.(jsonAppender); ok && !plain.On {
		return appendAnswer(buf, a)
	}
	return marshalAnswer(buf, answer)
}

func appendAnswer(buf *bytes.Buffer, answer jsonAppender) error {
	text, err := answer.AppendJSON(buf.AvailableBuffer())
	*buf = *bytes.NewBuffer(append(text, '\n')) // with the room that it has made
	return err
}

func marshalAnswer(buf *bytes.Buffer, answer any) error {
	encoder := json.NewEncoder(buf)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(answer)
}

// writeStream sends an answer while it is made. When that fails half-way, the
// problem goes into a trailer for programs and, in a stream of JSON lines, into
// a last line for people: neither takes the beginning for the whole.
func (h handler) writeStream(w http.ResponseWriter, req *http.Request, stream Stream) {
	w.Header().Set("Content-Type", stream.ContentType)
	w.Header().Set("Trailer", client.TrailerProblem)
	if stream.Note != "" {
		w.Header().Set(client.HeaderNote, strings.Map(inHeader, stream.Note[:min(len(stream.Note), maxNote)]))
	}
	err := stream.Write(w)
	if err == nil {
		return
	}
	requestctx.NoteError(req.Context(), err) // its line in the log carries the cause
	problem, _ := json.Marshal(fault.ToProblem(err, w.Header().Get(client.HeaderRequestID)))
	if person := internalOf(req).contract == ""; person && stream.ContentType == mediaNDJSON {
		_, _ = w.Write(append(problem, '\n')) // best effort: the trailer says it, too
	}
	w.Header().Set(client.TrailerProblem, string(problem))
}

// inHeader keeps what a header may hold.
func inHeader(r rune) rune {
	if r < ' ' || r > '~' {
		return '?'
	}
	return r
}

// maxNote is how much of a Stream's note is sent, in bytes.
const maxNote = 1 << 10

// maxDrain bounds what is read of a refused upload. A client that is still
// sending would otherwise see a broken pipe instead of the reason.
const maxDrain = 64 << 20

func (h handler) refuse(w http.ResponseWriter, req *http.Request, err error) {
	requestctx.NoteError(req.Context(), err) // its line in the log carries the cause
	if h.d.request.stream >= 0 {
		_, _ = io.CopyN(io.Discard, req.Body, maxDrain) // so that the answer is read; its errors say nothing new
	}
	fault.WriteProblem(w, err, w.Header().Get(client.HeaderRequestID))
}

// refuseUnread answers at once and reads nothing of the body: a client that is
// refused because it sends too much would otherwise hold its connection for as
// long as it likes to send.
func (h handler) refuseUnread(w http.ResponseWriter, req *http.Request, err error) {
	requestctx.NoteError(req.Context(), err) // its line in the log carries the cause
	control := http.NewResponseController(w)
	_ = control.EnableFullDuplex() // or the server first waits for some of the body; HTTP/2 has no need of it
	w.Header().Set("Connection", "close")
	fault.WriteProblem(w, err, w.Header().Get(client.HeaderRequestID))
	_ = control.Flush() // the client may be gone
}

// uploadReader makes faults of the errors of a request body, so that every
// module that reads a stream answers the same.
type uploadReader struct{ body io.Reader }

func (u uploadReader) Read(p []byte) (int, error) {
	n, err := u.body.Read(p)
	if err == nil || errors.Is(err, io.EOF) {
		return n, err
	}
	return n, readFault(err)
}

// bodyError marks a call that ended because its caller's body did not arrive,
// which says nothing about whoever was to read it.
type bodyError struct{ cause error }

func (e bodyError) Error() string { return e.cause.Error() }
func (e bodyError) Unwrap() error { return e.cause }

// Ending implements analysis.Ender.
func (bodyError) Ending() (analysis.Ending, bool) { return analysis.Abandoned, true }

var _ analysis.Ender = bodyError{}

// readFault says why a body could not be read to its end.
func readFault(err error) error {
	var (
		known    *fault.Fault
		tooLarge *http.MaxBytesError
	)
	switch {
	case errors.As(err, &known):
		return err
	case errors.As(err, &tooLarge):
		return fault.Newf(fault.TooLarge, "the body is over the limit of %d bytes", tooLarge.Limit)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fault.Wrap(bodyError{err}, fault.Invalid, "the body ended before all of it had arrived: nothing was kept, send it again")
	}
	return fault.Wrap(bodyError{err}, fault.Invalid, "the body broke off: nothing was kept, send it again")
}
