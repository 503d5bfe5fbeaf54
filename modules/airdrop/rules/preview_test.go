package rules_test

import (
	"context"
	"fmt"
	"math/big"
	"slices"
	"testing"

	"github.com/holiman/uint256"

	"banyan/modules/airdrop/rules"
	"banyan/platform/wallet"
)

const points = "version: 1\ndecimals: 0\nsources:\n  m: {kind: list, values: {points: 0}}\nallocation: [{each: 1, times: [{value: m}]}]\n"

func TestAPreviewDescribesAResult(t *testing.T) {
	// 0, 1, 4, 9 … 361: one wallet gets nothing.
	list := file("address,points", 20, func(i int) string { return fmt.Sprintf(",%d", i*i) })
	result := evaluate(t, points, list)
	p := result.Preview(nil)
	if p.Wallets != 20 || p.Count != 19 || p.Total.Dec() != "2470" || p.Smallest.Dec() != "1" || p.Median.Dec() != "100" || p.Largest.Dec() != "361" {
		t.Errorf("%+v", p)
	}
	if len(p.Top) != 19 || p.Top[0].Wallet != numbered(19) || p.Top[18].Amount.Dec() != "1" {
		t.Errorf("the largest are %+v", p.Top)
	}
	counted := 0
	for i, b := range p.Histogram {
		counted += b.Count
		if i > 0 && b.From != p.Histogram[i-1].To {
			t.Errorf("bin %d begins at %s", i, b.From.Dec())
		}
	}
	if counted != 19 || p.Histogram[0].From.Dec() != "1" || p.Histogram[0].Count != 1 {
		t.Errorf("the histogram is %+v", p.Histogram)
	}
	// By the definition: the mean difference of all pairs over twice the mean.
	var differences, sum int64
	for i := int64(1); i < 20; i++ {
		sum += i * i
		for k := int64(1); k < 20; k++ {
			differences += max(i*i-k*k, k*k-i*i)
		}
	}
	if want := int(differences * 1_000_000 / (2 * 19 * sum)); p.GiniPPM != want {
		t.Errorf("Gini is %d, want %d", p.GiniPPM, want)
	}
	if len(p.LorenzPPM) != 101 || p.LorenzPPM[0] != 0 || p.LorenzPPM[100] != 1_000_000 || !slices.IsSorted(p.LorenzPPM) {
		t.Errorf("the Lorenz curve is %v", p.LorenzPPM)
	}
	if len(p.LeftOut) != 1 || p.LeftOut[0].Count != 1 {
		t.Errorf("left out: %+v", p.LeftOut)
	}
}

func TestAPreviewSaysWhatChanged(t *testing.T) {
	before := evaluate(t, points, file("address,points", 10, func(i int) string { return fmt.Sprintf(",%d", 10+i) }))
	after := evaluate(t, points, file("address,points", 12, func(i int) string {
		return fmt.Sprintf(",%d", []int{10, 11, 0, 20, 500, 3, 16, 17, 18, 19, 7, 0}[i])
	}))
	c := after.Preview(func(yield func(wallet.Address, uint256.Int) bool) {
		for i, w := range before.Wallets {
			if !yield(w, before.Amounts[i]) {
				return
			}
		}
	}).Changes
	if c.Added != 1 || c.Removed != 1 || c.More != 2 || c.Less != 1 || c.Unchanged != 6 {
		t.Errorf("changes are %+v", c)
	}
	if c.Largest[0].Wallet != numbered(4) || c.Largest[0].Before.Dec() != "14" || c.Largest[0].After.Dec() != "500" || len(c.Largest) != 5 {
		t.Errorf("the largest changes are %+v", c.Largest)
	}
}

func TestAPreviewOfVeryDifferentAmounts(t *testing.T) {
	most := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(2)).String()
	result := evaluate(t, points, file("address,points", 2, func(i int) string { return []string{",1", "," + most}[i] }))
	p := result.Preview(nil)
	counted := 0
	for _, b := range p.Histogram {
		counted += b.Count
	}
	if counted != 2 || len(p.Histogram) > 100 || p.GiniPPM != 499_999 {
		t.Errorf("%d bins with %d wallets, Gini %d", len(p.Histogram), counted, p.GiniPPM)
	}
}

// The rules over a million wallets, without reading them, and the preview.
func BenchmarkAMillionWallets(b *testing.B) {
	const n = 1_000_000
	parsed, err := rules.Parse([]byte(`
version: 1
decimals: 18
sources:
  holders: {kind: holders, decimals: 18}
  members: {kind: list}
eligible: {any: [members, holders >= 100]}
allocation:
  - {name: holders, budget: 1000000, times: [{sqrt: holders}], floor: 0.1, cap: 50}
  - {name: members, to: members, each: 10}
`))
	if err != nil {
		b.Fatal(err)
	}
	wallets, balances := make([]wallet.Address, n), make([]uint256.Int, n)
	for i := range wallets {
		wallets[i] = numbered(i)
		balances[i].Mul(uint256.NewInt(uint64(i)), uint256.NewInt(1e15)) // 0 to 1,000 tokens
	}
	tables := make([]*rules.Table, 2)
	for i, columns := range [][][]uint256.Int{{balances}, nil} {
		if tables[i], err = rules.NewTable(parsed.Sources[i], slices.Clone(wallets[:n/(i+1)]), columns); err != nil {
			b.Fatal(err)
		}
	}
	var result *rules.Result
	b.Run("rules", func(b *testing.B) {
		for range b.N {
			if result, err = parsed.Evaluate(context.Background(), tables); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("preview", func(b *testing.B) {
		for range b.N {
			if p := result.Preview(nil); p.Count == 0 {
				b.Fatal("nobody")
			}
		}
	})
}
