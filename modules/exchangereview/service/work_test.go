package service_test

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"banyan/modules/exchangereview"
	"banyan/platform/fault"
	"banyan/platform/periodic"
	"banyan/platform/progress"
)

// readFunc is a reader of one function.
type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// While a list is sent, whoever asks learns that it is read; whoever sends it cancels it
// by ending the request, and then nothing is known any more.
func TestAnImportOfExchangesIsKnownAsWork(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		ask := exchangereview.ImportWorkQuery{}
		refused(w.ImportWork(anybody, ask))(t, fault.Unauthenticated, "")
		ctx, cancel := context.WithCancel(operator)
		seen := false
		waiting := readFunc(func([]byte) (int, error) {
			for !seen { // over HTTP the first bytes may still be on their way
				work := must(w.ImportWork(operator, ask))(t)
				if seen = work.Stage == progress.Reading && work.Done > 0; !seen {
					if err := periodic.Sleep(t.Context(), time.Millisecond); err != nil {
						return 0, err
					}
				}
			}
			cancel()
			return 0, ctx.Err()
		})
		body := io.MultiReader(strings.NewReader(news[:len(news)-1]+strings.Repeat(" ", 1<<20)), waiting)
		if _, err := w.ImportExchanges(ctx, exchangereview.ExchangeUpload{Body: body}); err == nil || !seen {
			t.Errorf("an import that was cancelled: %v, seen %v", err, seen)
		}
		for must(w.ImportWork(operator, ask))(t) != (progress.Work{}) { // over HTTP it learns of it a moment later
			if err := periodic.Sleep(t.Context(), time.Millisecond); err != nil {
				t.Fatal(err)
			}
		}
		refused(w.Exchange(anybody, exchangereview.ExchangeQuery{Slug: "new-one"}))(t, fault.NotFound, "")
		if done := must(w.ImportExchanges(operator, upload(news)))(t); done.Added != 1 {
			t.Errorf("sent again: %+v", done)
		}
	})
}
