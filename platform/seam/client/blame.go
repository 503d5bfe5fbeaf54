package client

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"banyan/platform/fault"
	"banyan/platform/seam/timeout"
)

// clockSlack is by how much the other side's clock may be ahead of ours at the
// end of a deadline that was sent along.
const clockSlack = 5 * time.Millisecond

// silent reports whether an endpoint that had the whole request has been silent
// for the time of an attempt: the remote's time-out, or the most of a shorter
// limit of this process's own (what went before may have taken some of it).
func (r *Client) silent(ctx context.Context, waited time.Duration) bool {
	if waited >= r.timeout {
		return true
	}
	limit, ours := timeout.Own(ctx)
	return ours && 2*waited >= limit
}

// overdue judges a call whose time is over after an endpoint has had the whole
// request for so long.
func (r *Client) overdue(ctx context.Context, waited time.Duration) blame {
	if r.silent(ctx, waited) {
		return blameEndpoint
	}
	if _, ours := timeout.Own(ctx); ours {
		return blameNobody // others have used the time up
	}
	return blameCaller
}

// transportFailure says why there was no answer: the caller's time, the
// caller's own upload, or the other side.
func (r *Client) transportFailure(ctx context.Context, upload *watchedReader, err error, start, now time.Duration) *failure {
	if ctx.Err() != nil {
		f := &failure{err: fault.From(ctx.Err()), blame: blameCaller}
		sent, all := start, true
		if upload != nil {
			sent, all = upload.whole()
		}
		if all && errors.Is(ctx.Err(), context.DeadlineExceeded) {
			f.blame = r.overdue(ctx, now-sent)
		}
		return f
	}
	if upload != nil {
		if cause := upload.failed(); cause != nil {
			return &failure{err: cause, blame: blameCaller}
		}
		if upload.stalled(now) {
			return &failure{blame: blameCaller, err: fault.Wrap(err, fault.Invalid,
				"the body came so slowly that the module "+r.module+" hung up: nothing was kept, send it again")}
		}
	}
	var known *fault.Fault
	if errors.As(err, &known) {
		return &failure{err: err}
	}
	var never dialError
	return &failure{
		err:   fault.Wrap(err, fault.Unavailable, "the module "+r.module+" cannot be reached at the moment: try again in a minute"),
		blame: blameEndpoint, unsent: errors.As(err, &never), again: true,
	}
}

// answerFailure judges an answer that is an error.
func (r *Client) answerFailure(ctx context.Context, c *outgoing, resp *http.Response, took time.Duration) *failure {
	_, ours := resp.Header[HeaderContract]
	f := &failure{err: r.answerFault(resp, ours), blame: blameRequest}
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds > 0 {
		f.after = time.Duration(seconds) * time.Second
	}
	switch status := resp.StatusCode; {
	case status == http.StatusTooManyRequests, ours && fault.Is(f.err, fault.Busy):
		f.blame = blameLoad
	case status == http.StatusGatewayTimeout && c.sent > 0 && took+clockSlack >= c.sent:
		f.blame = r.overdue(ctx, took+clockSlack)
	case status >= http.StatusInternalServerError:
		f.blame = blameEndpoint
	}
	switch resp.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		f.again = true
	case http.StatusTooManyRequests:
		f.again = f.after > 0
	}
	return f
}
