package seam

import (
	"errors"
	"io"
	"sync"
)

// watchedReader remembers why a stream that goes out could not be read, because
// net/http reports only that sending failed. The transport reads it on its own
// goroutine, hence the lock.
type watchedReader struct {
	source io.Reader
	mu     sync.Mutex
	err    error
}

// Read reads the source.
func (w *watchedReader) Read(p []byte) (int, error) {
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
