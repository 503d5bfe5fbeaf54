package seam

import (
	"net/http"

	"banyan/platform/identity"
	"banyan/platform/seam/client"
)

// The headers of the seam, beside Authorization, traceparent and X-Request-Id.
//
// Whatever begins with Banyan- is said by one of Banyan's processes to another
// and counts only when the request proves its process (identity.Process).
// Anybody can write such a header: a deadline of a millisecond, an epoch that is
// over, or a contract, which lifts the time limit of an operation. From outside
// they are as if they had not been sent.
// Their names stand in the package client.
const (
	maxIdempotencyKey = 128                    // characters
	mediaNDJSON       = "application/x-ndjson" // streams of JSON lines
)

var jsonMedia = []string{client.MediaJSON}

// internal are the headers of a request that count between processes only.
type internal struct{ contract, deadline, epoch, data string }

// internalOf returns the zero value for a request from outside.
func internalOf(req *http.Request) internal {
	if identity.Process(req.Context()) == "" {
		return internal{}
	}
	h := req.Header
	return internal{first(h, client.HeaderContract), first(h, client.HeaderDeadline), first(h, client.HeaderEpoch), first(h, client.HeaderData)}
}

// first is Get for names that are in their canonical form, as the seam's are.
func first(h http.Header, name string) string {
	if values := h[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}
