//go:build devchain

package contracts_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/ethereum/go-ethereum/core/types"

	"banyan/modules/airdrop"
	"banyan/platform/chain/devchain"
	"banyan/platform/merkle"
)

// goals are what the issue wants of claims in the order of indexes, and of a batch of
// 50 for each; uniswap is what its distributor was measured to need at such a depth.
var goals = map[int]struct{ claim, each, uniswap float64 }{
	1_000: {71_000, 47_000, 70_600}, 100_000: {76_000, 47_000, 0}, 1_000_000: {79_000, 47_000, 78_200},
}

// BenchmarkGas prints what a claim needs, with the forks of mainnet and with
// Amsterdam's prices: make bench-contracts.
func BenchmarkGas(b *testing.B) {
	for _, leaves := range []int{1_000, 100_000, 1_000_000} {
		built := tree(b, merkle.OZIndexed, people("gas", leaves))
		for _, amsterdam := range []bool{false, true} {
			name := fmt.Sprintf("leaves=%d/forks=Osaka", leaves)
			if amsterdam {
				name = fmt.Sprintf("leaves=%d/forks=Amsterdam", leaves)
			}
			b.Run(name, func(b *testing.B) {
				for b.Loop() {
					g := measureGas(b, built, amsterdam)
					b.ReportMetric(g.order, "claim-gas")
					b.ReportMetric(g.first, "first-gas")
					b.ReportMetric(g.random, "random-gas")
					b.ReportMetric(g.each, "of-50-gas")
					b.ReportMetric(0, "ns/op")
					if !amsterdam {
						b.ReportMetric(goals[leaves].claim, "goal-claim")
						b.ReportMetric(goals[leaves].each, "goal-of-50")
						b.ReportMetric(goals[leaves].uniswap, "uniswap-gas")
					}
				}
			})
		}
	}
}

// TestClaimsStayWithinTheirGas holds the goals on the small list; forks are pinned,
// so that the figures are the same in every run.
func TestClaimsStayWithinTheirGas(t *testing.T) {
	g := measureGas(t, tree(t, merkle.OZIndexed, people("gas", 1000)), false)
	if want := goals[1000]; g.order > want.claim || g.each > want.each {
		t.Errorf("a claim needs %.0f and one of 50 %.0f, want at most %.0f and %.0f", g.order, g.each, want.claim, want.each)
	}
}

// TestTheEstimateOfGasIsRight compares what previews say with what is measured.
func TestTheEstimateOfGasIsRight(t *testing.T) {
	const rows = 1000
	g := measureGas(t, tree(t, merkle.OZIndexed, people("gas", rows)), false)
	inOrder, random, ofFifty := airdrop.ClaimGas(rows)
	for what, c := range map[string]struct {
		estimated int
		measured  float64
		within    float64
	}{"in order": {inOrder, g.order, .03}, "of 50": {ofFifty, g.each, .06}} {
		if off := float64(c.estimated)/c.measured - 1; off < -c.within || off > c.within {
			t.Errorf("a claim %s is estimated at %d and needs %.0f", what, c.estimated, c.measured)
		}
	}
	if float64(random) < g.random {
		t.Errorf("a claim at random needs %.0f, more than the %d that are said", g.random, random)
	}
}

type gas struct{ order, first, random, each float64 }

// measureGas claims 256 rows in order, which are one word of the bitmap, then 50 at
// once from the next word, then others at random. All receivers are new holders.
func measureGas(t testing.TB, built *merkle.Tree, amsterdam bool) (g gas) {
	w := newWorld(t, devchain.Options{Amsterdam: amsterdam})
	c, at := w.distributor(built, far)
	used := func(all []*types.Receipt) (list []float64) {
		for i, r := range all {
			if r.Status != types.ReceiptStatusSuccessful {
				t.Fatalf("claim %d fails", i)
			}
			list = append(list, float64(r.GasUsed))
		}
		return list
	}
	mean := func(list []float64) (m float64) {
		for _, v := range list {
			m += v / float64(len(list))
		}
		return m
	}
	var claims [][]byte
	for i := range 256 {
		claims = append(claims, claimData(t, c, rowAt(t, built, i)))
	}
	ordered := used(w.sendAll(&at, claims...))
	g.order, g.first = mean(ordered), ordered[0]
	var batch []row
	for i := range 50 {
		batch = append(batch, rowAt(t, built, 256+i))
	}
	g.each = used(w.sendAll(&at, pack(t, c.ABI, "claimMany", batch)))[0] / 50
	random := rand.New(rand.NewPCG(1, 2))
	claims = nil
	for _, i := range random.Perm(built.Count() - 400)[:200] {
		claims = append(claims, claimData(t, c, rowAt(t, built, 400+i)))
	}
	g.random = mean(used(w.sendAll(&at, claims...)))
	return g
}
