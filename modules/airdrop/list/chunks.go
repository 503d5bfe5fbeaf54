package list

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"banyan/platform/decompress"
	"banyan/platform/fault"
)

// chunkSize is how much text one goroutine parses at a time, in bytes. It
// holds the longest line, and is small enough for the second-level cache.
const chunkSize = 512 << 10

// chunk is a piece of the text that ends at the end of a line.
type chunk struct {
	text    []byte
	line    int // the number of its first line, from 1
	columns columns
	room    []byte // what text lies in, for a later chunk
}

// cutter cuts the text into chunks.
type cutter struct {
	text    io.Reader
	rest    []byte // begun by the last chunk: the start of its next line
	line    int
	limits  decompress.Limits
	empty   bool // nothing was read yet
	ended   bool
	columns columns
}

// roomSize holds a chunk and the line that it begins.
const roomSize = chunkSize + MaxLine

// next returns the next chunk, in room if it is large enough; io.EOF at the end.
func (c *cutter) next(room []byte) (chunk, error) {
	if c.ended && len(c.rest) == 0 {
		return chunk{}, io.EOF
	}
	if cap(room) < roomSize {
		if err := c.limits.Take(roomSize); err != nil {
			return chunk{}, err
		}
		room = make([]byte, 0, roomSize)
	}
	text := append(room[:0], c.rest...)
	c.rest = c.rest[:0]
	for !c.ended && len(text) < chunkSize {
		n, err := c.text.Read(text[len(text):cap(text)])
		text = text[:len(text)+n]
		c.empty = c.empty && n == 0
		if errors.Is(err, io.EOF) {
			c.ended = true
		} else if err != nil {
			return chunk{}, fmt.Errorf("read the list: %w", err)
		}
	}
	if len(text) == 0 {
		return chunk{}, io.EOF
	}
	if !c.ended {
		end := bytes.LastIndexByte(text, '\n') + 1
		if len(text)-end > MaxLine {
			line := c.line + bytes.Count(text[:end], newline)
			return chunk{}, refusal([]fault.Field{{Line: line, Message: tooLong}})
		}
		c.rest = append(c.rest, text[end:]...)
		text = text[:end]
	}
	piece := chunk{text: text, line: c.line, columns: c.columns, room: room}
	c.line += bytes.Count(text, newline)
	return piece, nil
}

var newline = []byte{'\n'}

const tooLong = "the line is longer than 65536 bytes: a list has one short line per wallet"

// begin reads the first chunk.
func (c *cutter) begin(options Options) (chunk, error) {
	if !options.anyText {
		return c.first(!options.walletsOnly)
	}
	piece, err := c.next(nil)
	if errors.Is(err, io.EOF) && c.empty {
		return chunk{}, fault.New(fault.Invalid, "the input is empty")
	}
	return piece, err
}

var (
	utf8Mark   = []byte{0xef, 0xbb, 0xbf}
	utf16Marks = [][]byte{{0xfe, 0xff}, {0xff, 0xfe}}
)

// first reads the first chunk and learns the columns from its first line.
func (c *cutter) first(amountNeeded bool) (chunk, error) {
	piece, err := c.next(nil)
	if errors.Is(err, io.EOF) {
		return chunk{}, fault.New(fault.Invalid, "the list is empty: write one line per wallet, address,amount")
	}
	if err != nil {
		return chunk{}, err
	}
	for _, mark := range utf16Marks {
		if bytes.HasPrefix(piece.text, mark) {
			return chunk{}, refusal([]fault.Field{{Line: 1, Message: "the text is UTF-16: save it as UTF-8 (CSV UTF-8 in spreadsheets)"}})
		}
	}
	piece.text = bytes.TrimPrefix(piece.text, utf8Mark)
	for {
		piece.text, piece.line = skipLineEnds(piece.text, piece.line)
		line, rest, _ := bytes.Cut(piece.text, newline)
		if len(bytes.TrimSpace(line)) > 0 {
			columns, header, problem := readColumns(trimLine(line), amountNeeded)
			if problem != "" {
				return chunk{}, refusal([]fault.Field{{Line: piece.line, Message: problem}})
			}
			if header {
				piece.text = rest
				piece.line++
			}
			c.columns, piece.columns = columns, columns
			return piece, nil
		}
		if len(rest) > 0 {
			piece.text = rest
			piece.line++
			continue
		}
		piece, err = c.next(piece.room)
		if errors.Is(err, io.EOF) {
			return chunk{}, fault.New(fault.Invalid, "the list has only empty lines: write one line per wallet, address,amount")
		}
		if err != nil {
			return chunk{}, err
		}
	}
}

// skipLineEnds passes over the empty lines that text begins with; line is the
// number of its first line. A packed text can have millions of them.
func skipLineEnds(text []byte, line int) (rest []byte, number int) {
	for {
		switch {
		case len(text) > 0 && text[0] == '\n':
			text = text[1:]
		case len(text) > 1 && text[0] == '\r' && text[1] == '\n':
			text = text[2:]
		default:
			return text, line
		}
		line++
	}
}
