// Package table reads the tables that people, spreadsheets and scripts write:
// text in UTF-8 or UTF-16, plain or packed, with any line ends, whose cells are
// separated by commas, semicolons or tabs, with or without a header.
//
//	spec := table.Spec{Columns: []table.Column{{Name: "id", Required: true}, {Name: "score"}}, Place: …}
//	report, err := table.Read(ctx, file, spec, table.Options{}, parse, keep)
//
// The consumer says which columns it knows and what their cells mean; the
// package finds the columns, cuts the rows and counts what it passed over.
// Nothing is left out without a word: columns without a use are named in the
// Report, two columns that could be the same are refused, and so is a text in
// which there is no row.
//
// It is not encoding/csv: that takes 1.7 to 2.2 times the processors' time to cut
// a row (BenchmarkReadersOfRows, both in one run), 1.08 times to read a whole
// list of a million rows with what its cells mean, and one goroutine instead of
// all; and it goes on after no wrong line.
// A quoted cell ends on its line: no list has use for line breaks in a cell,
// a forgotten quote must not swallow rows, and line numbers are an editor's.
package table

import (
	"context"
	"io"
	"runtime"

	"banyan/platform/decompress"
	"banyan/platform/progress"
)

// What every reader is bounded by.
const (
	MaxLine     = 64 << 10 // bytes of the longest line
	MaxColumns  = 1024     // cells of a line
	MaxProblems = 100      // wrong lines that are named before reading stops
)

// Column is a column that the consumer knows.
type Column struct {
	Name string // as messages call it; a header may, too
	// Synonyms are other headers of the column, in lower-case letters and
	// digits: "holderaddress" is also "Holder Address" and holder_address.
	Synonyms []string
	Required bool // a header must name it
	// Trailing cells may be missing at the end of a row.
	Trailing bool
	// Chosen is the header, or the position from 1, that a person chose for
	// the column; "" if none was chosen.
	Chosen string
	// Flag is how a person chooses it, for example --amount-column; "" where
	// that is not possible.
	Flag string
	// Without is what to do where a table lacks it on purpose, for messages; it
	// may be "".
	Without string
}

// Placement says what the cells of a row without a header are.
type Placement struct {
	Columns []int  // for each cell, an index into Spec.Columns, or -1
	Least   int    // the fewest cells of a row; 0: len(Columns)
	Certain bool   // the cells are what they should be, not only as many
	Problem string // why the cells are no row, for people; "" if they are
	Without bool   // the problem is that of a column which a table may lack
}

// Spec is what a consumer knows of its table.
type Spec struct {
	Columns []Column
	// Row reports whether cells are a row for certain, and so no header.
	Row func(cells [][]byte) bool
	// Strict says that Row knows every row: any other first line is a header.
	Strict bool
	// Place assigns the cells of the first row of a table without a header.
	Place func(cells [][]byte) Placement
	// Shape is what a line looks like, for messages: "address,amount".
	Shape string
	// Ragged rows may lack cells behind those that are needed.
	Ragged bool
	// Look is called once, before work, with the first part to look at; it may be nil.
	Look func(*Part)
	// JSON says how rows stand in JSON; nil: JSON is refused.
	JSON *JSON
}

// Options bound what is read.
type Options struct {
	MaxRows int // 0: no limit
	Workers int // goroutines that parse; 0: one for each processor
	// Limits are what the text may cost. The zero value is for uploads of people
	// whom nobody knows; decompress.Files for files.
	Limits decompress.Limits
	// Progress is called with how many bytes were taken from the reader so
	// far, before decompression; calls do not overlap. It may be nil.
	Progress func(read int64)
}

// Report says how a table was read.
type Report struct {
	Layout   *Layout
	Rows     int // lines with cells, the wrong ones too
	Comments int // lines that begin with #
	Titles   int // lines above the header
}

// Read reads a table. Several goroutines call work at once, each with a part of
// the rows; take is called with the results in the order of the text, one at a
// time, and ends the reading early, without an error, by io.EOF. A part is
// valid until take returns.
//
// It fails with fault.Invalid on a text without a row or with columns that
// cannot be told, with fault.Unsupported on what is not text of this kind, with
// fault.TooLarge over a limit, with what work and take fail with, with the
// context's error, and with the reader's own error, wrapped.
func Read[T any](ctx context.Context, in io.Reader, spec Spec, options Options, work func(context.Context, *Part) (T, error), take func(T) error) (Report, error) {
	return read(ctx, in, &spec, options, work, take)
}

// Lines is Read for a text whose lines are the consumer's alone: there are no
// columns, and Part.Text is a line. Lines without text are left out.
func Lines[T any](ctx context.Context, in io.Reader, options Options, work func(context.Context, *Part) (T, error), take func(T) error) error {
	_, err := read(ctx, in, nil, options, work, take)
	return err
}

func read[T any](ctx context.Context, in io.Reader, spec *Spec, options Options, work func(context.Context, *Part) (T, error), take func(T) error) (Report, error) {
	if err := ctx.Err(); err != nil {
		return Report{}, err
	}
	if options.Workers <= 0 {
		options.Workers = runtime.GOMAXPROCS(0)
	}
	if options.Progress != nil {
		in = progress.Counted(in, options.Progress)
	}
	source, err := openText(ctx, in, options.Limits)
	if err != nil {
		return Report{}, err
	}
	defer source.close()
	chunks := &chunker{text: source, line: 1, limits: options.Limits}
	first, report, err := chunks.begin(spec)
	if err != nil {
		return report, err
	}
	if spec != nil && spec.Look != nil {
		look := *first
		look.prepare()
		spec.Look(&look)
	}
	p := newPipeline(options, work, take, &report)
	stopped, err := p.run(ctx, chunks, first)
	if err == nil && !stopped && report.Rows == 0 {
		err = noRows(spec, report.Layout)
	}
	return report, err
}
