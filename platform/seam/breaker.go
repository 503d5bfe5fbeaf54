package seam

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/sony/gobreaker/v2"
)

const (
	breakBuckets = 10 // of the window, which moves by one at a time
	breakCalls   = 20 // below so many a share says nothing
	// leastPatience: a caller who gave up sooner says nothing about the endpoint.
	leastPatience = 100 * time.Millisecond
)

// failure is an attempt that gave no answer. The caller gets err; the rest says
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

// blame is what a failure says about the endpoint.
type blame uint8

const (
	blameNobody   blame = iota // nothing: the caller went away or was in a hurry
	blameCaller                // it works: it refused the request
	blameEndpoint              // transport, 5xx, time-out
)

// newBreaker makes the breaker of one endpoint. Only what is the endpoint's
// fault counts; a refusal of the caller's request is a success.
func newBreaker(o BalanceOptions, changed func(from, to gobreaker.State)) *gobreaker.CircuitBreaker[reply] {
	return gobreaker.NewCircuitBreaker[reply](gobreaker.Settings{
		MaxRequests: uint32(o.Probes), Interval: o.BreakWindow, BucketPeriod: o.BreakWindow / breakBuckets, Timeout: o.BreakFor,
		ReadyToTrip: func(c gobreaker.Counts) bool {
			ended := c.TotalSuccesses + c.TotalFailures
			return int(c.ConsecutiveFailures) >= o.BreakAfter ||
				ended >= breakCalls && float64(c.TotalFailures) >= o.BreakShare*float64(ended)
		},
		IsSuccessful:  func(err error) bool { return err == nil || blameOf(err) == blameCaller },
		IsExcluded:    func(err error) bool { return err != nil && blameOf(err) == blameNobody },
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

// answerFailure judges an answer that is an error.
func answerFailure(err error, resp *http.Response, took time.Duration) *failure {
	f := &failure{err: err, blame: blameCaller}
	if seconds, convErr := strconv.Atoi(resp.Header.Get("Retry-After")); convErr == nil && seconds > 0 {
		f.after = time.Duration(seconds) * time.Second
	}
	status := resp.StatusCode
	switch {
	case status == http.StatusGatewayTimeout && took < leastPatience:
		f.blame = blameNobody
	case status >= http.StatusInternalServerError:
		f.blame = blameEndpoint
	}
	switch status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		f.again = true
	case http.StatusTooManyRequests:
		f.again = f.after > 0
	}
	return f
}
