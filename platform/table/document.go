package table

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"banyan/platform/fault"
)

// document is how far a text of JSON whose rows are not lines has been cut into
// pieces of whole rows.
type document struct {
	jsonText
	nesting
	scanned int // bytes of chunker.rest that were looked at
	entries int // rows that began before the next piece
	closed  bool
	tail    []byte // what stands behind the closing bracket
}

// beginJSON returns the first part of a text of JSON; nil if the text is none.
func (c *chunker) beginJSON(spec *Spec, report *Report) (*Part, error) {
	head := c.text.head
	if at := beforeJSON(head); at == len(head) || head[at] != '{' && head[at] != '[' {
		return nil, nil //nolint:nilnil // no JSON is no error
	}
	if bytes.HasPrefix(head, []byte("{\\rtf")) {
		return nil, nil //nolint:nilnil // no JSON is no error
	}
	head = c.text.peek() // with line ends as they will be read
	t, err := detectJSON(head, spec)
	if err == nil && t.apart {
		if err = c.joinApart(spec); err == nil {
			head = c.text.peek()
			t, err = detectJSON(head, spec)
		}
	}
	if err != nil {
		return nil, err
	}
	before := head[:min(len(head), t.skip)]
	if t.form != JSONLines {
		c.line += bytes.Count(before, newline)
		t.head = bytes.Clone(t.head)
		c.document = &document{jsonText: t}
		_, _ = io.CopyN(io.Discard, c.text, int64(len(before))) // they are in memory
	}
	c.blanks = " \t\r\n"
	line := c.line + bytes.Count(head[len(before):skipBlanks(head, len(before))], newline)
	layout, header, err := t.layout(spec, line)
	if err != nil {
		return nil, err
	}
	layout.Encoding, layout.LineEnds = c.text.encoding, c.text.lineEnds
	report.Layout = layout
	piece, err := c.next(nil)
	if errors.Is(err, io.EOF) && !isFault(err) {
		return nil, noRows(spec, layout)
	}
	if err != nil {
		return nil, err
	}
	part := &Part{chunk: piece, layout: layout, whole: piece.text}
	if header {
		part.skipHeader()
	}
	return part, nil
}

// beforeJSON returns where the first line begins that is neither blank nor a comment.
func beforeJSON(text []byte) (at int) {
	for at = skipBlanks(text, 0); at < len(text) && text[at] == '#'; at = skipBlanks(text, at) {
		if end := bytes.IndexByte(text[at:], '\n'); end >= 0 {
			at += end + 1
		} else {
			at = len(text)
		}
	}
	return at
}

// fillDocument returns a piece of whole rows.
func (c *chunker) fillDocument(buffer []byte) (chunk, error) {
	d := c.document
	if d.closed {
		return chunk{}, io.EOF
	}
	text := append(buffer[:0], c.rest...)
	c.rest = c.rest[:0]
	cut, at, entries := 0, d.scanned, 0
	for !d.closed {
		for ; at < len(text) && !d.closed; at++ {
			switch end := d.endsRow(text[at]); {
			case d.closed:
				cut = at
				d.tail = append(d.tail, text[at+1:]...)
			case end:
				cut = at + 1
				entries++
			}
		}
		if c.ended || len(text) >= chunkSize || d.closed {
			break
		}
		var err error
		if text, err = c.more(text); err != nil {
			return chunk{}, err
		}
	}
	piece := chunk{text: text[:cut], line: c.line, entry: d.entries + 1}
	c.line += bytes.Count(piece.text, newline)
	d.entries += entries
	switch {
	case d.closed:
		return piece, c.finishDocument()
	case c.ended && d.form == JSONSequence: // a broken value is its reader's
		piece.text = text
		return piece, c.nothingLeft(text)
	case c.ended:
		return chunk{}, fault.Newf(fault.Invalid, "the JSON ends before its last bracket, on line %d: it is cut off; nothing was kept, send all of it", c.line+bytes.Count(text[cut:], newline))
	case len(text)-cut > MaxLine:
		return chunk{}, Refuse([]fault.Field{{Name: EntryName(d.entries+1, ""), Line: c.line, Message: tooLong}})
	}
	c.rest = append(c.rest, text[cut:]...)
	d.scanned = len(text) - cut
	return piece, nil
}

// nothingLeft is io.EOF when there is no text.
func (c *chunker) nothingLeft(text []byte) error {
	if len(bytes.TrimSpace(text)) == 0 {
		return io.EOF
	}
	return nil
}

// endsRow reports whether a row ends at a byte: with it in a sequence, before it
// elsewhere.
func (d *document) endsRow(c byte) bool {
	wasString := d.inString
	structure := d.step(c)
	switch {
	case d.depth < 0:
		d.closed = true
		return false
	case d.form == JSONSequence:
		return structure && !wasString && d.depth == 0 && (c == '}' || c == ']')
	}
	return !structure && d.depth == 0 && c == ','
}

// finishDocument reads what stands behind the rows.
func (c *chunker) finishDocument() error {
	d := c.document
	room := make([]byte, 0, 4096)
	for {
		if d.tail = bytes.TrimSpace(d.tail); len(d.tail) > MaxLine {
			return fault.New(fault.Invalid, "there is a long text behind the rows of the JSON: write them alone")
		}
		if c.ended {
			break
		}
		text, err := c.more(room[:0])
		if err != nil {
			return err
		}
		d.tail = append(d.tail, text...)
	}
	around := append(append(append([]byte{}, d.head...), d.closer), d.tail...)
	if len(d.head) == 0 {
		around = append(append([]byte{d.opener()}, d.closer), d.tail...)
	}
	if !json.Valid(around) {
		return fault.Newf(fault.Invalid, "what stands around the rows is no JSON, or there is text after it (%q): write one array, one map, or one object on each line", Short(d.tail))
	}
	return nil
}

func (d *document) opener() byte {
	if d.closer == ']' {
		return '['
	}
	return '{'
}
