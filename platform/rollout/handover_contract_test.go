package rollout_test

import (
	"testing"

	"banyan/platform/rollout"
	"banyan/platform/testenv/accesstest"
	"banyan/platform/testenv/contracttest"
)

// TestHandoverContractFiles pins the hand-over: processes of two releases meet in it
// while one of them is being replaced.
func TestHandoverContractFiles(t *testing.T) {
	contracttest.Golden(t, rollout.NewHandoverContract("airdrop").Seam(), contracttest.Options{Dir: "testdata/handover", Update: *update})
}

func TestHandoverAccess(t *testing.T) {
	accesstest.Check(t, rollout.NewHandoverContract("airdrop").Seam(), nil)
}
