package httpserver

import (
	"io"
	"net/http"
	"time"

	"banyan/platform/config"
	"banyan/platform/fault"
)

// Deadlines of connections are the one place that asks the wall clock: the
// kernel holds them against it.

// limitedBody refuses to read past its limit. Its place in the request is
// known, so that an upload can raise the limit (AllowUpload).
type limitedBody struct {
	io.ReadCloser
	writer   *recorder
	declared int64 // Content-Length, -1 when unknown
	limit    int64
	read     int64
	upload   bool
	until    time.Time // an upload's last moment
	failed   error     // how reading ended, also with io.EOF
}

// limitBody holds every request to the limit. A body that says beforehand that
// it is too large is refused at its first read, before any of it is sent.
func limitBody(limit int64) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Body != nil && r.Body != http.NoBody {
				state := stateOf(r.Context())
				state.body = &limitedBody{ReadCloser: r.Body, writer: &state.writer, declared: r.ContentLength, limit: limit}
				r.Body = state.body
			}
			next.ServeHTTP(w, r)
		})
	}
}

func (w *recorder) setReadDeadline(at time.Time) {
	// A writer without a connection (in tests) has no deadlines: nothing to do.
	_ = http.NewResponseController(w.ResponseWriter).SetReadDeadline(at)
}

func (w *recorder) setWriteDeadline(at time.Time) {
	_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(at) // as above
}

// Read fails with fault.TooLarge over the limit.
func (b *limitedBody) Read(p []byte) (int, error) {
	if b.failed != nil {
		return 0, b.failed
	}
	left := b.limit - b.read
	if b.declared > b.limit {
		return 0, b.refuse()
	}
	if int64(len(p)) > left+1 {
		p = p[:left+1] // one more than allowed tells "full" from "over"
	}
	if b.upload {
		b.renew()
	}
	n, err := b.ReadCloser.Read(p)
	if int64(n) > left {
		b.read = b.limit
		return int(left), b.refuse()
	}
	b.read += int64(n)
	if err != nil {
		// Reading on must not set a deadline again: after the body's end,
		// net/http would take it for a client that went away.
		b.failed = err
	}
	return n, err
}

func (b *limitedBody) refuse() error {
	// The rest is not read, so the connection cannot be used again.
	b.writer.Header().Set("Connection", "close")
	b.failed = fault.Wrap(&http.MaxBytesError{Limit: b.limit}, fault.TooLarge,
		"the request's body is over the limit of "+config.Bytes(b.limit).String()+": send less at a time")
	return b.failed
}

// renew extends the time of an upload, up to its last moment.
func (b *limitedBody) renew() {
	at := time.Now().Add(b.writer.state.config.ReadTimeout)
	if at.After(b.until) {
		at = b.until
	}
	b.writer.setReadDeadline(at)
}

// AllowUpload implements requestctx.Limits: http.upload_limit instead of
// body_limit, and time as long as bytes arrive, at most http.upload_timeout.
func (s *requestState) AllowUpload() {
	if s.body == nil {
		return
	}
	s.body.limit = int64(s.config.UploadLimit)
	s.body.upload = true
	s.body.until = time.Now().Add(s.config.UploadTimeout)
	s.writer.setWriteDeadline(s.body.until.Add(s.config.WriteTimeout))
}

// AllowStream implements requestctx.Limits: each piece must be taken within
// http.write_timeout. The handler must end when Draining says so.
func (s *requestState) AllowStream() { s.writer.stream = true }

// renew extends the time of a stream, before each of its pieces.
func (w *recorder) renew() { w.setWriteDeadline(time.Now().Add(w.state.config.WriteTimeout)) }
