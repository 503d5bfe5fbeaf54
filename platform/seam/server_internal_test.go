package seam

import (
	"errors"
	"io"
	"net/http"
	"testing"

	"banyan/platform/seam/analysis"
	"banyan/platform/seam/client"
)

func TestTheSeamsHeadersAreInTheirCanonicalForm(t *testing.T) {
	for _, name := range []string{client.HeaderContract, client.HeaderDeadline, client.HeaderEpoch, client.HeaderIdempotency, client.HeaderRequestID, client.TrailerProblem} {
		if name != http.CanonicalHeaderKey(name) {
			t.Errorf("%s is read and never found", name)
		}
	}
}

// TestHowACallEndsWhoseBodyDidNotArrive: that says nothing about who was to read it.
func TestHowACallEndsWhoseBodyDidNotArrive(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want analysis.Ending
	}{
		"broke off":      {readFault(errors.New("connection reset")), analysis.Abandoned},
		"ended early":    {readFault(io.ErrUnexpectedEOF), analysis.Abandoned},
		"over the limit": {readFault(&http.MaxBytesError{Limit: 1}), analysis.Refused},
	} {
		if got := analysis.EndingOf(t.Context(), c.err); got != c.want {
			t.Errorf("a body that %s: %d, want %d", name, got, c.want)
		}
	}
}
