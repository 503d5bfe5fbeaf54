package seam

import (
	"net/http"
	"testing"
)

func TestTheSeamsHeadersAreInTheirCanonicalForm(t *testing.T) {
	for _, name := range []string{headerContract, headerDeadline, headerEpoch, headerIdempotency, headerRequestID, trailerProblem} {
		if name != http.CanonicalHeaderKey(name) {
			t.Errorf("%s is read and never found", name)
		}
	}
}
