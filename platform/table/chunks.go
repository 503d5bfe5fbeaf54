package table

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"banyan/platform/decompress"
	"banyan/platform/fault"
)

const (
	// chunkSize is how much text one goroutine parses at a time, in bytes. It
	// holds the longest line, and is small enough for the second-level cache.
	chunkSize = 512 << 10
	// maxBlank is how many bytes without any row are passed over, of a text
	// that may have been packed to keep a reader busy.
	maxBlank = 64 << 20
)

// chunker cuts a text into chunks that end at the end of a line.
type chunker struct {
	text   *text
	rest   []byte // begun by the last chunk: the start of its next line
	line   int    // the number of the next chunk's first line, from 1
	read   int64
	blank  int64 // bytes of chunks without a row, up to here
	limits decompress.Limits
	ended  bool
	// blanks are the bytes that lines without cells are made of.
	blanks string
	// document cuts the text into rows of JSON; nil: rows are lines.
	document *document
}

// chunk is a piece of the text.
type chunk struct {
	text  []byte
	line  int // the number of its first line
	entry int // the number of its first row, of a document
}

// next returns the next chunk, in buffer if that is large enough; io.EOF at the end.
func (c *chunker) next(buffer []byte) (chunk, error) {
	if c.ended && len(c.rest) == 0 {
		return chunk{}, io.EOF
	}
	if cap(buffer) < chunkSize+MaxLine {
		if err := c.limits.Take(chunkSize + MaxLine); err != nil {
			return chunk{}, err
		}
		buffer = make([]byte, 0, chunkSize+MaxLine)
	}
	for {
		piece, err := c.fill(buffer)
		if err != nil {
			return piece, err
		}
		if len(bytes.TrimLeft(piece.text, c.blanks)) > 0 {
			c.blank = 0
			return piece, nil
		}
		if c.blank += int64(len(piece.text)); c.blank > maxBlank {
			return piece, fault.Newf(fault.Invalid, "there are more than %d MiB of blank lines up to line %d: remove them", maxBlank>>20, c.line-1)
		}
	}
}

func (c *chunker) fill(buffer []byte) (chunk, error) {
	if c.document != nil {
		return c.fillDocument(buffer)
	}
	text := append(buffer[:0], c.rest...)
	c.rest = c.rest[:0]
	for !c.ended && len(text) < chunkSize {
		var err error
		if text, err = c.more(text); err != nil {
			return chunk{}, err
		}
	}
	if len(text) == 0 {
		return chunk{}, io.EOF
	}
	if !c.ended {
		end := bytes.LastIndexByte(text, '\n') + 1
		if len(text)-end > MaxLine {
			line := c.line + bytes.Count(text[:end], newline)
			return chunk{}, Refuse([]fault.Field{{Line: line, Message: tooLong}})
		}
		c.rest = append(c.rest, text[end:]...)
		text = text[:end]
	}
	piece := chunk{text: text, line: c.line}
	c.line += bytes.Count(text, newline)
	return piece, nil
}

// more reads what follows text into its room.
func (c *chunker) more(text []byte) ([]byte, error) {
	n, err := c.text.Read(text[len(text):cap(text)])
	text = text[:len(text)+n]
	c.read += int64(n)
	if errors.Is(err, io.EOF) && !isFault(err) {
		c.ended = true
	} else if err != nil {
		return text, brokenOff(err, c.line-1+bytes.Count(text, newline))
	}
	return text, nil
}

var newline = []byte{'\n'}

var tooLong = fmt.Sprintf("the line is longer than %d bytes: a list has short lines", MaxLine)

// brokenOff adds the last line that arrived whole to the error of a reader.
func brokenOff(err error, last int) error {
	var f *fault.Fault
	if errors.As(err, &f) && last > 0 {
		return f.With(fault.Field{Line: last, Message: "is the last line that arrived whole"})
	}
	return fmt.Errorf("read the list after line %d: %w", last, err)
}

// begin returns the first part and how the table is laid out; spec is nil where
// the lines are the consumer's.
func (c *chunker) begin(spec *Spec) (*Part, Report, error) {
	report := Report{Layout: &Layout{}}
	c.blanks = "\n\r \t"
	if spec != nil {
		c.blanks += ",;|"
	}
	if spec != nil && spec.JSON != nil {
		if part, err := c.beginJSON(spec, &report); part != nil || err != nil {
			return part, report, err
		}
	}
	var buffer []byte
	for {
		piece, err := c.next(buffer)
		if errors.Is(err, io.EOF) && !isFault(err) {
			if report.Comments > 0 {
				return nil, report, noRows(spec, report.Layout)
			}
			return nil, report, nothing(spec, c.read)
		}
		if err != nil {
			return nil, report, err
		}
		if spec == nil {
			return &Part{chunk: piece, whole: piece.text}, report, nil
		}
		layout, from, err := detect(piece, spec)
		if err != nil {
			return nil, report, err
		}
		if layout == nil { // nothing but comments: the table is further on
			report.Comments += from
			buffer = piece.text[:0]
			continue
		}
		passed := bytes.Count(piece.text[:from], newline)
		layout.Encoding, layout.LineEnds = c.text.encoding, c.text.lineEnds
		report.Layout, report.Titles = layout, layout.titles
		report.Comments += layout.comments
		piece.text, piece.line = piece.text[from:], piece.line+passed
		return &Part{chunk: piece, layout: layout, whole: piece.text}, report, nil
	}
}

// nothing is the fault for a text without any line.
func nothing(spec *Spec, read int64) error {
	advice := ""
	if spec != nil {
		advice = ": write lines of " + spec.Shape
	}
	if read == 0 {
		return fault.New(fault.Invalid, "the list is empty"+advice)
	}
	return fault.New(fault.Invalid, "the list has only blank lines"+advice)
}

// noRows is the fault for a text with a header and no row, or with comments alone.
func noRows(spec *Spec, layout *Layout) error {
	switch {
	case spec == nil:
		return nothing(spec, 1)
	case layout.HeaderLine > 0:
		return fault.Newf(fault.Invalid, "the list has no rows, only a header on line %d (columns seen: %s): write lines of %s below it",
			layout.HeaderLine, seen(layout.Header), spec.Shape)
	}
	return fault.New(fault.Invalid, "the list has no rows, only comments and blank lines: write lines of "+spec.Shape)
}
