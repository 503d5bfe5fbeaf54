package airdrop_test

import (
	"flag"
	"strings"
	"testing"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/rules"
	"banyan/platform/eip712"
	"banyan/platform/merkle"
	"banyan/platform/seam"
	"banyan/platform/testenv/accesstest"
	"banyan/platform/testenv/contracttest"
)

var update = flag.Bool("update", false, "write the contract's files instead of comparing them")

// TestContractFiles compares what processes send each other with the files of
// the contract's version; see package contracttest for what to do when it
// fails.
func TestContractFiles(t *testing.T) {
	contracttest.Golden(t, airdrop.Contract, contracttest.Options{
		Dir: "testdata/contract", Update: *update,
		Known: []any{
			airdrop.CampaignDraft{Format: merkle.OZIndexed, Decimals: 18},
			airdrop.Campaign{Format: merkle.OZIndexed, State: airdrop.Built},
			airdrop.ListUpload{OnDuplicate: "sum", Zero: "skip", Chain: "eth", MapAmounts: "hex"},
			airdrop.WalletsUpload{Chain: "eth"},
			airdrop.ProofCheck{Format: merkle.OZ, Root: "0x" + strings.Repeat("12", merkle.HashSize)},
			airdrop.DistributorPlan{Chain: 10, EndMS: 4_000_000_000_000, DelayMS: 86_400_000, Vesting: &airdrop.Vesting{StartMS: 1_000_000, CliffMS: 2_000, DurationMS: 5_000}},
			airdrop.DistributorToFollow{FirstBlock: 1_000},
			airdrop.ClaimElsewhereQuery{Deadline: 4_000_000_000, Signature: eip712.Signature(strings.Repeat("s", 65))},
			airdrop.SuspectsQuery{State: airdrop.Appealed},
			airdrop.SuspectDecision{As: airdrop.Paid},
			airdrop.AppealDraft{Kind: airdrop.AnAppeal, Text: "I am one person, and nobody else is."},
			airdrop.SignedAppeal{Kind: airdrop.AReport, Text: "The other wallet is mine as well."},
		},
		Also: map[string]any{
			"verifyWallets.line": airdrop.Verdict{Status: airdrop.Ineligible},
			"inputFile.line":     "address,points",
			"manifest.line":      rules.Manifest{Engine: rules.Engine, Format: merkle.OZ},
			"unclaimed.line":     "0,0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed,100", // CSV, below the header index,address,amount
		},
	})
}

// TestAccessOfEveryOperation tries each as every kind of caller.
func TestAccessOfEveryOperation(t *testing.T) {
	accesstest.Check(t, airdrop.Contract, func(r *seam.Route) any { return airdrop.NewClient(r) })
}
