package httpserver

import (
	"io"
	"net/http"
	"time"

	"banyan/platform/config"
	"banyan/platform/fault"
)

// Deadlines of connections are the one place that reads the wall clock: the kernel
// compares them with it.

// limitedBody fails to read past its limit. The request's state refers to it, so
// that AllowUpload can raise the limit.
type limitedBody struct {
	io.ReadCloser
	writer   *recorder
	declared int64 // Content-Length, -1 when unknown
	limit    int64
	read     int64
	upload   bool
	until    time.Time // when an upload must have ended
	pace     pace
	failed   error // the error that ended reading, io.EOF included
}

// limitBody limits the body of every request. A body whose Content-Length is too
// large is refused at its first read, before any of it is sent.
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
		p = p[:left+1] // one byte more than allowed shows that the body is too long
	}
	n, err := b.take(p)
	if int64(n) > left {
		b.read = b.limit
		return int(left), b.refuse()
	}
	b.read += int64(n)
	if err != nil {
		// Reading on must not set a deadline again: after the body's end,
		// net/http would take it for a client that disconnected.
		b.failed = err
	}
	return n, err
}

func (b *limitedBody) refuse() error {
	// The rest is not read, so the connection cannot be used again.
	b.writer.Header().Set("Connection", "close")
	b.failed = fault.Wrap(&http.MaxBytesError{Limit: b.limit}, fault.TooLarge,
		"the request's body is over the limit of "+config.Bytes(b.limit).String()+": send less per request")
	return b.failed
}

// take reads from the client, and for an upload looks at how that goes.
func (b *limitedBody) take(p []byte) (int, error) {
	if !b.upload {
		return b.ReadCloser.Read(p)
	}
	began := time.Now()
	b.renew(began)
	n, err := b.ReadCloser.Read(p)
	if slow := b.writer.state.keepPace(b, n, time.Since(began), err != nil); slow != nil {
		b.writer.Header().Set("Connection", "close") // the rest is not read
		b.failed = slow
		return n, slow
	}
	return n, err
}

// renew resets the read deadline of an upload, at most to b.until.
func (b *limitedBody) renew(now time.Time) {
	at := now.Add(b.writer.state.config.ReadTimeout)
	if at.After(b.until) {
		at = b.until
	}
	b.writer.setReadDeadline(at)
}

// AllowUpload implements requestctx.Limits: http.upload_limit instead of
// body_limit, and a read deadline that is reset as long as bytes arrive, at most
// http.upload_timeout in all.
func (s *requestState) AllowUpload() {
	if s.body == nil {
		return
	}
	s.body.limit = int64(s.config.UploadLimit)
	s.body.upload = true
	s.body.until = time.Now().Add(s.config.UploadTimeout)
	s.writer.setWriteDeadline(s.body.until.Add(s.config.WriteTimeout))
}

// AllowStream implements requestctx.Limits: each write must finish within
// http.write_timeout. The handler must return when Draining is closed.
func (s *requestState) AllowStream() { s.writer.stream = true }

// renew resets the write deadline of a stream, before each write.
func (w *recorder) renew() { w.setWriteDeadline(time.Now().Add(w.state.config.WriteTimeout)) }
