package main

import (
	"bufio"
	"os"
	"strings"

	"banyan/platform/merkle/keccak"
)

// engine is a hash engine and the fastest that this processor could do its
// permutations.
type engine struct {
	keccak.Engine
	// permute does some thousand permutations and gives how many, with nothing
	// around them: no message is read, no digest written.
	permute func() int
	// share of the limit that a build on one core is to reach.
	share float64
	// proofs is how many times the scalar engine's rate of proofs it is to reach.
	proofs float64
	// javaScript is how many times faster than JavaScript it is to build.
	javaScript float64
	// command is how many builds a whole command may take.
	command float64
}

func allEngines() (all []engine) {
	for _, e := range keccak.Engines() {
		switch e.Name() {
		case "avx512":
			all = append(all, engine{Engine: e, permute: permutations512, share: 0.75, proofs: 6, javaScript: 600, command: 4})
		case "avx2":
			all = append(all, engine{Engine: e, permute: permutations256, share: 0.85, proofs: 2.5, javaScript: 300, command: 2.5})
		default:
			all = append(all, engine{Engine: e, permute: func() int { return scalarHashes(e) }})
		}
	}
	return all
}

func names(all []engine) string {
	var names []string
	for _, e := range all {
		names = append(names, e.Name())
	}
	return strings.Join(names, ", ")
}

// scalarHashes hashes one-block messages: x/crypto keeps its permutation to
// itself, and setting up a block costs next to nothing beside it.
func scalarHashes(e keccak.Engine) int {
	const count = 1024
	var messages [count * 32]byte
	var digests [count * 32]byte
	if e.Hash(digests[:], messages[:], 32) != nil {
		panic("the scalar engine refuses a batch that fits")
	}
	return count
}

// rate is the limit: permutations a second on one core.
func (e engine) rate() float64 {
	best := 0.0
	for range 100 {
		n := 0
		took, err := oneCore(func() error {
			for n < 50_000 {
				n += e.permute()
			}
			return nil
		})
		if err == nil {
			best = max(best, float64(n)/took.Seconds())
		}
	}
	return best
}

// processor is the model's name.
func processor() string {
	file, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	defer func() { _ = file.Close() }() // only read
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if name, value, found := strings.Cut(lines.Text(), ":"); found && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}
