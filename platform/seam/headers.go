package seam

import (
	"net/http"

	"banyan/platform/identity"
)

// The headers of the seam, beside Authorization, traceparent and X-Request-Id.
//
// Whatever begins with Banyan- is said by one of Banyan's processes to another
// and counts only when the request proves its process (identity.Process).
// Anybody can write such a header: a deadline of a millisecond, an epoch that is
// over, or a contract, which lifts the time limit of an operation. From outside
// they are as if they had not been sent.
const (
	headerContract    = "Banyan-Contract"      // the contract version the caller speaks; and, on every answer, the version of what answers
	headerDeadline    = "Banyan-Deadline"      // milliseconds the caller still waits; relative, so clocks may differ
	headerEpoch       = "Banyan-Epoch"         // of the ownership of writes, as the caller knows it
	headerIdempotency = "Idempotency-Key"      // anybody's: one key per intended effect of a write
	headerRequestID   = "X-Request-Id"         // set by the HTTP server on the answer before any handler runs
	trailerProblem    = "Banyan-Problem"       // trailer of an answer: the problem document of a stream that failed half-way
	maxIdempotencyKey = 128                    // characters
	mediaJSON         = "application/json"     // requests and answers
	mediaNDJSON       = "application/x-ndjson" // streams of JSON lines
)

// internal are the headers of a request that count between processes only.
type internal struct{ contract, deadline, epoch, data string }

// internalOf returns the zero value for a request from outside.
func internalOf(req *http.Request) internal {
	if identity.Process(req.Context()) == "" {
		return internal{}
	}
	h := req.Header
	return internal{first(h, headerContract), first(h, headerDeadline), first(h, headerEpoch), first(h, headerData)}
}

// first is Get for names that are in their canonical form, as the seam's are.
func first(h http.Header, name string) string {
	if values := h[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}
