package seam

import (
	"context"
	"encoding/json"
	"io"
	"net/http"

	"banyan/platform/fault"
)

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
	if resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Content-Type") == fault.MediaType {
		// Banyan's, and it did not come as far as the contract: that is where callers are checked.
		message = "the module " + r.module + " cannot check who is calling, or is stopping: start the trunk, and check that identity.trunk_url there leads to it"
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
