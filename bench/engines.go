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
	// permute does some thousand permutations and nothing else, and returns their
	// number: no message is read, no digest written.
	permute func() int
}

// limited reports whether there are goals for this engine.
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

// hashes replaces permutations for an engine whose own cannot be called alone: it hashes one-block messages, and setting up a block costs next to
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

// permutations does about this many permutations and nothing else: the lower bound
// of the time of what uses them.
func (e engine) permutations(count int) error {
	for count > 0 {
		count -= e.permute()
	}
	return nil
}

// processor returns the model of the CPU.
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
