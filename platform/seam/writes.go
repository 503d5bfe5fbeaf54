package seam

import (
	"context"
	"time"
)

// maxHandover is the longest that a refused write waits for the route to move,
// when its caller has set no earlier deadline. A hand-over takes milliseconds:
// whatever lasts this long is broken, and the caller must learn of it.
const maxHandover = 10 * time.Second

// lost reports whether a write was refused because the owner has changed.
func (r *Route) lost(err error) bool {
	return r.options.Lost != nil && r.options.Lost(err)
}

// followOwner does a write again that was refused under the state s, because
// the ownership had moved and the route had not yet. The refusal means that it
// had no effect. It is repeated at each new state until an owner takes it or
// the time is over; the refusal is then the error, which names the owner. An upload is
// sent from its first byte again, as far as that was kept (Uploads).
func (o Operation[Q, A]) followOwner(ctx context.Context, r *Route, s *state, q Q, refusal error) (A, error) {
	var none A
	waiting, cancel := context.WithTimeout(ctx, maxHandover)
	defer cancel()
	for {
		var ok bool
		if q, ok = o.fromStart(q); !ok {
			return none, refusal
		}
		select {
		case <-s.next:
		case <-waiting.Done():
			return none, refusal
		}
		s = r.state.Load()
		var answer A
		var err error
		if s.plan.Mode == ModeRemote {
			answer, err = o.callAway(ctx, r, s, q)
		} else {
			answer, err = o.callHere(ctx, r, q)
		}
		if err == nil || !r.lost(err) {
			return answer, err
		}
		refusal = err
	}
}
