package sybil_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"

	"banyan/modules/airdrop/sybil"
	"banyan/platform/wallet"
)

func named(name string, n int) wallet.Address {
	return wallet.Address(crypto.Keccak256(fmt.Appendf(nil, "%s %d", name, n))[12:])
}

// row is a transfer.
type row struct {
	from, to wallet.Address
	at       int64
}

// community is 300 honest candidates who use the same three contracts and an
// exchange, each at times of its own.
func community(rng *rand.Rand) (rows []row, candidates []wallet.Address) {
	for i := range 300 {
		w := named("honest", i)
		candidates = append(candidates, w)
		at := int64(1_600_000_000 + rng.IntN(50_000_000))
		rows = append(rows, row{named("exchange", 0), w, at}, row{w, named("exchange", 0), at + 40_000_000})
		for range 3 {
			rows = append(rows, row{w, named("contract", rng.IntN(3)), at + int64(rng.IntN(30_000_000))})
		}
	}
	return rows, candidates
}

func judge(t *testing.T, rows []row, in sybil.Input) map[wallet.Address]sybil.Judgement {
	t.Helper()
	in.Transfers = new(sybil.Transfers)
	for _, r := range rows {
		in.Transfers.Add(r.from, r.to, r.at)
	}
	judged, err := sybil.Judge(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	of := make(map[wallet.Address]sybil.Judgement, len(judged))
	for _, j := range judged {
		if strings.ContainsAny(j.Reason, ",\n\"") {
			t.Errorf("the reason does not fit into a cell: %s", j.Reason)
		}
		of[j.Wallet] = j
	}
	return of
}

func TestFarmsAreFoundAndTheOthersLeftAlone(t *testing.T) {
	exchange := map[wallet.Address]bool{named("exchange", 0): true}
	for name, c := range map[string]struct {
		size    int
		with    func(rng *rand.Rand, i int) []row // the transfers of the farm's wallet i
		flagged bool
	}{
		"a chain that passes money on": {12, func(_ *rand.Rand, i int) []row {
			return []row{{named("farm", i), named("farm", i+1), sybil.NoTime}}
		}, true},
		"a star around a candidate": {12, func(_ *rand.Rand, i int) []row {
			return []row{{named("farm", 0), named("farm", i+1), sybil.NoTime}}
		}, true},
		"a family": {5, func(_ *rand.Rand, i int) []row {
			return []row{{named("farm", i), named("farm", (i+1)%5), sybil.NoTime}}
		}, false},
		"a funder and a receiver in common, without times": {12, func(*rand.Rand, int) []row { return nil }, false},
		"customers of the same exchange": {12, func(_ *rand.Rand, i int) []row {
			return []row{{named("exchange", 0), named("farm", i), 1_600_000_000}, {named("farm", i), named("exchange", 0), 1_650_000_000}}
		}, false},
		"a funder and a receiver in common": {12, func(rng *rand.Rand, i int) []row {
			at := int64(1_610_000_000 + rng.IntN(1_000_000))
			return []row{
				{named("funder", 0), named("farm", i), at},
				{named("farm", i), named("contract", i%3), at + 1000},
				{named("farm", i), named("receiver", 0), at + 20_000_000},
			}
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			rows, candidates := community(rng)
			for i := range c.size {
				candidates = append(candidates, named("farm", i))
				rows = append(rows, c.with(rng, i)...)
			}
			judged := judge(t, rows, sybil.Input{Candidates: candidates, Excluded: exchange})
			for i := range c.size {
				if j := judged[named("farm", i)]; j.Flagged != c.flagged {
					t.Errorf("wallet %d of the farm: flagged %t with %.2f: %s", i, j.Flagged, j.Score, j.Reason)
				}
			}
			for i := range 300 {
				if j := judged[named("honest", i)]; j.Flagged {
					t.Errorf("an honest wallet is flagged with %.2f: %s", j.Score, j.Reason)
				}
			}
		})
	}
}

// A funder who also deals with everybody ties only those whom it funded first.
func TestTimesTieThroughABusyFunder(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	rows, candidates := community(rng)
	for i := range 10 {
		w := named("farm", i)
		candidates = append(candidates, w)
		rows = append(rows, row{named("contract", 0), w, 1_500_000_000 + int64(i)}, row{w, named("deposit", 0), 1_700_000_000 + int64(i)})
	}
	timed := judge(t, rows, sybil.Input{Candidates: candidates})
	for i := range rows {
		rows[i].at = sybil.NoTime
	}
	untimed := judge(t, rows, sybil.Input{Candidates: candidates})
	for i := range 10 {
		with, without := timed[named("farm", i)], untimed[named("farm", i)]
		if !with.Flagged || !strings.Contains(with.Reason, "first funded by "+named("contract", 0).String()+" as 9 other candidates") ||
			!strings.Contains(with.Reason, "sent last to "+named("deposit", 0).String()+" as 9 other candidates") {
			t.Errorf("with times: %.2f %s", with.Score, with.Reason)
		}
		if without.Score >= with.Score {
			t.Errorf("times change nothing: %.2f without, %.2f with", without.Score, with.Score)
		}
	}
}

func TestTwinsWithoutTransfersAreFound(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	_, candidates := community(rng)
	features := map[wallet.Address]sybil.Behaviour{}
	for _, w := range candidates {
		features[w] = sybil.Behaviour{Volume: 10 + 10_000*rng.Float64(), First: 1_600_000_000 + int64(rng.IntN(50_000_000))}
	}
	var rows []row
	for i := range 12 { // 0–7 alone, 8–11 with a transfer to a contract
		w := named("twin", i)
		candidates = append(candidates, w)
		features[w] = sybil.Behaviour{Volume: 5000 * (1 + .0005*float64(i)), First: 1_620_000_000 + int64(60*i)}
		if i >= 8 {
			rows = append(rows, row{w, named("contract", 0), sybil.NoTime})
		}
	}
	judged := judge(t, rows, sybil.Input{Candidates: candidates, Features: features})
	for i := range 12 {
		j := judged[named("twin", i)]
		if flagged := i < 8; j.Flagged != flagged || j.Score < sybil.ReviewThreshold || !strings.Contains(j.Reason, "same behaviour as 11 other candidates") {
			t.Errorf("twin %d: flagged %t with %.2f: %s", i, j.Flagged, j.Score, j.Reason)
		}
	}
	for i := range 300 {
		if j := judged[named("honest", i)]; j.Score >= sybil.ReviewThreshold {
			t.Errorf("an honest wallet has %.2f: %s", j.Score, j.Reason)
		}
	}
}

func TestExcludedWalletsTieNobodyAndAreNotJudged(t *testing.T) {
	var rows []row
	var candidates []wallet.Address
	for i := range 20 {
		candidates = append(candidates, named("w", i))
		rows = append(rows, row{named("hub", 0), named("w", i), sybil.NoTime})
	}
	candidates = append(candidates, named("hub", 0))
	tied := judge(t, rows, sybil.Input{Candidates: candidates})
	if !tied[named("w", 3)].Flagged || !tied[named("hub", 0)].Flagged {
		t.Fatalf("a star of candidates is not flagged: %+v", tied[named("w", 3)])
	}
	freed := judge(t, rows, sybil.Input{Candidates: candidates, Excluded: map[wallet.Address]bool{named("hub", 0): true}})
	for w, j := range freed {
		if j.Flagged || j.Score != 0 || j.Cluster != 0 {
			t.Errorf("%s is judged by an excluded wallet: %+v", w, j)
		}
	}
	if j := freed[named("hub", 0)]; j.Reason != "on the exclusion list: not judged" {
		t.Errorf("the excluded candidate: %+v", j)
	}
}

// What is found depends on who deals with whom, and on nothing else.
func TestTheOrderOfRowsDoesNotMatter(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	rows, candidates := community(rng)
	features := map[wallet.Address]sybil.Behaviour{}
	for i := range 400 {
		a, b := named("farm", i), named("farm", i/9*9)
		candidates = append(candidates, a)
		rows = append(rows, row{b, a, 1_600_000_000 + int64(i)}, row{a, named("sink", i/40), 1_650_000_000})
		features[a] = sybil.Behaviour{Volume: float64(100 + i%7), First: 1_600_000_000 + int64(i%13)}
	}
	in := sybil.Input{Candidates: candidates, Features: features}
	want := judge(t, rows, in)
	for range 5 {
		rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		rng.Shuffle(len(candidates), func(i, j int) { candidates[i], candidates[j] = candidates[j], candidates[i] })
		if got := judge(t, append(rows, rows[:20]...), in); !reflect.DeepEqual(got, want) {
			t.Fatal("shuffled and repeated rows are judged otherwise")
		}
	}
}

func TestNothingIsAnAnswerToo(t *testing.T) {
	w := named("w", 0)
	for name, in := range map[string]sybil.Input{
		"no candidates":       {Transfers: new(sybil.Transfers)},
		"no transfers":        {Transfers: new(sybil.Transfers), Candidates: []wallet.Address{w, w}},
		"features of nobody":  {Transfers: new(sybil.Transfers), Candidates: []wallet.Address{w}, Features: map[wallet.Address]sybil.Behaviour{}},
		"features of no size": {Transfers: new(sybil.Transfers), Candidates: []wallet.Address{w}, Features: map[wallet.Address]sybil.Behaviour{w: {}}},
	} {
		judged, err := sybil.Judge(t.Context(), in)
		if err != nil || len(judged) > 1 || len(judged) == 1 && judged[0] != (sybil.Judgement{Wallet: w}) {
			t.Errorf("%s: %+v %v", name, judged, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := sybil.Judge(ctx, sybil.Input{Transfers: new(sybil.Transfers), Candidates: []wallet.Address{w}}); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who has left gets %v", err)
	}
}
