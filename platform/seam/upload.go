package seam

import (
	"errors"
	"io"
	"sync"
)

// watchedReader remembers whether a stream that goes out was begun, and why it
// could not be read, because net/http reports only that sending failed. The
// transport reads it on its own goroutine, hence the lock.
type watchedReader struct {
	source  io.Reader
	mu      sync.Mutex
	touched bool
	err     error
}

// Read reads the source.
func (w *watchedReader) Read(p []byte) (int, error) {
	w.mu.Lock()
	w.touched = true
	w.mu.Unlock()
	n, err := w.source.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		w.mu.Lock()
		w.err = err
		w.mu.Unlock()
	}
	return n, err
}

func (w *watchedReader) failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// begun tells that some of the stream may be gone: it cannot be sent again.
func (w *watchedReader) begun() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.touched
}
