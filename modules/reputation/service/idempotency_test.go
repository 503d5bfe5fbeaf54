package service_test

import (
	"reflect"
	"strings"
	"testing"

	"banyan/modules/reputation"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/seam"
	"banyan/platform/testenv/databasetest"
	"banyan/platform/testenv/seamtest"
)

func TestConformanceARepeatedWriteHasOneEffect(t *testing.T) {
	conform(t, func(t *testing.T, s reputation.Service) {
		ctx := seam.WithIdempotencyKey(operator, "trust-1")
		upload := func(text string) (reputation.TrustImported, error) {
			return s.ImportTrust(ctx, reputation.TrustUpload{Body: strings.NewReader(text)})
		}
		first, err := upload(sampleGraph())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := importText(s, person(0).String()+","+person(2).String()+",77\n"); err != nil { // a later statement
			t.Fatal(err)
		}
		if again, err := upload(sampleGraph()); err != nil || again != first {
			t.Errorf("the upload again: %+v, %v, want %+v", again, err, first)
		}
		if _, err := upload(person(0).String() + "," + person(2).String() + ",78\n"); !fault.Is(err, fault.Conflict) {
			t.Errorf("another upload with the same key: %v", err)
		}
		epoch, err := s.ComputeEpoch(ctx, reputation.EpochRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if again, err := s.ComputeEpoch(ctx, reputation.EpochRequest{}); err != nil || !reflect.DeepEqual(again, epoch) {
			t.Errorf("the epoch again: %+v, %v, want %+v", again, err, epoch)
		}
		if next, err := s.ComputeEpoch(operator, reputation.EpochRequest{}); err != nil || next.Number != epoch.Number+1 {
			t.Errorf("the epoch after it: %+v, %v: the repeated one was computed, too", next, err)
		}
	})
}

// The answer is lost after the module has done the work.
func TestALostAnswerIsNotASecondEffect(t *testing.T) {
	databasetest.Each(t, reputation.Name, func(t *testing.T, db *database.DB) {
		running(t, options(db))
		way := seamtest.OverHTTP(t, reputation.Contract, bind(db))
		s := reputation.NewClient(way.Route)
		ctx := seam.WithIdempotencyKey(operator, "trust-1")
		way.Lose(1)
		upload := func() (reputation.TrustImported, error) {
			return s.ImportTrust(ctx, reputation.TrustUpload{Body: strings.NewReader(sampleGraph())})
		}
		if _, err := upload(); !fault.Is(err, fault.Unavailable) || way.Requests.Load() != 1 {
			t.Errorf("an upload whose answer was lost: %v after %d requests: its stream cannot be sent again", err, way.Requests.Load())
		}
		if got, err := upload(); err != nil || got.Edges != 38 {
			t.Errorf("sent again by its caller: %+v, %v", got, err)
		}
		way.Requests.Store(0)
		way.Lose(1)
		epoch, err := s.ComputeEpoch(operator, reputation.EpochRequest{})
		if err != nil || epoch.Number != 1 || way.Requests.Load() != 2 {
			t.Errorf("an epoch whose answer was lost: %+v, %v after %d requests", epoch, err, way.Requests.Load())
		}
	})
}
