//go:build !purego

package keccak_test

import (
	"testing"

	"github.com/cloudflare/circl/simd/keccakf1600"
)

// BenchmarkPermutation is what BenchmarkEngines/avx2 can reach at most:
// circl's permutation with nothing read and nothing written.
func BenchmarkPermutation(b *testing.B) {
	if !keccakf1600.IsEnabledX4() {
		b.Skip("this processor has no AVX2")
	}
	const count = 128
	var state keccakf1600.StateX4
	state.Initialize(false)
	for b.Loop() {
		for range count / 4 {
			state.Permute()
		}
	}
	b.ReportMetric(float64(b.N*count)/b.Elapsed().Seconds()/1e6, "Mperm/s")
}
