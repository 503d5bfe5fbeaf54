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
// one byte, to notice that the client has disconnected, and cancels that
// a few microseconds later, when the handler has returned. Each of these is a call of
// the runtime's poller. A conn omits the calls that make no observable difference,
// which saves about a tenth of what a short answer costs.

// deadlineListener accepts such connections.
type deadlineListener struct{ net.Listener }

// Accept implements net.Listener.
func (l deadlineListener) Accept() (net.Conn, error) {
	accepted, err := l.Listener.Accept()
	if tcp, ok := accepted.(*net.TCPConn); ok {
		return newConn(tcp), nil
	}
	return accepted, err
}

// conn is a TCP connection of a server. It has no SyscallConn: a user of the
// file descriptor, such as os.File for sendfile, would bypass these deadlines.
type conn struct {
	net.Conn
	tcp           *net.TCPConn // the same connection
	reads, writes deadline

	// With the lock of reads:
	reader  activity
	over    bool // reads are interrupted
	wake    chan struct{}
	waits   uint64      // number of waits so far
	watched uint64      // the value of waits when the timer was started
	timer   *time.Timer // nil before the first wait
	ticking bool
}

type activity int

const (
	idle    activity = iota
	reading          // in a system call
	waiting          // in await
)

func newConn(tcp *net.TCPConn) *conn {
	c := &conn{Conn: tcp, tcp: tcp, wake: make(chan struct{}, 1)}
	c.reads.arm, c.writes.arm = tcp.SetReadDeadline, tcp.SetWriteDeadline
	return c
}

// Read implements net.Conn. A read of one byte is net/http's check for a client
// that disconnects, which may be delayed.
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
		_ = c.leave() // bytes that were read are returned
		if err == nil || n > 0 || !c.reads.early(err) {
			return n, err
		}
	}
}

// checkDelay is how long a handler runs before the connection is read to check that
// the client is connected; at most twice as long.
const checkDelay = 20 * time.Millisecond

// await waits until checkDelay has passed, or until reads are interrupted.
func (c *conn) await() error {
	if err := c.enter(waiting); err != nil {
		return err
	}
	<-c.wake
	return c.leave()
}

// errInterrupted is the error of a read that SetReadDeadline has interrupted.
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
		c.startTimer()
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

// startTimer starts the timer unless it runs. It is not stopped when a wait ends: on
// a busy connection one timer serves many waits.
func (c *conn) startTimer() {
	if c.ticking {
		return
	}
	c.ticking, c.watched = true, c.waits
	if c.timer == nil {
		c.timer = time.AfterFunc(checkDelay, c.expired)
		return
	}
	c.timer.Reset(checkDelay)
}

// expired ends the wait that has lasted for a whole timer.
func (c *conn) expired() {
	c.reads.mu.Lock()
	defer c.reads.mu.Unlock()
	c.ticking = false
	switch {
	case c.reader != waiting:
	case c.watched == c.waits:
		c.endWait()
	default: // the wait started later than the timer
		c.startTimer()
	}
}

// endWait ends the current wait, if there is one. c.reads.mu must be locked.
func (c *conn) endWait() {
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

// ReadFrom implements io.ReaderFrom, by sendfile for a file.
func (c *conn) ReadFrom(from io.Reader) (int64, error) {
	return c.writes.exactly(func() (int64, error) { return c.tcp.ReadFrom(from) })
}

// WriteTo implements io.WriterTo, for hijacked connections.
func (c *conn) WriteTo(to io.Writer) (int64, error) {
	return c.reads.exactly(func() (int64, error) { return c.tcp.WriteTo(to) })
}

// CloseWrite closes the writing side.
func (c *conn) CloseWrite() error { return c.tcp.CloseWrite() }

// Close implements net.Conn.
func (c *conn) Close() error {
	err := c.tcp.Close()
	c.reads.mu.Lock()
	defer c.reads.mu.Unlock()
	c.endWait() // its read then fails, because the connection is closed
	return err
}

// SetDeadline implements net.Conn.
func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetWriteDeadline implements net.Conn.
func (c *conn) SetWriteDeadline(t time.Time) error { return c.writes.set(t) }

// SetReadDeadline implements net.Conn. One that is long ago interrupts reads, now
// and later, until the next one; the system's deadline is set only if a read is in a
// system call.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.reads.mu.Lock()
	defer c.reads.mu.Unlock()
	c.over = longAgo(t)
	if c.over {
		c.endWait()
		if c.reader != reading && c.reads.exact == 0 {
			return nil
		}
	}
	return c.reads.setLocked(t)
}

// longAgo reports whether a deadline is meant to interrupt what is running
// (net/http sets one in the year 1970), without asking the clock.
func longAgo(t time.Time) bool { return !t.IsZero() && t.Unix() < 1e9 }

// deadline sets the system's deadline only when the new one is earlier than the one
// that is set. When that passes before the wanted one, early reports it.
type deadline struct {
	arm func(time.Time) error

	mu            sync.Mutex
	wanted, armed time.Time // zero: none
	exact         int       // calls of exactly that run
}

func (d *deadline) set(t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.setLocked(t)
}

// setLocked is set with d.mu locked.
func (d *deadline) setLocked(t time.Time) error {
	d.wanted = t
	earlier := !t.IsZero() && (d.armed.IsZero() || t.Before(d.armed))
	if !earlier && d.exact == 0 {
		return nil
	}
	return d.armLocked()
}

// armLocked sets the system's deadline to the wanted one, with d.mu locked.
func (d *deadline) armLocked() error {
	d.armed = d.wanted
	return d.arm(d.armed)
}

// early reports whether err is a system deadline before the wanted one: then the
// operation that it ended must be continued.
func (d *deadline) early(err error) bool {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.wanted.IsZero() && !time.Now().Before(d.wanted) {
		return false
	}
	return d.armLocked() == nil
}

// exactly runs work that cannot be continued after a deadline: meanwhile every
// deadline is set in the system.
func (d *deadline) exactly(work func() (int64, error)) (int64, error) {
	d.mu.Lock()
	d.exact++
	err := d.armLocked()
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
