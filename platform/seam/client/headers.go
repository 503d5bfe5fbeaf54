package client

import (
	"maps"
	"net/http"
	"strings"
)

// The headers between Banyan's processes, beside Authorization and traceparent.
// seam says which of them count when they come from outside.
const (
	HeaderContract    = "Banyan-Contract" // the contract version of the caller; and, on every answer, the version of what answers
	HeaderDeadline    = "Banyan-Deadline" // milliseconds the caller still waits; relative, so clocks may differ
	HeaderEpoch       = "Banyan-Epoch"    // of the ownership of writes, as the caller has it
	HeaderIdempotency = "Idempotency-Key" // anybody's: one key per intended effect of a write
	HeaderNote        = "Banyan-Note"     // of a stream: what of the request was not used, for people
	HeaderRequestID   = "X-Request-Id"    // set by the HTTP server on the answer before any handler runs
	TrailerProblem    = "Banyan-Problem"  // trailer of an answer: the problem document of a stream that failed half-way

	// HeaderData carries the id of the module's data: on a call, that of the
	// caller who has the same module, and on its answer that of the process that
	// answers; see OtherData.
	HeaderData = "Banyan-Data"

	// MediaJSON is the type of bodies and answers that are not streams.
	MediaJSON = "application/json"
)

// internalPrefix begins the names of all headers that count between Banyan's
// processes only.
const internalPrefix = "Banyan-"

// sent returns the headers of a request as they may leave this process: from
// outside without those that only Banyan's own processes may say.
func (r *Client) sent(h http.Header) http.Header {
	if !r.outside {
		return h
	}
	h = maps.Clone(h)
	maps.DeleteFunc(h, func(name string, _ []string) bool { return strings.HasPrefix(name, internalPrefix) })
	return h
}
