package rank

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"banyan/platform/decompress"
	"banyan/platform/fault"
)

// MaxLine is the longest line read, in bytes.
const MaxLine = 64 << 10

// maxBlank is how many blank lines are passed over in a list.
const maxBlank = 10_000

// linesPerCheck is how often the context is asked.
const linesPerCheck = 4096

// column names a column and what its header may be called, in lower case.
type column struct {
	name   string
	titles []string
	number bool // its cells are numbers, so a number in it is not a header
}

// table reads CSV (RFC 4180) line by line. It is not encoding/csv because the
// lists have tens of millions of short rows: cells are slices of the line.
// A quoted cell must end on its line, so that line numbers are an editor's.
type table struct {
	ctx     context.Context
	text    *bufio.Reader // MaxLine long: a line that does not fit is too long
	close   func()
	columns []column
	need    int // the first need columns must be there

	line   int
	blank  int      // blank lines so far
	cells  [][]byte // of the present row; valid until next
	header string   // the header line when it is a single cell: it may be an id all the same
	titled bool     // the first row has been looked at
	spare  []byte   // where quoted cells are written
	fields []fault.Field
	more   bool
	err    error
}

func openTable(ctx context.Context, r io.Reader, limits decompress.Limits, columns []column, need int) (*table, error) {
	plain, err := decompress.Open(ctx, r, limits)
	if err != nil {
		return nil, fmt.Errorf("read the list: %w", err)
	}
	t := &table{ctx: ctx, text: bufio.NewReaderSize(plain, MaxLine), close: plain.Close, columns: columns, need: need}
	start, err := t.text.Peek(2)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		err = t.stopped(err)
	case string(start) == "\xff\xfe", string(start) == "\xfe\xff":
		err = fault.New(fault.Unsupported, "the text is UTF-16: save the file as UTF-8")
	default:
		return t, nil
	}
	t.close()
	return nil, err
}

// stopped says after which line reading failed.
func (t *table) stopped(err error) error {
	last := t.line - 1
	if f := (*fault.Fault)(nil); errors.As(err, &f) && last > 0 {
		return f.With(fault.Field{Line: last, Message: "is the last line that arrived whole"})
	}
	return fmt.Errorf("read the list after line %d: %w", max(last, 0), err)
}

// next moves to the next row that has the right number of cells; wrong lines
// are noted and passed over. False at the end: then ask finish.
func (t *table) next() bool {
	for !t.more && t.err == nil {
		line, ok := t.read()
		if !ok {
			return false
		}
		if len(bytes.TrimSpace(line)) == 0 {
			if t.blank++; t.blank > maxBlank {
				t.wrong("", fmt.Sprintf("is one of more than %d blank lines", maxBlank))
				return false
			}
			continue
		}
		if !utf8.Valid(line) || bytes.IndexByte(line, 0) >= 0 {
			t.wrong("", "is not UTF-8 text: save the file as UTF-8")
			continue
		}
		if message := t.split(line); message != "" {
			t.wrong("", message)
			continue
		}
		first := !t.titled
		t.titled = true
		if first && t.isHeader() {
			continue
		}
		if n := len(t.cells); n < t.need || n > len(t.columns) {
			t.wrong("", fmt.Sprintf("has %d cells, and a row is %s", n, t.shape()))
			continue
		}
		return true
	}
	return false
}

// finish says whether the whole list was read and right.
func (t *table) finish() error {
	if t.err != nil {
		return t.err
	}
	if len(t.fields) > 0 {
		return refusal(t.fields, t.more)
	}
	return nil
}

// wrong notes a fault of the present line. One too many stops the reading.
func (t *table) wrong(column, message string) {
	if len(t.fields) == MaxFields {
		t.more = true
		return
	}
	t.fields = append(t.fields, fault.Field{Name: column, Line: t.line, Message: message})
}

// shape is source,target,weight[,time].
func (t *table) shape() string {
	text := ""
	for i, c := range t.columns {
		switch {
		case i == 0:
			text = c.name
		case i < t.need:
			text += "," + c.name
		default:
			text += "[," + c.name + "]"
		}
	}
	return text
}

// read gives the next line without its end.
func (t *table) read() ([]byte, bool) {
	t.line++
	if t.line%linesPerCheck == 0 {
		if t.err = t.ctx.Err(); t.err != nil {
			return nil, false
		}
	}
	line, err := t.text.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		// No list of ours, or a packed one made to keep us busy: go no further.
		t.wrong("", fmt.Sprintf("is longer than %d bytes", MaxLine))
		return nil, false
	}
	if err != nil && !errors.Is(err, io.EOF) {
		t.err = t.stopped(err)
		return nil, false
	}
	if t.line == 1 {
		line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
	}
	if err != nil && len(line) == 0 {
		return nil, false
	}
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r")), true
}

// split cuts a line into cells. It gives what is wrong, or "".
func (t *table) split(line []byte) string {
	t.cells = t.cells[:0]
	t.spare = t.spare[:0]
	for {
		if rest := bytes.TrimLeft(line, " \t"); len(rest) > 0 && rest[0] == '"' {
			cell, after, ok := t.unquote(rest[1:])
			if !ok {
				return "has a quoted cell that does not end on its line"
			}
			t.cells = append(t.cells, cell)
			if len(after) == 0 {
				return ""
			}
			if after[0] != ',' {
				return "has text after a quoted cell: a quote inside a cell is written twice"
			}
			line = after[1:]
			continue
		}
		cell, after, more := bytes.Cut(line, []byte{','})
		t.cells = append(t.cells, bytes.TrimSpace(cell))
		if !more {
			return ""
		}
		line = after
	}
}

// unquote reads a cell up to its closing quote; after begins behind it.
func (t *table) unquote(text []byte) (cell, after []byte, ok bool) {
	from := len(t.spare)
	for {
		i := bytes.IndexByte(text, '"')
		if i < 0 {
			return nil, nil, false
		}
		t.spare = append(t.spare, text[:i]...)
		if text = text[i+1:]; len(text) == 0 || text[0] != '"' {
			return t.spare[from:len(t.spare):len(t.spare)], bytes.TrimLeft(text, " \t"), true
		}
		t.spare = append(t.spare, '"')
		text = text[1:]
	}
}

// isHeader tells whether the first row is a header: a cell of it is called as
// a column may be, and no number stands where numbers stand. A header in another
// order is refused, because its columns would be taken for each other.
func (t *table) isHeader() bool {
	named, misplaced := 0, 0
	for i, cell := range t.cells {
		if i < len(t.columns) && t.columns[i].number && looksLikeNumber(cell) {
			return false
		}
		title := strings.ToLower(string(cell))
		for j, c := range t.columns {
			if slices.Contains(c.titles, title) {
				if i == j {
					named++
				} else {
					misplaced++
				}
			}
		}
	}
	if named+misplaced == 0 {
		return false
	}
	if misplaced > 0 {
		t.wrong("", "names the columns in another order: they are "+t.shape())
	}
	if len(t.cells) == 1 {
		t.header = string(t.cells[0])
	}
	return true
}
