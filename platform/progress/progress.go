// Package progress knows how far the long work is that this process does now, so that
// whoever waits for it can see that it goes on. Such work is one request: it is known
// where it is done, for as long as it takes, and whoever ends the request cancels it.
// Work that outlives its request is a job: see package jobs.
//
//	tell, end := table.Begin(name)
//	defer end()
//	tell(progress.Reading, read, size)
//	…
//	work := table.Of(name) // asked by another request
package progress

import (
	"io"
	"sync"
)

// The stages of work. The script of the pages has a text for each.
const (
	Reading   = "reading" // units are bytes of what is sent, or rows of what is stored
	Comparing = "comparing"
	Hashing   = "hashing"
	Storing   = "storing"
)

// Work is how far work is.
type Work struct {
	Stage string `json:"stage"` // reading, comparing, hashing or storing; "" = nothing is done now
	Done  int64  `json:"done"`  // units
	Total int64  `json:"total"` // 0 = not known
}

// Tell says how far work is; total is 0 when it is not known.
type Tell func(stage string, done, total int64)

// Untold is for work that nobody waits for.
func Untold(string, int64, int64) {}

// Table knows the work that is done now, by what it is done to. The zero value is
// ready, and many goroutines may use it. It holds as many entries as there is work.
type Table struct {
	mu sync.Mutex
	of map[string]*Work // of the work that began last
}

// Begin notes that work begins. tell says how far it is, and end that it is over,
// however it went.
func (t *Table) Begin(key string) (tell Tell, end func()) {
	work := &Work{}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of == nil {
		t.of = make(map[string]*Work)
	}
	t.of[key] = work
	tell = func(stage string, done, total int64) {
		t.mu.Lock()
		defer t.mu.Unlock()
		*work = Work{Stage: stage, Done: done, Total: total}
	}
	return tell, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.of[key] == work {
			delete(t.of, key)
		}
	}
}

// Of returns how far the work is that began last, the zero Work when none is done.
func (t *Table) Of(key string) Work {
	t.mu.Lock()
	defer t.mu.Unlock()
	if work := t.of[key]; work != nil {
		return *work
	}
	return Work{}
}

// Counted returns a reader of r that says after each read how many bytes there were so
// far.
func Counted(r io.Reader, tell func(read int64)) io.Reader { return &counted{r: r, tell: tell} }

type counted struct {
	r    io.Reader
	read int64
	tell func(int64)
}

// Read reads.
func (c *counted) Read(to []byte) (int, error) {
	n, err := c.r.Read(to)
	if c.read += int64(n); n > 0 {
		c.tell(c.read)
	}
	return n, err
}
