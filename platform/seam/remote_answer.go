package seam

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"banyan/platform/fault"
)

// transportFailure says why there was no answer: the caller's time, the
// caller's own upload, or the other side.
func (r *Remote) transportFailure(ctx context.Context, upload *watchedReader, err error, took time.Duration) *failure {
	if ctx.Err() != nil {
		f := &failure{err: fault.From(ctx.Err())}
		if errors.Is(ctx.Err(), context.DeadlineExceeded) && took >= leastPatience {
			f.blame = blameEndpoint
		}
		return f
	}
	if upload != nil {
		if cause := upload.failed(); cause != nil {
			return &failure{err: cause}
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

// answerFault reads the error of the other side. An answer that does not say
// which contract it speaks is not the module's own, and what it says is about
// the way there: it is no fault of the person calling.
func (r *Remote) answerFault(resp *http.Response, ours bool) error {
	err := fault.ReadProblem(resp)
	if ours {
		return err
	}
	message := "what answers at the address of the module " + r.module + " is not that module: check the url, and that it serves this module in a release of today"
	if resp.StatusCode == http.StatusUnauthorized {
		message = "the module " + r.module + " does not trust this process: check identity.trunk_url there, and the clocks"
	}
	f := fault.Wrap(err, fault.Unavailable, message)
	f.RetryAfter = fault.From(err).RetryAfter
	return f
}

// copyStream passes an answer on as it comes and looks at its trailer.
func (r *Remote) copyStream(ctx context.Context, w io.Writer, from reply) error {
	resp := from.stream
	defer func() {
		_ = resp.Body.Close()
		from.endpoint.inFlight.Add(-1)
	}()
	if _, err := io.Copy(w, resp.Body); err != nil {
		if ctx.Err() != nil {
			return fault.From(ctx.Err())
		}
		return fault.Wrap(err, fault.Unavailable, "the answer of module "+r.module+" broke off: try again")
	}
	if text := resp.Trailer.Get(trailerProblem); text != "" {
		var p fault.Problem
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			return fault.Wrap(err, fault.Unavailable, "the answer of module "+r.module+" ended with an error that cannot be read")
		}
		return p.Fault()
	}
	return nil
}
