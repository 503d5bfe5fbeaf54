package offline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/list"
	"banyan/platform/decompress"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/wallet"
)

// BuildJob makes a tree file of a list.
type BuildJob struct {
	In     string // the list; "-" is standard input
	Format string // a merkle.Format, or "" with Choices
	// Choices describe the tree where no format has a name for it, or differ from
	// those of Format.
	Choices     merkle.Choices
	Decimals    int    // amounts are in units of 10^Decimals; 0: in base units
	OnDuplicate string // a list.Duplicates; "" is error
	// Columns are chosen by their header or position; "" where the list's header says it.
	Columns list.Columns
	Zero    string // what to do with amounts of zero: "" or error, or skip
	Chain   string // the one that the list is for, by its number or short name; "": not known
	// MapAmounts says what text amounts of a JSON map are, a list.TextAmounts; "":
	// decimal, and a question for the format of Uniswap, whose scripts take them for hex.
	MapAmounts string
	Nybbles    int // ens: hex digits of a shard's prefix; 0: by the list's length
	// Out is the tree file. A folder gets a file named by the root.
	Out string
	// Memory is about what the list and its tree may take, in bytes; what is
	// over it is sorted on disk, beside Out. 0: most of what is available.
	Memory int64
}

// Built is the result of a build.
type Built struct {
	Root    merkle.Hash   `json:"root"`
	Count   int           `json:"count"`
	Total   string        `json:"total"` // in base units, decimal
	Format  merkle.Format `json:"format"`
	Shape   Shape         `json:"shape"`
	Tree    string        `json:"tree"` // path of the tree file
	Seconds float64       `json:"seconds"`
	// PassedOver says in one sentence what of the list was not used; "" if nothing was.
	PassedOver string `json:"passed_over,omitempty"`
	// Report says how the list was read; nil where there was none.
	Report *airdrop.ListReport `json:"report,omitempty"`
	// Kind is what a published file was, and Notes what it did not have, so that it
	// was not compared; both of imports only.
	Kind  string   `json:"kind,omitempty"`
	Notes []string `json:"notes,omitempty"`
}

// Build reads the list, builds the tree and writes the file. It fails as
// list.ReadLong and merkle.BuildFile do, and then leaves no file.
func (r Runner) Build(ctx context.Context, job BuildJob) (_ Built, err error) {
	start := r.Now()
	format, read, err := job.check()
	if err != nil {
		return Built{}, err
	}
	if err := refuseOverwriting(job.Out, job.In); err != nil {
		return Built{}, err
	}
	path := treePath(job.Out)
	build := merkle.Options{
		Nybbles: job.Nybbles, Memory: memoryOr(job.Memory), Folder: filepath.Dir(path(merkle.Hash{})), Progress: r.Progress,
	}
	var report airdrop.ListReport
	read.Seen = func(r airdrop.ListReport) { report = r }
	tree, err := r.buildFile(ctx, job.In, format, read, build, path)
	if err != nil {
		return Built{}, err
	}
	defer func() { err = errors.Join(err, tree.Close()) }()
	built := r.built(tree, path, start)
	built.PassedOver, built.Report = report.PassedOver, &report
	return built, nil
}

// buildFile reads the list and writes the tree file.
func (r Runner) buildFile(ctx context.Context, in string, format merkle.Format, read list.Options, build merkle.Options, path func(merkle.Hash) string) (_ *merkle.Tree, err error) {
	if !format.Plain() {
		return r.buildLeaves(ctx, in, format, read, build, path)
	}
	read.Spelled = format == merkle.Uniswap
	rows, err := r.readList(ctx, in, read, build)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	return merkle.BuildFile(ctx, format, rows, path)
}

// buildLeaves is buildFile of leaves with other values than wallet and amount.
func (r Runner) buildLeaves(ctx context.Context, in string, format merkle.Format, read list.Options, build merkle.Options, path func(merkle.Hash) string) (*merkle.Tree, error) {
	file, size, err := r.open(in)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // only read
	read.Limits = decompress.Files()
	read.Progress = func(done int64) { r.progress("reading", done, size) }
	spec := format.Spec()
	rows, leaf, err := list.ReadLeaves(ctx, file, spec.Leaf, read)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in, err)
	}
	spec.Leaf = leaf
	return merkle.BuildFileOf(ctx, spec.Format(), rows, build, path)
}

// columnFlags are the flags that choose columns.
var columnFlags = list.Flags{Address: "--address-column", Amount: "--amount-column", Index: "--index-column", Leaf: "--leaf address"}

// treePath returns the path of a tree file: out may be a folder.
func treePath(out string) func(root merkle.Hash) string {
	about, err := os.Stat(out)
	if err != nil || !about.IsDir() {
		return func(merkle.Hash) string { return out }
	}
	return func(root merkle.Hash) string { return filepath.Join(out, root.String()+".tree") }
}

// keep writes the tree file of a tree in memory; out may be a folder.
func (r Runner) keep(ctx context.Context, tree *merkle.Tree, out string, start time.Time) (Built, error) {
	r.progress("writing", 0, 0)
	path := treePath(out)
	if err := tree.WriteFile(ctx, path(tree.Root())); err != nil {
		return Built{}, err
	}
	return r.built(tree, path, start), nil
}

func (r Runner) built(tree *merkle.Tree, path func(merkle.Hash) string, start time.Time) Built {
	total := tree.Total()
	return Built{
		Root: tree.Root(), Count: tree.Count(), Total: total.Dec(), Format: tree.Format(), Shape: ShapeOf(tree),
		Tree: path(tree.Root()), Seconds: r.since(start),
	}
}

// check returns the format, and how the list is read.
func (job BuildJob) check() (format merkle.Format, read list.Options, err error) {
	if job.In == "" {
		return "", read, fault.UsageOf("--in", "name the list, or - for standard input")
	}
	if job.Out == "" {
		return "", read, fault.UsageOf("--out", "name the tree file to write")
	}
	if format, err = FormatOf(job.Format, job.Choices); err != nil {
		return "", read, err
	}
	if job.Memory < 0 {
		return "", read, fault.UsageOf("--memory", "the memory is a number of MiB; 0 takes most of what is available")
	}
	if job.Nybbles < 0 || job.Nybbles > 2 || (job.Nybbles > 0 && format != merkle.ENS) {
		return "", read, fault.UsageOf("--shard-digits", "shards of the format ens have prefixes of 1 or 2 hex digits; no other format has shards")
	}
	read, err = job.reading(format)
	return format, read, err
}

// reading says how the list is read.
func (job BuildJob) reading(format merkle.Format) (read list.Options, err error) {
	read = list.Options{Decimals: job.Decimals, Indexed: format.Indexed(), Columns: job.Columns, Flags: columnFlags}
	if read.OnDuplicate, err = list.ParseDuplicates(job.OnDuplicate); err != nil {
		return read, fault.UsageOf("--on-duplicate", fault.From(err).Message)
	}
	if job.Decimals < 0 || job.Decimals > list.MaxDecimals {
		return read, fault.UsageOf("--decimals", fmt.Sprintf("decimals are 0 to %d", list.MaxDecimals))
	}
	if read.SkipZeros, err = list.ParseZero(job.Zero); err != nil {
		return read, fault.UsageOf("--zero", fault.From(err).Message)
	}
	if read.Chain, err = wallet.ParseChain(job.Chain); err != nil {
		return read, fault.UsageOf("--chain", fault.From(err).Message)
	}
	if read.TextAmounts, err = list.ParseTextAmounts(job.MapAmounts); err != nil {
		return read, fault.UsageOf("--map-amounts", fault.From(err).Message)
	}
	if job.MapAmounts == "" && format == merkle.Uniswap {
		read.TextAmounts = list.Ask
	}
	return read, nil
}

// readList reads a list from a path.
func (r Runner) readList(ctx context.Context, path string, options list.Options, build merkle.Options) (*merkle.ExternalList, error) {
	in, size, err := r.open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }() // only read
	options.Limits = decompress.Files()
	options.Progress = func(read int64) { r.progress("reading", read, size) }
	rows, err := list.ReadLong(ctx, in, options, build)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return rows, nil
}
