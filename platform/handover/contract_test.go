package handover_test

import (
	"flag"
	"testing"

	"banyan/platform/handover"
	"banyan/platform/testenv/contracttest"
)

var update = flag.Bool("update", false, "write the contract's files instead of comparing them")

// TestContractFiles pins the hand-over: processes of two releases meet in it
// while one of them is being replaced.
func TestContractFiles(t *testing.T) {
	contracttest.Golden(t, handover.NewContract("airdrop").Seam(), contracttest.Options{Dir: "testdata/contract", Update: *update})
}
