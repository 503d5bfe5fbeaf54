package directory

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"banyan/platform/fault"
)

// maxProblems is the most wrong fields that one fault names.
const maxProblems = 100

// Read reads a list. All wrong fields, up to 100, are one fault.Invalid that
// names the line where each entry begins; then no entry is returned. Errors of
// r are returned unchanged; a list over MaxBytes or MaxEntries is
// fault.TooLarge.
func Read(r io.Reader) ([]Entry, error) {
	lines := &lineCounter{source: &limited{source: r, left: MaxBytes}}
	in := bufio.NewReader(lines)
	if err := checkStart(in); err != nil {
		return nil, err
	}
	l := list{lines: lines, decoder: json.NewDecoder(in), bySlug: map[string]int{}}
	if token, err := l.decoder.Token(); err != nil {
		return nil, l.broken(err)
	} else if token != json.Delim('[') {
		return nil, fault.New(fault.Invalid, "the list is not a JSON array of exchanges: start it with [")
	}
	for l.decoder.More() {
		if len(l.entries) == MaxEntries {
			return nil, fault.Newf(fault.TooLarge, "the list has more than %d exchanges: send it in parts", MaxEntries)
		}
		if err := l.next(); err != nil {
			return nil, err
		}
		if len(l.wrong) >= maxProblems {
			return nil, l.invalid()
		}
	}
	if _, err := l.decoder.Token(); err != nil { // the ]
		return nil, l.broken(err)
	}
	if _, err := l.decoder.Token(); !errors.Is(err, io.EOF) {
		if fault.Is(err, fault.TooLarge) {
			return nil, err
		}
		return nil, fault.New(fault.Invalid, "the list has more text after its closing ]: send one array")
	}
	if len(l.wrong) > 0 {
		return nil, l.invalid()
	}
	return l.entries, nil
}

// checkStart skips a byte order mark and reports what is often sent instead of
// JSON in UTF-8.
func checkStart(in *bufio.Reader) error {
	start, err := in.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	begins := func(bytes string) bool { return len(start) >= len(bytes) && string(start[:len(bytes)]) == bytes }
	switch {
	case begins("\xef\xbb\xbf"):
		_, err = in.Discard(3)
		return err
	case begins("\xff\xfe"), begins("\xfe\xff"):
		return fault.New(fault.Invalid, "the list is encoded in UTF-16: save it as UTF-8")
	case begins("\x1f\x8b"), begins("\x28\xb5\x2f"):
		return fault.New(fault.Invalid, "the list is compressed: send the JSON uncompressed")
	}
	return nil
}

// list is the state of one Read.
type list struct {
	lines   *lineCounter
	decoder *json.Decoder
	entries []Entry
	bySlug  map[string]int // line of the entry
	wrong   []fault.Field
}

// next reads one entry.
func (l *list) next() error {
	var raw json.RawMessage
	if err := l.decoder.Decode(&raw); err != nil {
		return l.broken(err)
	}
	line := l.lines.at(l.decoder.InputOffset() - int64(len(raw)))
	e, wrong := parse(raw)
	if before, twice := l.bySlug[e.Slug]; twice && e.Slug != "" {
		wrong = append(wrong, fault.Field{
			Name: "id", Message: fmt.Sprintf("has the same slug %q as the entry on line %d: leave one out", e.Slug, before),
		})
	} else {
		l.bySlug[e.Slug] = line
	}
	l.entries = append(l.entries, e)
	for _, f := range wrong {
		where := fmt.Sprintf("entry %d", len(l.entries))
		if e.Slug != "" {
			where += " (" + e.Slug + ")"
		}
		l.wrong = append(l.wrong, fault.Field{Name: f.Name, Line: line, Message: where + ": " + f.Message})
	}
	return nil
}

func (l *list) invalid() error {
	if len(l.wrong) > maxProblems {
		l.wrong = l.wrong[:maxProblems]
	}
	message := "the list has wrong entries, and nothing of it was kept: correct them and send it again"
	if len(l.wrong) == maxProblems {
		message = "the list has at least 100 wrong fields, and nothing of it was kept: correct them and send it again"
	}
	return fault.New(fault.Invalid, message).With(l.wrong...)
}

// broken returns the fault of malformed JSON, with its place.
func (l *list) broken(err error) error {
	var known *fault.Fault
	if errors.As(err, &known) {
		return err
	}
	line, entry := l.lines.at(l.decoder.InputOffset()), len(l.entries)+1
	var syntax *json.SyntaxError
	message := fmt.Sprintf("entry %d: cannot be read", entry)
	switch {
	case errors.As(err, &syntax):
		line = l.lines.at(syntax.Offset - 1)
		message = fmt.Sprintf("entry %d: %v", entry, syntax)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		message = fmt.Sprintf("the list ends in entry %d, before its closing ]", entry)
	}
	return fault.Wrap(err, fault.Invalid, "the list is not whole, correct JSON, and nothing of it was kept").
		With(fault.Field{Line: line, Message: message})
}

// lineCounter records where lines begin, because the decoder reads ahead of the
// entry it returns.
type lineCounter struct {
	source io.Reader
	read   int64
	breaks []uint32 // offsets of line breaks; MaxBytes fits
}

// Read reads the source.
func (c *lineCounter) Read(p []byte) (int, error) {
	n, err := c.source.Read(p)
	for i, b := range p[:n] {
		if b == '\n' {
			c.breaks = append(c.breaks, uint32(c.read+int64(i)))
		}
	}
	c.read += int64(n)
	return n, err
}

// at returns the 1-based line of an offset.
func (c *lineCounter) at(offset int64) int {
	low, high := 0, len(c.breaks)
	for low < high {
		if mid := (low + high) / 2; int64(c.breaks[mid]) < offset {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low + 1
}

// limited fails with fault.TooLarge after its limit of bytes.
type limited struct {
	source io.Reader
	left   int64
}

// Read reads the source.
func (l *limited) Read(p []byte) (int, error) {
	n, err := l.source.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, fault.Newf(fault.TooLarge, "the list is over %d MiB: send it in parts", MaxBytes>>20)
	}
	return n, err
}
