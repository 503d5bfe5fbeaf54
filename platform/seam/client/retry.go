package client

import (
	"context"
	"maps"
	"strconv"
	"time"

	"banyan/platform/fault"
	"banyan/platform/periodic"
	"banyan/platform/seam/timeout"
)

// retryFrom goes on after a failed first attempt as long as that is allowed:
//
//	                     nothing was sent   the answer is missing or 502–504, 429
//	read                 again              again
//	idempotent write     again              again, once
//	other write          again              –
//	any, "busy"          –                  again, at another endpoint
//	                                        (a write if idempotent)
//	anything that has
//	begun its upload     –                  –
//	shadowed read        –                  –
//
// Each retry costs a token of the budget, waits a random part of the back-off
// (and Retry-After in full, unless another endpoint can be asked), ends with the
// caller's deadline, and prefers another endpoint.
func (r *Client) retryFrom(ctx context.Context, c *outgoing, before *endpoint, f *failure) (Answer, *failure) {
	wait := r.balance.Backoff
	for attempt := 2; attempt <= r.attemptsAt(c, f); attempt++ {
		if !c.mayRepeat(f) {
			break
		}
		pause := time.Duration(r.balance.Random() * float64(wait))
		if f.after > 0 && (len(*r.endpoints.Load()) == 1 || fault.Is(f.err, fault.RateLimited)) {
			pause = max(pause, f.after)
		}
		if deadline, set := ctx.Deadline(); set && time.Until(deadline) <= pause {
			break
		}
		if !r.budget.take(timeout.Clock()) || periodic.Sleep(ctx, pause) != nil {
			break
		}
		wait *= 2
		c.renew(ctx)
		var answer Answer
		if answer, before, f = r.attempt(ctx, c, before); f == nil {
			return answer, nil
		}
	}
	return Answer{}, f
}

// attemptsAt is how many there may be, the first included.
func (r *Client) attemptsAt(c *outgoing, f *failure) int {
	switch {
	case c.Once:
		return 1
	case fault.Is(f.err, fault.Busy): // elsewhere only: asking again here adds to the load
		return min(r.balance.Attempts, len(*r.endpoints.Load()))
	case c.Write && !f.unsent:
		return 2
	}
	return r.balance.Attempts
}

// mayRepeat reports whether doing the call again cannot do its effect twice.
func (c *outgoing) mayRepeat(f *failure) bool {
	switch {
	case c.upload != nil:
		return f.again && f.unsent && !c.upload.begun()
	case c.Write && !c.Idempotent:
		return f.again && f.unsent
	}
	return f.again
}

// renew makes what the next attempt sends. The one before may still be reading
// its own on the transport's goroutines.
func (c *outgoing) renew(ctx context.Context) {
	c.header = maps.Clone(c.header)
	if deadline, set := ctx.Deadline(); set && c.waits {
		c.header[HeaderDeadline] = []string{c.left(deadline)}
	}
}

// left is the header's value, and notes what it says.
func (c *outgoing) left(deadline time.Time) string {
	ms := max(time.Until(deadline).Milliseconds(), 1)
	c.sent = time.Duration(ms) * time.Millisecond
	return strconv.FormatInt(ms, 10)
}
