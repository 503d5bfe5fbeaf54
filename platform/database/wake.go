package database

import "sync"

// wakers notify waiting goroutines of this process of commits. A notification is
// a hint: it may be spurious, and there is none for commits of other processes, so
// a listener must read the database, also periodically without one.
type wakers struct {
	mu     sync.Mutex
	byName map[string][]chan struct{}
}

// Listen returns a channel that receives after each commit that called
// Tx.Wake(name); notifications that were not received yet are merged into one. Call
// stop to end it.
func (db *DB) Listen(name string) (woken <-chan struct{}, stop func()) {
	c := make(chan struct{}, 1)
	w := db.wakers
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.byName == nil {
		w.byName = map[string][]chan struct{}{}
	}
	w.byName[name] = append(w.byName[name], c)
	return c, func() { w.remove(name, c) }
}

func (w *wakers) remove(name string, c chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	left := w.byName[name][:0:0]
	for _, other := range w.byName[name] {
		if other != c {
			left = append(left, other)
		}
	}
	w.byName[name] = left
}

// wake never blocks.
func (w *wakers) wake(names []string) {
	if len(names) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range names {
		for _, c := range w.byName[name] {
			select {
			case c <- struct{}{}:
			default:
			}
		}
	}
}
