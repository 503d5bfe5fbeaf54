package service_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"banyan/modules/airdrop"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/periodic"
	"banyan/platform/progress"
)

// While a list is sent, whoever asks learns that its rows are read, and afterwards that
// nothing is done.
func TestAnUploadIsKnownAsWork(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		c := w.drafted(t, draft(merkle.OZ))
		ask := airdrop.CampaignQuery{ID: c.ID}
		refused(w.ListWork(operator, airdrop.CampaignQuery{ID: "none"}))(t, fault.NotFound)
		refused(w.ListWork(anybody, ask))(t, fault.Unauthenticated)
		seen := false
		body := io.MultiReader(strings.NewReader(numberedList(20_000)), during(func() error {
			for !seen { // over HTTP the first rows may still be on their way
				work := must(w.ListWork(operator, ask))(t)
				if seen = work.Stage == progress.Reading && work.Done > 0; !seen {
					if err := periodic.Sleep(t.Context(), time.Millisecond); err != nil {
						return err
					}
				}
			}
			return io.EOF
		}))
		if got := must(w.UploadList(operator, airdrop.ListUpload{ID: c.ID, Body: body}))(t); got.Count != 20_000 || !seen {
			t.Errorf("%d rows, seen %v", got.Count, seen)
		}
		must(w.BuildTree(operator, airdrop.BuildRequest{ID: c.ID}))(t)
		same(t, "work that is over", must(w.ListWork(operator, ask))(t), airdrop.ListWork{})
	})
}
