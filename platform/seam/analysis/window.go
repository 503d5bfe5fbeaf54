package analysis

import (
	"sync"
	"time"
)

// keptSamples are in a window: so much it slides by.
const keptSamples = 10

// Window keeps the figures at moments of the last window, so that what happened
// in it is a difference and costs the calls themselves nothing.
type Window struct {
	length time.Duration
	mu     sync.Mutex
	kept   []Sample // the oldest first; never empty after Start
}

// Sample is the figures of all operations at one moment.
type Sample struct {
	At     time.Time
	Counts []Counts
}

// Start begins the window with its first sample.
func (w *Window) Start(length time.Duration, first Sample) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.length, w.kept = length, []Sample{first}
}

// Take keeps the figures of now, when the last ones are old enough, and drops
// what is no longer needed to look a window back.
func (w *Window) Take(now Sample) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now.At.Sub(w.kept[len(w.kept)-1].At) < w.length/keptSamples {
		return
	}
	w.kept = append(w.kept, now)
	for len(w.kept) > 1 && now.At.Sub(w.kept[1].At) >= w.length {
		w.kept[0] = Sample{}
		w.kept = w.kept[1:]
	}
}

// Oldest is where the window begins.
func (w *Window) Oldest() Sample {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.kept[0]
}
