package service

import (
	"bytes"
	"io"
	"testing"

	"banyan/modules/airdrop"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/testenv/databasetest"
)

func TestAnIDThatIsTakenIsDrawnAgain(t *testing.T) {
	same, other := bytes.Repeat([]byte{7}, 7), bytes.Repeat([]byte{8}, 7)
	random := io.MultiReader(bytes.NewReader(same), bytes.NewReader(same), bytes.NewReader(other), bytes.NewReader(bytes.Repeat(same, idAttempts)))
	s := New(Options{DB: databasetest.SQLite(t, airdrop.Name), Random: random})
	d := airdrop.CampaignDraft{Name: "One", Format: merkle.OZ, Symbol: "BAN"}
	first, err := s.CreateCampaign(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.CreateCampaign(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	if first.ID == second.ID {
		t.Errorf("two campaigns are called %s", first.ID)
	}
	if _, err := s.CreateCampaign(t.Context(), d); !fault.Is(err, fault.Internal) {
		t.Errorf("a source that repeats itself: %v", err)
	}
	if _, err := s.CreateCampaign(t.Context(), d); !fault.Is(err, fault.Internal) {
		t.Errorf("a source that is exhausted: %v", err)
	}
}
