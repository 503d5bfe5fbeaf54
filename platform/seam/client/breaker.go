package client

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"

	"banyan/platform/seam/analysis"
	"banyan/platform/seam/timeout"
)

const (
	breakBuckets = 10 // of the window, which moves by one at a time
	breakCalls   = 20 // below so many a share says nothing
)

// failure is an attempt without an answer. The caller gets err; the rest says
// what may be done about it.
type failure struct {
	err    error
	blame  blame
	unsent bool          // it is certain that nothing reached the other side
	again  bool          // another attempt may go better
	after  time.Duration // and not before this
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// Ending implements analysis.Ender: what was seen of the endpoint.
func (f *failure) Ending() (analysis.Ending, bool) {
	switch f.blame {
	case blameCaller:
		return analysis.Abandoned, true
	case blameLoad:
		return analysis.Busy, true
	case blameEndpoint:
		return analysis.Failed, true
	default:
		return 0, false
	}
}

var _ analysis.Ender = (*failure)(nil)

// blame is what a failure says about the endpoint. An endpoint is blamed for its
// own silence and its own errors, never for what a caller can bring about.
type blame uint8

const (
	blameNobody   blame = iota // nothing, and nothing about the caller either
	blameCaller                // nothing: the caller went away, had less time than an attempt gets, or its body stalled or failed
	blameRequest               // it works: it refused the request
	blameLoad                  // it works, and has no room for this call now
	blameEndpoint              // no connection, a broken one, 5xx, no answer to a whole request in the time of an attempt
)

// newBreaker makes the breaker of one class at one endpoint. Only what is the
// endpoint's fault counts against it, and for it only what it has answered: load
// and what ended for the caller's reasons count neither way.
func newBreaker(o Balance, changed func(from, to gobreaker.State)) *gobreaker.TwoStepCircuitBreaker[Answer] {
	return gobreaker.NewTwoStepCircuitBreaker[Answer](gobreaker.Settings{
		MaxRequests: uint32(o.Probes), Interval: o.BreakWindow, BucketPeriod: o.BreakWindow / breakBuckets, Timeout: o.BreakFor,
		ReadyToTrip: func(c gobreaker.Counts) bool {
			ended := c.TotalSuccesses + c.TotalFailures
			return int(c.ConsecutiveFailures) >= o.BreakAfter ||
				ended >= breakCalls && float64(c.TotalFailures) >= o.BreakShare*float64(ended)
		},
		IsSuccessful: func(err error) bool { return err == nil || blameOf(err) == blameRequest },
		IsExcluded: func(err error) bool {
			return err != nil && blameOf(err) != blameRequest && blameOf(err) != blameEndpoint
		},
		OnStateChange: func(_ string, from, to gobreaker.State) { changed(from, to) },
	})
}

// blameOf reads what roundTrip says of its error; anything else is a defect of
// ours and says nothing of the endpoint.
func blameOf(err error) blame {
	var f *failure
	if errors.As(err, &f) {
		return f.blame
	}
	return blameNobody
}

// sendTo sends the call through the breaker of its class at the endpoint.
func (r *Client) sendTo(ctx context.Context, c *outgoing, e *endpoint, set []*endpoint) (answer Answer, f *failure) {
	breaker := e.classes[c.class].breaker
	ended, err := breaker.Allow()
	if err != nil {
		return Answer{}, errRefused
	}
	if c.upload != nil && breaker.State() == gobreaker.StateHalfOpen {
		ended = r.probeByUpload(c.upload, ended)
	}
	result := errPanicked
	defer func() { ended(result) }()
	if answer, f = r.sendCounted(ctx, c, e, set); f != nil {
		result = f
		return answer, f
	}
	result = nil
	return answer, nil
}

// errPanicked says nothing about the endpoint: the defect is here.
var errPanicked = errors.New("sending the call panicked")

// probeByUpload bounds for how long an upload holds one of the few places of
// probes: its caller decides how long it takes, and three that stall would keep
// everybody else out. What the endpoint has taken by then without failing counts
// for it; a caller who has sent nothing lately says nothing.
func (r *Client) probeByUpload(upload *watchedReader, ended func(error)) func(error) {
	var once sync.Once
	timer := time.AfterFunc(r.balance.BreakFor, func() {
		once.Do(func() {
			if upload.stalled(timeout.Clock()) {
				ended(&failure{blame: blameCaller})
				return
			}
			ended(nil)
		})
	})
	return func(err error) {
		timer.Stop()
		once.Do(func() { ended(err) })
	}
}
