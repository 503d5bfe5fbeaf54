package database

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// When ctx ends, the statement is cancelled in the server, so that it neither
// runs on nor holds its locks; if the server does not react within cancelWait,
// the connection is closed.
const (
	cancelDelay = 5 * time.Millisecond
	cancelWait  = time.Second
	// cancelSettles is how long the server may take to deliver a cancel request that it
	// has taken, which otherwise hits the next statement of the session. The value is
	// that of pgconn.CancelRequestContextWatcherHandler.
	cancelSettles = 100 * time.Millisecond
)

// canceller cancels a statement in the server when its context ends. Unlike pgx's own
// handler it lets a request that is on its way arrive, although the statement has ended,
// often by this very request: PgBouncer exits, with everybody's sessions, when a client
// hangs up in the middle of one (1.18 of Debian 12 does; pgbouncer/pgbouncer#801).
type canceller struct {
	conn *pgconn.PgConn

	over chan struct{} // closed when the statement has ended
	sent chan struct{} // closed when no request is on its way
}

// HandleCancel implements ctxwatch.Handler.
func (c *canceller) HandleCancel(context.Context) {
	c.over, c.sent = make(chan struct{}), make(chan struct{})
	deadline := time.Now().Add(cancelWait)
	_ = c.conn.Conn().SetDeadline(deadline) // fails on a closed one
	go func() {                             //nolint:gosec // the context of the request has ended: that is why there is one
		defer close(c.sent)
		select {
		case <-c.over:
			return
		case <-time.After(cancelDelay):
		}
		ctx, cancel := context.WithDeadline(context.Background(), deadline)
		defer cancel()
		_ = c.conn.CancelRequest(ctx) // else the deadline ends the statement
		time.Sleep(cancelSettles)
	}()
}

// HandleUnwatchAfterCancel implements ctxwatch.Handler.
func (c *canceller) HandleUnwatchAfterCancel() {
	close(c.over)
	<-c.sent
	_ = c.conn.Conn().SetDeadline(time.Time{}) // fails on a closed one
}
