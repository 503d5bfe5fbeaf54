package service_test

import (
	"bytes"
	"encoding/csv"
	"strconv"
	"testing"

	"github.com/holiman/uint256"

	"banyan/modules/reputation"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/wallet"
)

// An epoch that somebody holds can still be read when newer ones have pushed it out,
// as a whole: its scores make its root.
func TestConformanceAnEpochIsHeld(t *testing.T) {
	conform(t, func(t *testing.T, s reputation.Service) {
		hold := reputation.EpochHold{Holder: "campaign abc"}
		if _, err := s.HoldEpoch(module, hold); !fault.Is(err, fault.NotFound) {
			t.Errorf("before the first epoch: %v", err)
		}
		imported(t, s, sampleGraph())
		first := computed(t, s)
		for range 2 { // again changes nothing
			if held, err := s.HoldEpoch(module, hold); err != nil || held.Number != first.Number || held.Root != first.Root {
				t.Fatalf("held %+v, %v", held, err)
			}
		}
		imported(t, s, says(0, 2, 6))
		for range 3 { // options keep 2
			computed(t, s)
		}
		rows := scoresOf(t, s, first.Number)
		if len(rows) != first.Wallets {
			t.Fatalf("%d rows of %d wallets", len(rows), first.Wallets)
		}
		list := merkle.NewList()
		for _, row := range rows {
			score, err := strconv.Atoi(row[1])
			if err != nil {
				t.Fatal(err)
			}
			if err := list.Append(wallet.MustParse(row[0]), *uint256.NewInt(uint64(score))); err != nil {
				t.Fatal(err)
			}
		}
		tree, err := merkle.Build(t.Context(), merkle.OZ, list, merkle.Options{})
		if err != nil || tree.Root().String() != first.Root {
			t.Errorf("the scores have the root %v, want %s: %v", tree.Root(), first.Root, err)
		}
		if _, err := s.EpochScores(nobody, reputation.EpochNumber{Number: 2}); !fault.Is(err, fault.Conflict) {
			t.Errorf("the scores of an epoch that nobody holds: %v", err)
		}
		hold.Number = 2
		if _, err := s.HoldEpoch(module, hold); !fault.Is(err, fault.Conflict) {
			t.Errorf("held what is not kept: %v", err)
		}
		hold.Number = first.Number
		for range 2 {
			if _, err := s.ReleaseEpoch(module, hold); err != nil {
				t.Fatal(err)
			}
		}
		computed(t, s)
		if _, err := s.EpochScores(nobody, reputation.EpochNumber{Number: first.Number}); !fault.Is(err, fault.Conflict) {
			t.Errorf("after its release: %v", err)
		}
		if _, err := s.HoldEpoch(module, reputation.EpochHold{Number: first.Number}); !fault.Is(err, fault.Invalid) {
			t.Errorf("held for nobody: %v", err)
		}
	})
}

func scoresOf(t *testing.T, s reputation.Service, number int64) [][]string {
	t.Helper()
	stream, err := s.EpochScores(nobody, reputation.EpochNumber{Number: number})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := stream.Write(&out); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:]
}
