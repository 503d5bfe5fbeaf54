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
}

// limited tells whether the goals ask anything of this engine.
func (e engine) limited() bool { return e.Name() == "avx512" || e.Name() == "avx2" }

func allEngines() (all []engine) {
	for _, e := range keccak.Engines() {
		switch e.Name() {
		case "avx512":
			all = append(all, engine{Engine: e, permute: permutations512})
		case "avx2":
			all = append(all, engine{Engine: e, permute: permutations256})
		default:
			all = append(all, engine{Engine: e, permute: func() int { return hashes(e) }})
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

// hashes stands in for permutations where the engine's own are not to be had
// alone: it hashes one-block messages, and setting up a block costs next to
// nothing beside its permutation.
func hashes(e keccak.Engine) int {
	const count = 1024
	var messages [count * 32]byte
	var digests [count * 32]byte
	if e.Hash(digests[:], messages[:], 32) != nil {
		panic("the engine refuses a batch that fits")
	}
	return count
}

// permutations does so many, about, and nothing else: the limit of what is made
// of them.
func (e engine) permutations(count int) error {
	for count > 0 {
		count -= e.permute()
	}
	return nil
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
