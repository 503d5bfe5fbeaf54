package offline

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"

	"github.com/holiman/uint256"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/rules"
	"banyan/platform/decompress"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/wallet"
)

// AllocateJob computes who gets what by a file of rules. Outputs that are "" are not
// written.
type AllocateJob struct {
	Rules string // the file of rules
	// Inputs are the files of sources, by the source's name; others are where the
	// rules say, beside their file.
	Inputs   map[string]string
	Format   string // of the tree, as BuildJob.Format
	Before   string // the list of an earlier run, to compare with
	Out      string // address,amount of those who get something, in base units
	Reasons  string // address,amount,reason of all wallets
	Tree     string // the tree file; a folder gets a file named by the root
	Manifest string
}

// Allocated is the result of an AllocateJob or a ReproduceJob.
type Allocated struct {
	Root    merkle.Hash     `json:"root"`
	Format  merkle.Format   `json:"format"`
	Inputs  []rules.Input   `json:"inputs"`
	Preview airdrop.Preview `json:"preview"`
	Seconds float64         `json:"seconds"`
	// PassedOver says of each input what was not used.
	PassedOver []string `json:"passed_over,omitempty"`

	decimals int
}

// Decimals are those of the token.
func (a Allocated) Decimals() int { return a.decimals }

// Allocate does the job. It fails with fault.Invalid naming what is wrong in the rules
// or in a source, by line, and then writes nothing.
func (r Runner) Allocate(ctx context.Context, job AllocateJob) (a Allocated, err error) {
	start := r.Now()
	format, err := job.check()
	if err != nil {
		return a, err
	}
	text, parsed, err := r.readRules(job.Rules)
	if err != nil {
		return a, err
	}
	sources := make([]sourceFile, len(parsed.Sources))
	for i, s := range parsed.Sources {
		if sources[i], err = job.file(s); err != nil {
			return a, err
		}
		for _, out := range []string{job.Out, job.Reasons, job.Manifest} {
			if err := refuseOverwriting(out, sources[i].path, job.Rules); out != "" && err != nil {
				return a, err
			}
		}
	}
	for name := range job.Inputs {
		if parsed.Source(name) == nil {
			return a, fault.UsageOf("--input", fmt.Sprintf("the rules have no source %q", name))
		}
	}
	result, tree, err := r.evaluate(ctx, parsed, sources, format, &a)
	if err != nil {
		return a, err
	}
	before, err := r.readBefore(ctx, job.Before)
	if err != nil {
		return a, err
	}
	r.progress("summing up", 0, 0)
	a.Preview = result.Preview(before)
	m := rules.Manifest{
		Engine: rules.Engine, Rules: string(text), Inputs: a.Inputs, Format: format, Root: tree.Root(), Count: result.Count, Total: result.Total.Dec(),
	}
	if err := r.writeAllocation(ctx, job, result, tree, m); err != nil {
		return a, err
	}
	a.Seconds = r.since(start)
	return a, nil
}

func (j AllocateJob) check() (merkle.Format, error) {
	if j.Rules == Stdio && j.Before == Stdio {
		return "", fault.UsageOf("--before", "only one of the files can come from standard input")
	}
	if j.Format == "" {
		return merkle.OZ, nil
	}
	return FormatOf(j.Format, merkle.Choices{})
}

// file returns where the file of a source is.
func (j AllocateJob) file(s rules.Source) (sourceFile, error) {
	switch path := j.Inputs[s.Name]; {
	case path != "":
		return sourceFile{path: path}, nil
	case s.File == "" && s.OnChain():
		return sourceFile{}, fault.UsageOf("--input", fmt.Sprintf("the source %s (line %d of the rules) is read from chain %d, and this command asks no chain: write --input %s=FILE. A server whose chain.nodes names chain %d makes the file: create a campaign with these rules there, collect, and download the source from the page of its rules", s.Name, s.Line, s.Chain, s.Name, s.Chain))
	case s.File == "":
		return sourceFile{}, fault.UsageOf("--input", fmt.Sprintf("the source %s (line %d of the rules) has no file: write --input %s=FILE", s.Name, s.Line, s.Name))
	case filepath.IsAbs(s.File) || j.Rules == Stdio:
		return sourceFile{path: s.File}, nil
	}
	return sourceFile{path: filepath.Join(filepath.Dir(j.Rules), s.File)}, nil
}

// sourceFile is where a source is read from, and what its content must be.
type sourceFile struct {
	path   string
	sha256 string // "" = any
	root   string // of the epoch; "" = not known
}

// readRules reads a file of rules.
func (r Runner) readRules(path string) (text []byte, parsed *rules.Rules, err error) {
	if text, err = r.readWhole(path, rules.MaxBytes+1); err != nil {
		return nil, nil, err
	}
	if parsed, err = rules.Parse(text); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return text, parsed, nil
}

// readWhole reads up to most bytes of a file.
func (r Runner) readWhole(path string, most int64) ([]byte, error) {
	in, _, err := r.open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }() // only read
	text, err := io.ReadAll(io.LimitReader(in, most))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return text, nil
}

// evaluate reads the sources, evaluates the rules and builds the tree.
func (r Runner) evaluate(ctx context.Context, parsed *rules.Rules, files []sourceFile, format merkle.Format, a *Allocated) (*rules.Result, *merkle.Tree, error) {
	a.Format, a.decimals = format, parsed.Decimals
	tables := make([]*rules.Table, len(files))
	for i, s := range parsed.Sources {
		table, input, passed, err := r.readSource(ctx, s, files[i])
		if err != nil {
			return nil, nil, err
		}
		if passed != "" {
			a.PassedOver = append(a.PassedOver, files[i].path+": "+passed)
		}
		tables[i] = table
		a.Inputs = append(a.Inputs, input)
	}
	r.progress("evaluating", 0, 0)
	result, err := parsed.Evaluate(ctx, tables)
	if err != nil {
		return nil, nil, err
	}
	list, err := result.List(ctx, format)
	if err != nil {
		return nil, nil, err
	}
	tree, err := merkle.Build(ctx, format, list, merkle.Options{Progress: r.Progress})
	if err != nil {
		return nil, nil, err
	}
	a.Root = tree.Root()
	return result, tree, nil
}

// readSource reads the file of a source, and checks that it is the one.
func (r Runner) readSource(ctx context.Context, s rules.Source, f sourceFile) (*rules.Table, rules.Input, string, error) {
	in, size, err := r.open(f.path)
	if err != nil {
		return nil, rules.Input{}, "", fmt.Errorf("the source %s: %w", s.Name, err)
	}
	defer func() { _ = in.Close() }() // only read
	hash := sha256.New()
	whole := io.TeeReader(in, hash)
	table, passed, err := rules.ReadTable(ctx, whole, s, rules.ReadOptions{Limits: decompress.Files(), Progress: func(read int64) { r.progress("reading "+s.Name, read, size) }})
	if err != nil {
		return nil, rules.Input{}, "", fmt.Errorf("%s: %w", f.path, err)
	}
	if _, err := io.Copy(io.Discard, whole); err != nil { // a packed file may have something behind
		return nil, rules.Input{}, "", fmt.Errorf("read %s: %w", f.path, err)
	}
	sum := hex.EncodeToString(hash.Sum(nil))
	for _, want := range []string{s.SHA256, f.sha256} {
		if want != "" && want != sum {
			return nil, rules.Input{}, "", fault.Newf(fault.Conflict, "%s has the SHA-256 %s, and the source %s must have %s: it is another file, or was changed; name the file that is meant with --input", f.path, sum, s.Name, want)
		}
	}
	if f.root != "" {
		if err := rules.CheckEpoch(ctx, s, table, f.root); err != nil {
			return nil, rules.Input{}, "", err
		}
	}
	input := rules.InputOf(s, filepath.Base(f.path), sum, table)
	input.EpochRoot = f.root
	return table, input, passed, nil
}

// readBefore reads the list of an earlier run; nil when there is none.
func (r Runner) readBefore(ctx context.Context, path string) (iter.Seq2[wallet.Address, uint256.Int], error) {
	if path == "" {
		return nil, nil //nolint:nilnil // no list is no error
	}
	in, _, err := r.open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }() // only read
	source := rules.Source{Name: "before", Kind: rules.List, Values: []rules.Value{{Name: "amount"}}}
	table, _, err := rules.ReadTable(ctx, in, source, rules.ReadOptions{Limits: decompress.Files()})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return func(yield func(wallet.Address, uint256.Int) bool) {
		for i, w := range table.Wallets {
			if !yield(w, table.Columns[0][i]) {
				return
			}
		}
	}, nil
}

// writeAllocation writes what was asked for.
func (r Runner) writeAllocation(ctx context.Context, job AllocateJob, result *rules.Result, tree *merkle.Tree, m rules.Manifest) error {
	if job.Out != "" {
		if err := r.writeTo(job.Out, func(out *bufio.Writer) error { return writeAmounts(out, result) }); err != nil {
			return err
		}
	}
	if job.Reasons != "" {
		if err := r.writeTo(job.Reasons, func(out *bufio.Writer) error { return writeReasons(ctx, out, result) }); err != nil {
			return err
		}
	}
	if job.Tree != "" {
		if _, err := r.keep(ctx, tree, job.Tree, r.Now()); err != nil {
			return err
		}
	}
	if job.Manifest == "" {
		return nil
	}
	return r.writeTo(job.Manifest, func(out *bufio.Writer) error {
		to := json.NewEncoder(out)
		to.SetIndent("", "  ")
		return to.Encode(m)
	})
}

func (r Runner) writeTo(path string, write func(*bufio.Writer) error) error {
	out, err := r.create(path)
	if err != nil {
		return err
	}
	return out.finish(write(out.Writer))
}

// writeAmounts writes the list that `banyan airdrop build` reads.
func writeAmounts(out *bufio.Writer, result *rules.Result) error {
	if _, err := out.WriteString("address,amount\n"); err != nil {
		return err
	}
	var line []byte
	for i, w := range result.Wallets {
		if result.Amounts[i].IsZero() {
			continue
		}
		line, _ = w.AppendText(line[:0]) // bytes: cannot fail
		line = append(append(line, ','), result.Amounts[i].Dec()...)
		if _, err := out.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return nil
}

// writeReasons writes why each wallet gets what it gets.
func writeReasons(ctx context.Context, out *bufio.Writer, result *rules.Result) error {
	rows := csv.NewWriter(out)
	if err := rows.Write([]string{"address", "amount", "reason"}); err != nil {
		return err
	}
	for i, w := range result.Wallets {
		if i%10_000 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := rows.Write([]string{w.String(), result.Amounts[i].Dec(), result.Why(i)}); err != nil {
			return err
		}
	}
	rows.Flush()
	return rows.Error()
}

// WhyJob asks why a wallet gets what it gets.
type WhyJob struct {
	Rules  string            // a file of rules, or a manifest
	Inputs map[string]string // as AllocateJob.Inputs
	Folder string            // where the inputs of a manifest are; "" = beside it
	Wallet string
}

// Why is the answer to a WhyJob.
type Why struct {
	Wallet wallet.Address `json:"wallet"`
	Amount string         `json:"amount"` // base units
	Reason string         `json:"reason"`
}

// Why does the job.
func (r Runner) Why(ctx context.Context, job WhyJob) (Why, error) {
	w, err := wallet.Parse(job.Wallet)
	if err != nil {
		return Why{}, err
	}
	text, err := r.readWhole(job.Rules, rules.MaxManifest)
	if err != nil {
		return Why{}, err
	}
	var parsed *rules.Rules
	var files []sourceFile
	var m rules.Manifest
	if isManifest(text) {
		if m, parsed, err = rules.ParseManifest(text); err == nil {
			files, err = r.findInputs(m, ReproduceJob{Manifest: job.Rules, Folder: job.Folder})
		}
	} else if parsed, err = rules.Parse(text); err == nil {
		files = make([]sourceFile, len(parsed.Sources))
		for i, s := range parsed.Sources {
			if files[i], err = (AllocateJob{Rules: job.Rules, Inputs: job.Inputs}).file(s); err != nil {
				return Why{}, err
			}
		}
	}
	if err != nil {
		return Why{}, fmt.Errorf("%s: %w", job.Rules, err)
	}
	var a Allocated
	result, _, err := r.evaluate(ctx, parsed, files, merkle.OZ, &a)
	if err != nil {
		return Why{}, err
	}
	if i, found := result.Find(w); found {
		return Why{Wallet: w, Amount: result.Amounts[i].Dec(), Reason: result.Why(i)}, nil
	}
	return Why{Wallet: w, Amount: "0", Reason: rules.UnknownWallet}, nil
}

// isManifest reports whether a text is JSON: rules in YAML are not written so.
func isManifest(text []byte) bool {
	for _, c := range text {
		if c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c == '{'
		}
	}
	return false
}

func fileExists(path string) bool {
	about, err := os.Stat(path)
	return err == nil && about.Mode().IsRegular()
}
