package sybil_test

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"banyan/modules/airdrop/sybil"
	"banyan/platform/wallet"
)

// BenchmarkTenMillionTransfers judges a million candidates by ten million transfers:
// the machine's memory is what it measures, besides the time.
func BenchmarkTenMillionTransfers(b *testing.B) {
	const candidates, others = 1_000_000, 4_400_000
	at := func(n int) (w wallet.Address) {
		binary.BigEndian.PutUint64(w[12:], uint64(n)*0x9e3779b97f4a7c15)
		return w
	}
	for b.Loop() {
		rng := rand.New(rand.NewPCG(1, 1))
		in := sybil.Input{Transfers: new(sybil.Transfers)}
		for i := range candidates {
			in.Candidates = append(in.Candidates, at(i))
			for range 10 {
				other := candidates + 1000 + rng.IntN(others)
				switch rng.IntN(10) {
				case 0:
					other = rng.IntN(candidates)
				case 1, 2:
					other = candidates + int(1000*rng.Float64()*rng.Float64()*rng.Float64())
				}
				in.Transfers.Add(at(i), at(other), sybil.NoTime)
			}
		}
		if _, err := sybil.Judge(b.Context(), in); err != nil {
			b.Fatal(err)
		}
	}
}
