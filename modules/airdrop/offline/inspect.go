package offline

import (
	"context"
	"fmt"

	"banyan/platform/fault"
	"banyan/platform/memory"
	"banyan/platform/merkle"
	"banyan/platform/merkle/published"
)

// Description is what a tree file contains.
type Description struct {
	Root    merkle.Hash   `json:"root"`
	Count   int           `json:"count"`
	Total   string        `json:"total"`
	Format  merkle.Format `json:"format"`
	Nodes   int           `json:"nodes"`
	Nybbles int           `json:"shard_digits,omitempty"` // ens only
	Tree    string        `json:"tree"`
	Seconds float64       `json:"seconds"`
}

// Info describes a tree file from its header.
func (r Runner) Info(tree string) (Description, error) {
	return r.inspect(tree, func(*merkle.Tree) error { return nil })
}

// Check verifies all of a tree file (merkle.Tree.Check). most is the Memory of
// a BuildJob; what exceeds it goes to the system's folder for temporary files.
func (r Runner) Check(ctx context.Context, tree string, most int64) (Description, error) {
	return r.inspect(tree, func(t *merkle.Tree) error {
		return t.Check(ctx, merkle.Options{Memory: memoryOr(most), Progress: r.Progress})
	})
}

func (r Runner) inspect(path string, look func(*merkle.Tree) error) (about Description, err error) {
	start := r.Now()
	t, err := merkle.Open(path)
	if err != nil {
		return about, err
	}
	defer func() {
		if closeErr := t.Close(); err == nil {
			err = closeErr
		}
	}()
	if err := look(t); err != nil {
		return about, fmt.Errorf("%s: %w", path, err)
	}
	total := t.Total()
	return Description{
		Root: t.Root(), Count: t.Count(), Total: total.Dec(), Format: t.Format(), Nodes: t.Nodes(),
		Nybbles: t.Nybbles(), Tree: path, Seconds: r.since(start),
	}, nil
}

// Import verifies a tree that somebody published, an OpenZeppelin dump or a
// Uniswap result, and keeps it in a tree file.
func (r Runner) Import(ctx context.Context, in, out string) (Built, error) {
	start := r.Now()
	if in == "" {
		return Built{}, fault.UsageOf("--in", "name the published JSON, or - for standard input")
	}
	if out == "" {
		return Built{}, fault.UsageOf("--out", "name the tree file to write")
	}
	if err := refuseOverwriting(out, in); err != nil {
		return Built{}, err
	}
	file, _, err := r.open(in)
	if err != nil {
		return Built{}, err
	}
	defer func() { _ = file.Close() }() // only read
	r.progress("verifying", 0, 0)
	tree, err := published.Read(ctx, file)
	if err != nil {
		return Built{}, fmt.Errorf("%s: %w", in, err)
	}
	return r.keep(ctx, tree, out, start)
}

// memoryOr returns what was requested, or three quarters of the memory that is
// available now: the rest is for the pages of the files that are read and
// written. It returns 0, no limit, where the system does not report its memory.
func memoryOr(asked int64) int64 {
	if asked > 0 {
		return asked
	}
	return memory.Available() / 4 * 3
}
