// Package list reads the lists of airdrops: CSV or NDJSON text, plain, gzip or
// zstd, from people and their spreadsheets. It is strict, because a misread
// amount is money, and it says everything that is wrong at once, by line.
//
//	rows, err := list.Read(ctx, file, list.Options{Decimals: 18})
//
// The text is read by one goroutine and parsed by several; what stays in
// memory is the binary list (merkle.RowSize bytes a row), never the text, and of
// a ExternalList no more than it may have.
package list

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"

	"banyan/modules/airdrop"
	"banyan/platform/decompress"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/merkle/keccak"
	"banyan/platform/table"
)

// List is a read list: what merkle.Build takes.
type List = merkle.List

// Duplicates says what to do with a wallet that stands on several lines.
type Duplicates string

// The choices. Error is the default: which of two amounts was meant is for
// the list's author to say.
const (
	Error Duplicates = "error" // refuse the list, naming both lines
	Sum   Duplicates = "sum"   // one row, at the first line's place, with the sum
	First Duplicates = "first" // keep the first line, drop the others
	Keep  Duplicates = "keep"  // a row for each line: the wallet has several claims
)

// ParseDuplicates finds a choice by its name; "" is Error. Fails with fault.Invalid.
func ParseDuplicates(name string) (Duplicates, error) {
	switch d := Duplicates(name); d {
	case "":
		return Error, nil
	case Error, Sum, First, Keep:
		return d, nil
	}
	return "", fault.Newf(fault.Invalid, "for duplicate addresses choose error, sum, first or keep, not %q", name)
}

// ParseZero reads what to do with amounts of zero: skip, or "" or error. Fails
// with fault.Invalid.
func ParseZero(name string) (skip bool, err error) {
	switch name {
	case "", "error":
		return false, nil
	case "skip":
		return true, nil
	}
	return false, fault.Newf(fault.Invalid, "for amounts of zero choose error or skip, not %q", name)
}

// ParseTextAmounts finds a choice by its name; "" is Decimal. Fails with fault.Invalid.
func ParseTextAmounts(name string) (TextAmounts, error) {
	switch a := TextAmounts(name); a {
	case "":
		return Decimal, nil
	case Decimal, Hex, Ask:
		return a, nil
	}
	return "", fault.Newf(fault.Invalid, "for text amounts in a JSON map choose decimal or hex, not %q", name)
}

// MaxDecimals is more than any token has; 10^77 is the last power of ten that
// fits uint256.
const MaxDecimals = 77

// Options say how to read. The zero value reads base units, any number of rows.
type Options struct {
	Decimals    int        // amounts are multiplied by 10^Decimals; 0: whole numbers only
	OnDuplicate Duplicates // "" is Error
	// Spelled gives the rows of a list without indexes those of Uniswap's script
	// (merkle.List.IndexBySpelling).
	Spelled bool
	MaxRows int  // 0: merkle.MaxRows
	Indexed bool // claims go by index (merkle.Format.Indexed): no two wallets may share one
	Workers int  // goroutines that parse; 0: one for each processor
	// Limits are what the text may cost. The zero value is for uploads of people
	// whom nobody knows; decompress.Files for files.
	Limits  decompress.Limits
	Columns Columns // chosen ones
	Flags   Flags   // how they can be chosen, for messages
	// SkipZeros leaves rows out whose amount is zero, which are wrong otherwise.
	SkipZeros bool
	// Chain is the one that the list is for; 0: not known. Addresses with another
	// before them (eth:0x…) are wrong.
	Chain uint64
	// TextAmounts is "" for Decimal.
	TextAmounts TextAmounts
	// Seen is called with how the list was read, when that succeeded; it may be nil.
	Seen func(airdrop.ListReport)
	// Progress is told how many bytes were taken from the reader so far,
	// before decompression; nil tells nobody. Calls do not overlap.
	Progress func(read int64)

	walletsOnly bool // lines need no amount: Questions reads them
}

// table is the part of the options that its reader sees to.
func (o *Options) table() table.Options {
	return table.Options{MaxRows: o.MaxRows, Limits: o.Limits, Workers: o.Workers, Progress: o.Progress}
}

func (o Options) filled() (Options, error) {
	if o.Decimals < 0 || o.Decimals > MaxDecimals {
		return o, fault.Newf(fault.Invalid, "decimals are 0 to %d, not %d: most tokens have 18", MaxDecimals, o.Decimals)
	}
	duplicates, err := ParseDuplicates(string(o.OnDuplicate))
	if err != nil {
		return o, err
	}
	o.OnDuplicate = duplicates
	if o.TextAmounts, err = ParseTextAmounts(string(o.TextAmounts)); err != nil {
		return o, err
	}
	if o.MaxRows <= 0 || o.MaxRows > merkle.MaxRows {
		o.MaxRows = merkle.MaxRows
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	return o, nil
}

// Read reads a whole list into memory. Either all of it is right, or nothing is
// kept and one fault.Invalid names up to table.MaxProblems wrong lines in its Fields.
// Over a limit it fails with fault.TooLarge, on an unknown encoding with
// fault.Unsupported, and as options.Limits.Reserve does; a failing reader's error
// comes back wrapped.
func Read(ctx context.Context, in io.Reader, options Options) (*List, error) {
	rows, err := ReadLong(ctx, in, options, merkle.Options{})
	if err != nil {
		return nil, err
	}
	return rows.InMemory(), nil
}

// ReadLong is Read for a list that may be longer than memory: of build, Memory
// and Folder say what it may hold where, and merkle.BuildFile takes the rest.
// Close the list.
func ReadLong(ctx context.Context, in io.Reader, options Options, build merkle.Options) (*merkle.ExternalList, error) {
	options, err := options.filled()
	if err != nil {
		return nil, err
	}
	cells, err := options.cells()
	if err != nil {
		return nil, err
	}
	rows, err := merkle.NewExternalList(build)
	if err != nil {
		return nil, err
	}
	r := reading{options: options, list: rows, cells: cells}
	buffers := sync.Pool{New: func() any { return new([]byte) }} // for the rows of a part
	spec := options.spec()
	spec.Look = cells.look
	parse := func(_ context.Context, part *table.Part) (parsed, error) {
		buffer := buffers.Get().(*[]byte) //nolint:forcetypeassert // New makes no other
		return cells.parseRows(part, (*buffer)[:0], options.SkipZeros)
	}
	report, err := table.Read(ctx, in, spec, options.table(), parse, func(p parsed) error {
		defer buffers.Put(&p.rows)
		return r.take(ctx, p)
	})
	if err == nil {
		err = r.finish(ctx)
	}
	if err == nil && options.Seen != nil {
		var read airdrop.ListReport
		if read, err = r.report(ctx, report); err == nil {
			options.Seen(read)
		}
	}
	if err != nil {
		return nil, errors.Join(err, rows.Close())
	}
	return rows, nil
}

// cells returns what reads the cells of a list.
func (o *Options) cells() (*cellReader, error) {
	engine, err := keccak.Best()
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, err.Error())
	}
	return &cellReader{engine: engine, decimals: o.Decimals, chain: o.Chain, spelling: plainSpelling, texts: o.TextAmounts}, nil
}

// Lines hands the lines of a text (plain, gzip or zstd) to answer, a piece at a
// time with the number of its first line, from options.Workers goroutines at
// once; take gets its results in the order of the text. The lines hold during
// the call only, and empty ones are left out. Of the options, Limits,
// Workers and Progress count. It fails as Questions does.
func Lines[T any](ctx context.Context, in io.Reader, options Options,
	answer func(eachLine func(yield func(line []byte, number int) bool)) (T, error), take func(T) error,
) error {
	return table.Lines(ctx, in, options.table(), func(_ context.Context, part *table.Part) (T, error) {
		return answer(func(yield func([]byte, int) bool) {
			for part.Next() {
				if !yield(part.Text, part.Line) {
					return
				}
			}
		})
	}, take)
}

// reading is what Read has gathered so far.
type reading struct {
	options  Options
	list     *merkle.ExternalList
	cells    *cellReader
	figures  figures
	lines    lineMap // places by rows
	entries  entryMap
	names    columns
	meaning  meaning
	problems []fault.Field
	full     bool // as many problems as are named: the rest is not read
}

// take adds one parsed chunk; they come in order. It asks to stop by io.EOF.
func (r *reading) take(ctx context.Context, p parsed) error {
	r.names = p.columns
	r.entries.add(p.entries)
	r.problems = append(r.problems, p.problems...)
	for _, differs := range r.meaning.join(p.columns.Layout, p.columns.kinds, p.meaning) {
		r.problems = append(r.problems, r.entries.field(differs.Line, differs.Name, differs.Message))
	}
	if len(r.problems) >= table.MaxProblems {
		r.full = true
		return io.EOF
	}
	r.figures.join(p.figures)
	r.lines.add(r.list.Len(), p.lines)
	return r.list.AppendRows(ctx, p.rows, p.indexes)
}

// finish sees to the wallets that are there again.
func (r *reading) finish(ctx context.Context) error {
	if !r.full && r.options.OnDuplicate == Error {
		if err := r.nameDuplicates(ctx); err != nil {
			return err
		}
	}
	if r.options.Indexed && len(r.problems) < table.MaxProblems {
		if err := r.nameIndexes(ctx); err != nil {
			return err
		}
	}
	if len(r.problems) > 0 {
		return table.Refuse(r.problems)
	}
	if r.list.Len() == 0 {
		return fault.New(fault.Invalid, "all amounts of the list are zero: there is nothing to give, so correct the column of the amounts")
	}
	if r.options.OnDuplicate == Sum || r.options.OnDuplicate == First {
		if err := r.list.Merge(ctx, r.options.OnDuplicate == Sum); err != nil {
			return err
		}
	}
	if r.options.Spelled && !r.names.indexed {
		return r.list.IndexBySpelling(ctx)
	}
	return nil
}

// nameDuplicates adds a problem for each line that repeats a wallet.
func (r *reading) nameDuplicates(ctx context.Context) error {
	return r.list.Duplicates(ctx, func(first, again int) bool {
		r.problems = append(r.problems, r.entries.field(r.lines.of(again), r.names.addressName(),
			fmt.Sprintf("this address is already %s: keep one of the lines, or choose to sum them", r.entries.where(r.lines.of(first)))))
		return len(r.problems) < table.MaxProblems
	})
}

// nameIndexes adds a problem for each line whose index is another wallet's.
func (r *reading) nameIndexes(ctx context.Context) error {
	return r.list.RepeatedIndexes(ctx, func(first, again int) bool {
		r.problems = append(r.problems, r.entries.field(r.lines.of(again), r.names.indexName(),
			fmt.Sprintf("this index is already %s, for another address, and only one of them could claim: give each its own, or leave indexes out", r.entries.where(r.lines.of(first)))))
		return len(r.problems) < table.MaxProblems
	})
}
