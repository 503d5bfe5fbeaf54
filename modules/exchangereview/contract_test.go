package exchangereview_test

import (
	"flag"
	"testing"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/export"
	"banyan/platform/seam"
	"banyan/platform/testenv/accesstest"
	"banyan/platform/testenv/contracttest"
	"banyan/platform/wallet"
)

var update = flag.Bool("update", false, "write the contract's files instead of comparing them")

// TestContractFiles compares what processes send each other with the files of
// the contract's version; see package contracttest for what to do when it
// fails.
func TestContractFiles(t *testing.T) {
	stars := exchangereview.Aspects[int]{Withdrawals: 1, Support: 2, Fees: 3, Execution: 4, Security: 5, Ease: 1}
	// The lines of an export are hashed as they are: those of the files in it.
	contracttest.Golden(t, exchangereview.Contract, contracttest.Options{
		Dir: "testdata/contract", Update: *update,
		Known: []any{
			exchangereview.RecentQuery{Limit: 5},
			exchangereview.ExchangesQuery{Kind: exchangereview.Centralised, Sort: exchangereview.ByReviews, Country: "MT", Status: exchangereview.Active, MaxFee: 0.002, Proof: exchangereview.ProofSwap},
			exchangereview.ReviewDraft{Overall: 4, Aspects: stars},
			exchangereview.SignedReview{Overall: 4, Aspects: stars},
			exchangereview.ReviewsQuery{Sort: exchangereview.ByHelpful, Stars: 5, Language: "en", From: 1, To: 2, Dimension: "support", Proof: exchangereview.ProofSwap},
			exchangereview.Report{Reason: exchangereview.ReasonSpam, Text: "an advertisement"},
			exchangereview.Appeal{Text: "it is true"},
			exchangereview.AppealDraft{Text: "it is true"},
			exchangereview.SignedAppeal{Text: "it is true"},
			exchangereview.ClaimDraft{Method: exchangereview.ClaimByDNS},
			exchangereview.SignedClaim{Method: exchangereview.ClaimByDNS},
			exchangereview.ClaimEnd{Reason: "the wallet was stolen", BarDays: 30},
			exchangereview.Decision{Slug: "kraken", Wallet: wallet.Address{19: 1}, Action: exchangereview.ActionRemove, Reason: "an advertisement"},
		},
		Also: map[string]any{"exportEpoch.line": export.Review{}, "exportReviews.line": exchangereview.Review{}},
	})
}

// TestAccessOfEveryOperation tries each as every kind of caller.
func TestAccessOfEveryOperation(t *testing.T) {
	accesstest.Check(t, exchangereview.Contract, func(r *seam.Route) any { return exchangereview.NewClient(r) })
}
