package httpserver

import (
	"cmp"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// An open connection costs some 20 KB, and a client need not send anything on it.
// So there are at most http.connections of them, and http.connections_per_client of
// one client. Proxies that are trusted have no limit of their own: behind them are
// many. When there are too many in all, those that have waited longest for a request
// are closed, so that nobody can keep others out by doing nothing.
type connections struct {
	most, perClient int
	proxies         proxies
	now             func() time.Time
	log             *slog.Logger

	mu      sync.Mutex
	warned  time.Time
	open    map[*seat]struct{}
	clients map[netip.Prefix]int

	refusedClient, refusedAll, evicted atomic.Uint64
}

// seat is one connection's.
type seat struct {
	net.Conn
	all     *connections
	client  netip.Prefix
	counted bool         // for its client
	waiting atomic.Int64 // since when it waits for a request, in nanoseconds; 0 = a request runs
}

// newConnections makes the seats of a server. The clients of a module that runs
// alone are Banyan's own processes, each of which is many.
func newConnections(o Options, trusted proxies) *connections {
	perClient := o.Limits.ConnectionsPerClient
	if o.Internal {
		perClient = 0
	}
	return &connections{
		most: o.Limits.Connections, perClient: perClient, proxies: trusted, now: o.Now, log: o.Logger,
		open: make(map[*seat]struct{}), clients: make(map[netip.Prefix]int),
	}
}

// seats is a listener that accepts as many connections as there are seats.
type seats struct {
	net.Listener
	all    *connections
	secret bool // with TLS, in which a refusal would not be understood
}

// Accept implements net.Listener.
func (l seats) Accept() (net.Conn, error) {
	for {
		accepted, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		s, why := l.all.enter(accepted)
		if s != nil {
			return s.wrapped(), nil
		}
		if !l.secret {
			sayRefusal(accepted, why)
		}
		_ = accepted.Close() // nobody uses it
	}
}

// wrapped is the connection with a Close that leaves the seat, of the type that the
// server knows best.
func (s *seat) wrapped() net.Conn {
	if c, ok := s.Conn.(*conn); ok {
		c.seat = s
		return c
	}
	return s
}

// CloseWrite tells the client that nothing more comes: net/http does so after an
// answer to a request that it has not read wholly, and the client would lose the
// answer otherwise.
func (s *seat) CloseWrite() error {
	if half, ok := s.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// Close implements net.Conn.
func (s *seat) Close() error {
	s.leave()
	return s.Conn.Close()
}

// A refusal is what a client is told for whom there is no seat.
type refusal string

const (
	tooManyOfOne refusal = "your address has too many connections open: close some, or send several requests over one"
	tooManyInAll refusal = "too many connections are open: try again in a moment"
)

// enter returns a seat for a connection, or why there is none.
func (c *connections) enter(accepted net.Conn) (*seat, refusal) {
	s := &seat{Conn: accepted, all: c}
	s.waiting.Store(c.now().UnixNano())
	if address, err := netip.ParseAddrPort(accepted.RemoteAddr().String()); err == nil && !c.proxies.trusts(address.Addr().Unmap()) {
		s.client, s.counted = clientKey(address.Addr().Unmap()), true
	}
	evicted, why := c.take(s)
	for _, other := range evicted {
		_ = other.Conn.Close() // it is not counted any more
	}
	if why != "" {
		return nil, why
	}
	return s, ""
}

func (c *connections) take(s *seat) (evicted []*seat, why refusal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.counted && c.perClient > 0 && c.clients[s.client] >= c.perClient {
		c.refusedClient.Add(1)
		c.warn("a client has as many connections open as http.connections_per_client allows; more of it are refused", "client", s.client)
		return nil, tooManyOfOne
	}
	if c.most > 0 && len(c.open) >= c.most {
		if evicted = c.evict(); len(evicted) == 0 {
			c.refusedAll.Add(1)
			c.warn("as many requests are under way as http.connections allows; more connections are refused", "connections", c.most)
			return nil, tooManyInAll
		}
		c.warn("as many connections are open as http.connections allows; those that have waited longest for a request are closed", "connections", c.most)
	}
	c.open[s] = struct{}{}
	if s.counted {
		c.clients[s.client]++
	}
	return evicted, ""
}

// warn logs at most one line a minute: whoever opens too many connections could
// fill the log. It needs the lock.
func (c *connections) warn(message string, args ...any) {
	now := c.now()
	if !c.warned.IsZero() && now.Sub(c.warned) < time.Minute {
		return
	}
	c.warned = now
	c.log.Warn(message, args...)
}

// evicting is the share of the connections that is closed at a time, so that under
// attack the list is not searched for each.
const evicting = 64

// evict takes the seats of the connections that have waited longest, without a
// request under way; none if there are none. It needs the lock.
func (c *connections) evict() (evicted []*seat) {
	type waiter struct {
		s     *seat
		since int64
	}
	var waiters []waiter
	for s := range c.open {
		if since := s.waiting.Load(); since != 0 {
			waiters = append(waiters, waiter{s, since})
		}
	}
	slices.SortFunc(waiters, func(a, b waiter) int { return cmp.Compare(a.since, b.since) })
	for _, w := range waiters[:min(len(waiters), 1+c.most/evicting)] {
		c.evicted.Add(1)
		c.forget(w.s)
		evicted = append(evicted, w.s)
	}
	return evicted
}

// forget needs the lock. Seats that were left already are no more.
func (c *connections) forget(s *seat) {
	if _, taken := c.open[s]; !taken {
		return
	}
	delete(c.open, s)
	if !s.counted {
		return
	}
	if c.clients[s.client]--; c.clients[s.client] <= 0 {
		delete(c.clients, s.client)
	}
}

func (s *seat) leave() {
	s.all.mu.Lock()
	defer s.all.mu.Unlock()
	s.all.forget(s)
}

// note is the server's ConnState. A connection that was taken over (a WebSocket) is
// not waiting.
func (c *connections) note(over net.Conn, state http.ConnState) {
	if encrypted, ok := over.(*tls.Conn); ok {
		over = encrypted.NetConn()
	}
	var s *seat
	switch known := over.(type) {
	case *conn:
		s = known.seat
	case *seat:
		s = known
	}
	if s == nil {
		return
	}
	switch state {
	case http.StateNew, http.StateIdle:
		s.waiting.Store(c.now().UnixNano())
	case http.StateActive, http.StateHijacked, http.StateClosed:
		s.waiting.Store(0)
	}
}

// count is how many connections are open, and how many of them wait for a request.
func (c *connections) count() (open, waiting int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for s := range c.open {
		if s.waiting.Load() != 0 {
			waiting++
		}
	}
	return len(c.open), waiting
}

// refusalTime bounds how long a refusal may take to send: it fits into the buffer of
// a new connection.
const refusalTime = 100 * time.Millisecond

// sayRefusal answers a connection on which no request was read.
func sayRefusal(c net.Conn, why refusal) {
	body := `{"type":"about:blank","title":"Service Unavailable","status":503,"code":"busy","detail":"` + string(why) + `"}` + "\n"
	_ = c.SetWriteDeadline(time.Now().Add(refusalTime)) // what fails leaves the client without words
	_, _ = c.Write([]byte("HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nRetry-After: 2\r\nConnection: close\r\nContent-Length: " +
		strconv.Itoa(len(body)) + "\r\n\r\n" + body))
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
}
