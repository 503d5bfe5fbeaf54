package client

import (
	"errors"
	"io"
	"sync"
	"time"

	"banyan/platform/seam/timeout"
)

// stallAfter is how long a source may let its reader wait before what happens
// meanwhile is the caller's affair.
const stallAfter = time.Second

// watchedReader remembers how far a stream that goes out has come, and why it
// could not be read, because net/http reports only that sending failed. The
// transport reads it on its own goroutine, hence the lock.
type watchedReader struct {
	source  io.Reader
	mu      sync.Mutex
	touched bool
	waiting bool          // a read is under way
	since   time.Duration // and began then
	done    bool          // the source has ended
	at      time.Duration // and did then
	err     error
}

// Read reads the source.
func (w *watchedReader) Read(p []byte) (int, error) {
	w.mu.Lock()
	w.touched, w.waiting, w.since = true, true, timeout.Clock()
	w.mu.Unlock()
	n, err := w.source.Read(p)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = false
	switch {
	case err == nil:
	case errors.Is(err, io.EOF):
		if !w.done {
			w.done, w.at = true, timeout.Clock()
		}
	default:
		w.err = err
	}
	return n, err
}

func (w *watchedReader) failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// stalled reports whether the source lets its reader wait.
func (w *watchedReader) stalled(now time.Duration) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.waiting && now-w.since >= stallAfter
}

// whole is when all of the source was read, by clock, and whether it was.
func (w *watchedReader) whole() (at time.Duration, done bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at, w.done
}

// begun reports whether some of the stream may be gone: it cannot be sent again.
func (w *watchedReader) begun() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.touched
}
