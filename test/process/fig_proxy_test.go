package process_test

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// proxy is the way from the trunk to a module's process, which a test can slow
// down and cut.
type proxy struct {
	listener net.Listener
	to       string
	delay    atomic.Int64 // of every piece, in either direction; time.Duration
	pumps    sync.WaitGroup

	mu    sync.Mutex
	isCut bool
	ends  map[net.Conn]bool // of the open connections, both of each
}

func newProxy(t *testing.T, to string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &proxy{listener: listener, to: to, ends: make(map[net.Conn]bool)}
	l.pumps.Go(l.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		l.cut()
		l.pumps.Wait()
	})
	return l
}

func (l *proxy) address() string { return l.listener.Addr().String() }

// cut ends all connections in the middle of what they carry, and every new one
// at once, until restore.
func (l *proxy) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.isCut = true
	for end := range l.ends {
		_ = end.Close()
	}
}

func (l *proxy) restore() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.isCut = false
}

func (l *proxy) accept() {
	for {
		near, err := l.listener.Accept()
		if err != nil {
			return // the test has ended
		}
		l.pumps.Go(func() { l.join(near) })
	}
}

// join carries one connection until either end closes it.
func (l *proxy) join(near net.Conn) {
	defer near.Close()
	far, err := net.Dial("tcp", l.to)
	if err != nil {
		return // nobody listens: the trunk sees it closed
	}
	defer far.Close()
	if !l.open(near, far) {
		return
	}
	defer l.closed(near, far)
	var both sync.WaitGroup
	both.Go(func() { l.pump(far, near) })
	both.Go(func() { l.pump(near, far) })
	both.Wait()
}

func (l *proxy) open(ends ...net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, end := range ends {
		l.ends[end] = true
	}
	return !l.isCut
}

func (l *proxy) closed(ends ...net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, end := range ends {
		delete(l.ends, end)
	}
}

func (l *proxy) pump(to, from net.Conn) {
	defer to.Close() // half-open connections are of no use to HTTP
	piece := make([]byte, 32<<10)
	for {
		n, err := from.Read(piece)
		if d := time.Duration(l.delay.Load()); d > 0 {
			pause(d)
		}
		if _, failed := to.Write(piece[:n]); err != nil || failed != nil {
			return
		}
	}
}
