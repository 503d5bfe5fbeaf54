package client

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"

	"banyan/platform/fault"
	"banyan/platform/seam/buffer"
)

// answerFault reads the error of the other side. An answer that does not say
// which contract it has is not the module's own, and what it says is about
// the way there: the person calling is not at fault.
func (r *Client) answerFault(resp *http.Response, ours bool) error {
	err := fault.ReadProblem(resp)
	if ours || r.outside {
		return err
	}
	message := "what answers at the address of the module " + r.module + " is not that module: check the url, and that the process there serves this module and is of the same release"
	if resp.StatusCode == http.StatusUnauthorized {
		message = "the module " + r.module + " does not trust this process: check identity.trunk_url there, and the clocks"
	}
	// A problem is Banyan's. These did not come as far as the contract: before it callers
	// are checked, and operations that there are not have no answer of it.
	problem := resp.Header.Get("Content-Type") == fault.MediaType
	if problem && (resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusMethodNotAllowed) {
		message = "the process at the address of the module " + r.module + " does not know what it was asked for: it serves other modules (check the url), or is of an older release (bring both to one release)"
	}
	if problem && resp.StatusCode == http.StatusServiceUnavailable {
		message = "the module " + r.module + " cannot check who is calling, or is stopping: start the trunk, and check that identity.trunk_url there leads to it"
	}
	f := fault.Wrap(err, fault.Unavailable, message)
	f.RetryAfter = fault.From(err).RetryAfter
	return f
}

// Answer is what came of a call: its text, or a stream that is still to be read.
type Answer struct {
	text     *bytes.Buffer // from the package buffer
	client   *Client       // of the stream
	stream   *http.Response
	endpoint *endpoint // of the stream
}

// Text is the whole answer of a call without Request.Streams, until Release.
func (a *Answer) Text() []byte { return a.text.Bytes() }

// Release is called once, when nobody holds Text any more.
func (a *Answer) Release() { buffer.Put(a.text) }

// Media is the type of a stream.
func (a *Answer) Media() string { return a.stream.Header.Get("Content-Type") }

// Note is what a stream says of its request, "" if nothing.
func (a *Answer) Note() string { return a.stream.Header.Get(HeaderNote) }

// Copy passes a stream on as it comes, and is called once. It returns the error
// that the other side says in the trailer, or why the stream broke off.
func (a *Answer) Copy(ctx context.Context, w io.Writer) error {
	r, resp := a.client, a.stream
	defer func() {
		_ = resp.Body.Close()
		a.endpoint.inFlight.Add(-1)
	}()
	if _, err := io.Copy(w, resp.Body); err != nil {
		if ctx.Err() != nil {
			return fault.From(ctx.Err())
		}
		return fault.Wrap(err, fault.Unavailable, "the answer of module "+r.module+" broke off: try again")
	}
	if text := resp.Trailer.Get(TrailerProblem); text != "" {
		var p fault.Problem
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			return fault.Wrap(err, fault.Unavailable, "the answer of module "+r.module+" ended with an error that cannot be read")
		}
		return p.Fault()
	}
	return nil
}
