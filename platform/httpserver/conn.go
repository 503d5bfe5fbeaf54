package httpserver

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// net/http sets a connection's deadlines eight times for a request, nearly always
// to a time that is later than the one before. Beside every handler it also reads
// one byte, to learn that the client has left, and takes that back a few
// microseconds later, when the handler is done. The runtime's poller is asked for
// all of that. A conn keeps it to itself for as long as nobody sees a difference,
// which saves about a tenth of what a short answer costs.

// lazyListener accepts such connections. Its plain twin is the listener within it.
type lazyListener struct{ net.Listener }

// Accept implements net.Listener.
func (l lazyListener) Accept() (net.Conn, error) {
	accepted, err := l.Listener.Accept()
	if tcp, ok := accepted.(*net.TCPConn); ok {
		return newConn(tcp), nil
	}
	return accepted, err
}

// conn is a TCP connection of a server. It has no SyscallConn: whoever uses the
// system's own handle passes our deadlines by, as os.File does to send itself.
type conn struct {
	net.Conn
	tcp           *net.TCPConn // the same
	reads, writes deadline
	seat          *seat // nil: connections are not counted

	// With the lock of reads:
	reader  activity
	over    bool // reads are interrupted
	wake    chan struct{}
	waits   uint64      // how many reads have waited
	watched uint64      // the wait that began before the timer
	timer   *time.Timer // nil: there was no wait yet
	ticking bool
}

type activity int

const (
	idle    activity = iota
	reading          // in the system's read
	waiting          // in await
)

var (
	_ net.Conn      = (*conn)(nil)
	_ io.ReaderFrom = (*conn)(nil)
	_ io.WriterTo   = (*conn)(nil)
)

func newConn(tcp *net.TCPConn) *conn {
	c := &conn{Conn: tcp, tcp: tcp, wake: make(chan struct{}, 1)}
	c.reads.arm, c.writes.arm = tcp.SetReadDeadline, tcp.SetWriteDeadline
	return c
}

// Read implements net.Conn. A read of one byte is net/http's look-out for a
// client that leaves, which may see it a little later.
func (c *conn) Read(p []byte) (int, error) {
	if len(p) == 1 {
		if err := c.await(); err != nil {
			return 0, err
		}
	}
	for {
		if err := c.enter(reading); err != nil {
			return 0, err
		}
		n, err := c.tcp.Read(p)
		_ = c.leave() // what was read counts
		if err == nil || n > 0 || !c.reads.early(err) {
			return n, err
		}
	}
}

// lookAfter is how long a handler runs before the system is asked whether its
// client is still there; twice as long at most.
const lookAfter = 20 * time.Millisecond

// await returns when it is time to read, or when that was interrupted.
func (c *conn) await() error {
	if err := c.enter(waiting); err != nil {
		return err
	}
	<-c.wake
	return c.leave()
}

// errInterrupted is what a read says that SetReadDeadline has ended.
var errInterrupted error = os.ErrDeadlineExceeded

func (c *conn) enter(a activity) error {
	c.reads.mu.Lock()
	defer c.reads.mu.Unlock()
	if c.over {
		return errInterrupted
	}
	c.reader = a
	if a == waiting {
		c.waits++
		c.tick()
	}
	return nil
}

func (c *conn) leave() error {
	c.reads.mu.Lock()
	defer c.reads.mu.Unlock()
	c.reader = idle
	if c.over {
		return errInterrupted
	}
	return nil
}

// tick lets the timer run. It is not stopped when a wait ends: on a busy
// connection one timer goes by for many of them.
func (c *conn) tick() {
	if c.ticking {
		return
	}
	c.ticking, c.watched = true, c.waits
	if c.timer == nil {
		c.timer = time.AfterFunc(lookAfter, c.look)
		return
	}
	c.timer.Reset(lookAfter)
}

func (c *conn) look() {
	c.reads.mu.Lock()
	defer c.reads.mu.Unlock()
	c.ticking = false
	switch {
	case c.reader != waiting:
	case c.watched == c.waits:
		c.wakeUp()
	default: // a later one
		c.tick()
	}
}

// wakeUp ends a wait, once.
func (c *conn) wakeUp() {
	if c.reader == waiting {
		c.reader = idle
		c.wake <- struct{}{}
	}
}

// Write implements net.Conn.
func (c *conn) Write(p []byte) (int, error) {
	written := 0
	for {
		n, err := c.tcp.Write(p[written:])
		written += n
		if err == nil || !c.writes.early(err) {
			return written, err
		}
	}
}

// ReadFrom lets the system send a file.
func (c *conn) ReadFrom(from io.Reader) (int64, error) {
	return c.writes.exactly(func() (int64, error) { return c.tcp.ReadFrom(from) })
}

// WriteTo is for those who took the connection over.
func (c *conn) WriteTo(to io.Writer) (int64, error) {
	return c.reads.exactly(func() (int64, error) { return c.tcp.WriteTo(to) })
}

// CloseWrite tells the client that nothing more comes.
func (c *conn) CloseWrite() error { return c.tcp.CloseWrite() }

// Close implements net.Conn.
func (c *conn) Close() error {
	if c.seat != nil {
		c.seat.leave()
	}
	err := c.tcp.Close()
	c.reads.mu.Lock()
	defer c.reads.mu.Unlock()
	c.wakeUp() // to read that it is closed
	return err
}

// SetDeadline implements net.Conn.
func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetWriteDeadline implements net.Conn.
func (c *conn) SetWriteDeadline(t time.Time) error { return c.writes.set(t) }

// SetReadDeadline implements net.Conn. One that is long ago ends reads, now and
// later, until the next one; the system is told only of a read that it alone can
// end.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.reads.mu.Lock()
	defer c.reads.mu.Unlock()
	c.over = longAgo(t)
	if c.over {
		c.wakeUp()
		if c.reader != reading && c.reads.exact == 0 {
			return nil
		}
	}
	return c.reads.note(t)
}

// longAgo reports whether a deadline is to end what is under way (net/http takes
// the year 1970), so that no clock has to be asked.
func longAgo(t time.Time) bool { return !t.IsZero() && t.Unix() < 1e9 }

// deadline is one that the system is told only when it comes before the one it
// knows. When that passes and it was not the last word, early says so.
type deadline struct {
	arm func(time.Time) error

	mu            sync.Mutex
	wanted, armed time.Time // zero: none
	exact         int       // how many need both to be the same
}

func (d *deadline) set(t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.note(t)
}

// note needs the lock, as tell does.
func (d *deadline) note(t time.Time) error {
	d.wanted = t
	earlier := !t.IsZero() && (d.armed.IsZero() || t.Before(d.armed))
	if !earlier && d.exact == 0 {
		return nil
	}
	return d.tell()
}

func (d *deadline) tell() error {
	d.armed = d.wanted
	return d.arm(d.armed)
}

// early reports whether err is a deadline that nobody wants any more; what it
// ended may go on then.
func (d *deadline) early(err error) bool {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.wanted.IsZero() && !time.Now().Before(d.wanted) {
		return false
	}
	return d.tell() == nil
}

// exactly is for what cannot go on where a deadline has ended it: meanwhile the
// system knows every one.
func (d *deadline) exactly(work func() (int64, error)) (int64, error) {
	d.mu.Lock()
	d.exact++
	err := d.tell()
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.exact--
	}()
	if err != nil {
		return 0, err
	}
	return work()
}
