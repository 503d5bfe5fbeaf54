package offline

import (
	"context"
	"fmt"

	"banyan/platform/decompress"
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
	Shape   Shape         `json:"shape"`
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
		Root: t.Root(), Count: t.Count(), Total: total.Dec(), Format: t.Format(), Shape: ShapeOf(t), Nodes: t.Nodes(),
		Nybbles: t.Nybbles(), Tree: path, Seconds: r.since(start),
	}, nil
}

// ImportJob makes a tree file of a tree that somebody published.
type ImportJob struct {
	In, Out string
	// Root is the root that the tree must have, "" when the file's is believed.
	Root string
	// Choices are the tree over a plain list of leaves.
	Choices merkle.Choices
}

// Import verifies a tree that somebody published (package published) and keeps it
// in a tree file.
func (r Runner) Import(ctx context.Context, job ImportJob) (Built, error) {
	start := r.Now()
	in, out := job.In, job.Out
	options := published.Options{Choices: job.Choices}
	if job.Root != "" {
		root, err := merkle.ParseHash(job.Root)
		if err != nil {
			return Built{}, fault.UsageOf("--root", fault.From(err).Message)
		}
		options.Root = &root
	}
	if _, err := FormatOf(string(merkle.Cumulative), job.Choices); err != nil {
		return Built{}, err
	}
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
	text, err := decompress.Open(ctx, file, decompress.Files())
	if err != nil {
		return Built{}, fmt.Errorf("%s: %w", in, err)
	}
	defer text.Close()
	result, err := published.Read(ctx, text, options)
	if err != nil {
		return Built{}, fmt.Errorf("%s: %w", in, err)
	}
	built, err := r.keep(ctx, result.Tree, out, start)
	built.Kind, built.Notes = result.Kind, result.Notes
	return built, err
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
