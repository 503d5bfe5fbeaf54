package service_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"banyan/modules/reputation"
	"banyan/platform/fault"
	"banyan/platform/periodic"
	"banyan/platform/progress"
)

// readFunc is a reader of one function.
type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// While a list is sent, whoever asks learns that it is read, also under a name of which
// there is no import yet, and afterwards that nothing is done.
func TestConformanceAnUploadIsKnownAsWork(t *testing.T) {
	conform(t, func(t *testing.T, s reputation.Service) {
		ask := reputation.ImportWorkQuery{Import: "new"}
		if _, err := s.ImportWork(nobody, ask); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("asked by nobody: %v", describe(err))
		}
		if _, err := s.ImportWork(operator, reputation.ImportWorkQuery{Import: "A b"}); !fault.Is(err, fault.Invalid) {
			t.Errorf("of a wrong name: %v", describe(err))
		}
		var rows strings.Builder
		for n := range 2000 {
			rows.WriteString(edge(n, n+1, "1"))
		}
		seen := false
		body := io.MultiReader(strings.NewReader(rows.String()), readFunc(func([]byte) (int, error) {
			for !seen { // over HTTP the first rows may still be on their way
				work, err := s.ImportWork(operator, ask)
				if err != nil {
					return 0, err
				}
				if seen = work.Stage == progress.Reading && work.Done > 0; !seen {
					if err := periodic.Sleep(t.Context(), time.Millisecond); err != nil {
						return 0, err
					}
				}
			}
			return 0, io.EOF
		}))
		made, err := s.ImportTrust(operator, reputation.TrustUpload{Import: "new", Body: body})
		if err != nil || made.Edges != 2000 || !seen {
			t.Errorf("%+v, %s, seen %v", made, describe(err), seen)
		}
		if work, err := s.ImportWork(operator, ask); err != nil || work != (progress.Work{}) {
			t.Errorf("work that is over: %+v, %v", work, describe(err))
		}
	})
}
