package holdings_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"math/big"
	"testing"
	"time"

	"banyan/modules/airdrop/holdings"
	"banyan/modules/airdrop/rules"
	"banyan/platform/testenv/benchclock"
	"banyan/platform/wallet"
)

// BenchmarkAMillionTransfers goes from a million transfers to who gets what: balances and
// averages of a million wallets, the files that the manifest names, and the rules. Beside
// it is what a plain program does for the balances alone: a map of big integers. The
// times are the processor's, all of its cores together.
func BenchmarkAMillionTransfers(b *testing.B) {
	const n = 1_000_000
	parsed, err := rules.Parse([]byte(`
version: 1
decimals: 18
sources:
  holders: {kind: holders}
  held: {kind: averages}
eligible: {all: [holders > 0, held >= 0.000000000000000001]}
allocation:
  - {name: holders, budget: 1000000, times: [{sqrt: held}], cap: 50}
`))
	if err != nil {
		b.Fatal(err)
	}
	all := make([]holdings.Transfer, n)
	for i := range all { // four of five are new holders, the others pass on what they have
		all[i] = holdings.Transfer{Time: 1_700_000_000 + uint64(i), To: spread(i)}
		all[i].Amount.SetUint64(uint64(i) * 1e12)
		if i%5 == 4 {
			all[i].From = spread(i - 1)
			all[i].Amount.SetUint64(uint64(i-1) * 1e11)
		}
	}
	packed := holdings.Append(nil, all)
	var theirs, counting, evaluating, files time.Duration
	for b.Loop() {
		start := benchclock.ProcessorTime(b)
		ledger := holdings.New(holdings.Options{From: 1_700_000_000})
		if err := holdings.Each(packed, ledger.Add); err != nil {
			b.Fatal(err)
		}
		wallets, balances := ledger.Balances()
		averaged, averages, err := ledger.Averages(1_700_000_000 + n)
		if err != nil {
			b.Fatal(err)
		}
		counting += benchclock.ProcessorTime(b) - start
		second := benchclock.ProcessorTime(b)
		var held, means bytes.Buffer
		if err := rules.WriteTable(&held, parsed.Sources[0], wallets, balances); err != nil {
			b.Fatal(err)
		}
		if err := rules.WriteTable(&means, parsed.Sources[1], averaged, averages); err != nil {
			b.Fatal(err)
		}
		sha256.Sum256(held.Bytes())
		sha256.Sum256(means.Bytes())
		tables := make([]*rules.Table, 2)
		for i, file := range []*bytes.Buffer{&held, &means} {
			if tables[i], _, err = rules.ReadTable(context.Background(), file, parsed.Sources[i], rules.ReadOptions{}); err != nil {
				b.Fatal(err)
			}
		}
		files += benchclock.ProcessorTime(b) - second
		third := benchclock.ProcessorTime(b)
		result, err := parsed.Evaluate(context.Background(), tables)
		if err != nil || result.Count < n*9/10 {
			b.Fatal(result, err)
		}
		evaluating += benchclock.ProcessorTime(b) - third

		start = benchclock.ProcessorTime(b)
		plain := make(map[wallet.Address]*big.Int)
		for i := range all {
			for k, w := range []wallet.Address{all[i].From, all[i].To} {
				if plain[w] == nil {
					plain[w] = new(big.Int)
				}
				if amount := all[i].Amount.ToBig(); k == 0 {
					plain[w].Sub(plain[w], amount)
				} else {
					plain[w].Add(plain[w], amount)
				}
			}
		}
		theirs += benchclock.ProcessorTime(b) - start
	}
	for unit, took := range map[string]time.Duration{"cpu-s/balances+averages": counting, "cpu-s/rules": evaluating, "cpu-s/both": counting + evaluating, "cpu-s/files": files, "cpu-s/balances-in-a-map-of-big.Int": theirs} {
		b.ReportMetric(took.Seconds()/float64(b.N), unit)
	}
	b.ReportMetric(0, "ns/op")
}

// spread is an address, as even as real ones are.
func spread(n int) wallet.Address {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n)))
	return wallet.Address(sum[:20])
}
