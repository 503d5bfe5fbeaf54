//go:build amd64 && !purego

package main

import "github.com/cloudflare/circl/simd/keccakf1600"

//go:generate go run banyan/platform/merkle/keccak/gen -write permutation -out permute_amd64.s

// permute512 does so many permutations of eight states.
//
//go:noescape
func permute512(state *uint64, times int)

func permutations512() int {
	const times = 128
	var state [25 * 8]uint64
	permute512(&state[0], times)
	return times * 8
}

func permutations256() int {
	const times = 128
	var state keccakf1600.StateX4
	state.Initialize(false)
	for range times {
		state.Permute()
	}
	return times * 4
}
