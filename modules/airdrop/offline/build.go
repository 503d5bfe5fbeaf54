package offline

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"banyan/modules/airdrop/list"
	"banyan/platform/merkle"
)

// BuildJob makes a tree file of a list.
type BuildJob struct {
	In          string // the list; "-" is standard input
	Format      string // a merkle.Format
	Decimals    int    // amounts are in units of 10^Decimals; 0: in base units
	OnDuplicate string // a list.Duplicates; "" is error
	Nybbles     int    // ens: hex digits of a shard's prefix; 0: by the list's length
	// Out is the tree file. A folder gets a file named by the root.
	Out string
}

// Built is what a build came to.
type Built struct {
	Root    merkle.Hash   `json:"root"`
	Count   int           `json:"count"`
	Total   string        `json:"total"` // in base units, decimal
	Format  merkle.Format `json:"format"`
	Tree    string        `json:"tree"` // path of the tree file
	Seconds float64       `json:"seconds"`
}

// Build reads the list, builds the tree and writes the file. It fails as
// list.Read, merkle.Build and Tree.WriteFile do, and then leaves no file.
func (d Desk) Build(ctx context.Context, job BuildJob) (Built, error) {
	start := d.Now()
	format, duplicates, err := job.check()
	if err != nil {
		return Built{}, err
	}
	rows, err := d.readList(ctx, job.In, list.Options{Decimals: job.Decimals, OnDuplicate: duplicates})
	if err != nil {
		return Built{}, err
	}
	tree, err := merkle.Build(ctx, format, rows, merkle.Options{Nybbles: job.Nybbles, Progress: d.Progress})
	if err != nil {
		return Built{}, err
	}
	return d.keep(ctx, tree, job.Out, start)
}

// keep writes the tree file; out may be a folder.
func (d Desk) keep(ctx context.Context, tree *merkle.Tree, out string, start time.Time) (Built, error) {
	d.progress("writing", 0, 0)
	if about, err := os.Stat(out); err == nil && about.IsDir() {
		out = filepath.Join(out, tree.Root().String()+".tree")
	}
	if err := tree.WriteFile(ctx, out); err != nil {
		return Built{}, err
	}
	total := tree.Total()
	return Built{
		Root: tree.Root(), Count: tree.Count(), Total: total.Dec(), Format: tree.Format(),
		Tree: out, Seconds: d.since(start),
	}, nil
}

func (job BuildJob) check() (format merkle.Format, duplicates list.Duplicates, err error) {
	if job.In == "" {
		return "", "", usage("--in", "name the list, or - for standard input")
	}
	if job.Out == "" {
		return "", "", usage("--out", "name the tree file to write")
	}
	if format, err = merkle.ParseFormat(job.Format); err != nil {
		return "", "", usage("--format", err.Error())
	}
	if duplicates, err = list.ParseDuplicates(job.OnDuplicate); err != nil {
		return "", "", usage("--on-duplicate", err.Error())
	}
	if job.Decimals < 0 || job.Decimals > list.MaxDecimals {
		return "", "", usage("--decimals", fmt.Sprintf("decimals are 0 to %d", list.MaxDecimals))
	}
	if job.Nybbles < 0 || job.Nybbles > 2 || (job.Nybbles > 0 && format != merkle.ENS) {
		return "", "", usage("--shard-digits", "shards of the format ens have prefixes of 1 or 2 hex digits; no other format has shards")
	}
	return format, duplicates, nil
}

// readList reads a list from a path.
func (d Desk) readList(ctx context.Context, path string, options list.Options) (*list.List, error) {
	in, size, err := d.open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }() // only read
	options.Progress = func(read int64) { d.progress("reading", read, size) }
	rows, err := list.Read(ctx, in, options)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return rows, nil
}
