package table

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
	"golang.org/x/text/transform"

	"banyan/platform/decompress"
	"banyan/platform/fault"
)

// headSize is how much of a text is looked at to know its encoding and line
// ends, in bytes.
const headSize = 64 << 10

// text is a table's text as UTF-8 with LF at the ends of its lines, whatever it
// came in (a CR before an LF may be left).
type text struct {
	io.Reader
	close    func()
	encoding string // as people call it
	lineEnds string
	head     []byte // its beginning, maybe with other line ends
}

// openText decompresses and decodes. Fails as decompress.Open does, and with
// fault.Unsupported on what is known not to be text.
func openText(ctx context.Context, in io.Reader, limits decompress.Limits) (*text, error) {
	plain, err := decompress.Open(ctx, in, limits)
	if err != nil {
		return nil, fmt.Errorf("read the list: %w", err)
	}
	t := &text{Reader: plain, close: plain.Close, encoding: "UTF-8", lineEnds: "LF"}
	head := t.peek()
	if kind := binaryKind(head); kind != "" {
		t.close()
		return nil, notAList(kind)
	}
	t.decode(head)
	return t, nil
}

// peek returns the beginning of the text, which stays to be read. An error of
// the reader below comes again when it is read.
func (t *text) peek() []byte {
	head := make([]byte, headSize)
	n, err := io.ReadFull(t.Reader, head)
	head = head[:n]
	rest := t.Reader
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF) && !isFault(err):
		rest = failing{io.EOF}
	case err != nil:
		rest = failing{err}
	}
	t.Reader = io.MultiReader(bytes.NewReader(head), rest)
	return head
}

// isFault reports whether an error has a code: io.ReadFull's own have none.
func isFault(err error) bool {
	var f *fault.Fault
	return errors.As(err, &f)
}

// failing is the end of a text.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// decode drops the byte order mark and makes UTF-8 of UTF-16, and LF of CR.
func (t *text) decode(head []byte) {
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe\x00\x00")):
		t.as("UTF-32LE", utf32.UTF32(utf32.LittleEndian, utf32.UseBOM).NewDecoder())
	case bytes.HasPrefix(head, []byte("\x00\x00\xfe\xff")):
		t.as("UTF-32BE", utf32.UTF32(utf32.BigEndian, utf32.UseBOM).NewDecoder())
	case bytes.HasPrefix(head, []byte("\xff\xfe")), looksUTF16(head, 1):
		t.as("UTF-16LE", unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder())
	case bytes.HasPrefix(head, []byte("\xfe\xff")), looksUTF16(head, 0):
		t.as("UTF-16BE", unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewDecoder())
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		_, _ = io.CopyN(io.Discard, t.Reader, 3) // they are in memory: head begins with them
		head = head[3:]
	}
	if t.encoding != "UTF-8" {
		head = t.peek()
	}
	t.head = head
	if i := bytes.IndexByte(head, '\n'); i > 0 && head[i-1] == '\r' {
		t.lineEnds = "CRLF"
	}
	if loneCR(head) {
		t.lineEnds = "CR"
		t.Reader = transform.NewReader(t.Reader, lineFeeds{})
	}
}

func (t *text) as(encoding string, decoder transform.Transformer) {
	t.encoding = encoding
	t.Reader = transform.NewReader(t.Reader, decoder)
}

// looksUTF16 reports whether text without a mark is ASCII in UTF-16: every
// other byte is zero, from zero on, and none of the others is.
func looksUTF16(head []byte, zero int) bool {
	head = head[:min(len(head), 64)&^1]
	for i, c := range head {
		if (c == 0) != (i%2 == zero) {
			return false
		}
	}
	return len(head) >= 4
}

// loneCR reports whether there is a CR that no LF follows; the last byte does
// not count, for what follows it is not known.
func loneCR(text []byte) bool {
	for {
		i := bytes.IndexByte(text, '\r')
		if i < 0 || i == len(text)-1 {
			return false
		}
		if text[i+1] != '\n' {
			return true
		}
		text = text[i+2:]
	}
}

// lineFeeds makes LF of CR and of CRLF.
type lineFeeds struct{ transform.NopResetter }

// Transform implements transform.Transformer.
func (lineFeeds) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	for nSrc < len(src) {
		if nDst == len(dst) {
			return nDst, nSrc, transform.ErrShortDst
		}
		c := src[nSrc]
		if c == '\r' {
			if nSrc+1 == len(src) && !atEOF {
				return nDst, nSrc, transform.ErrShortSrc
			}
			if nSrc+1 < len(src) && src[nSrc+1] == '\n' {
				nSrc++
			}
			c = '\n'
		}
		dst[nDst] = c
		nDst++
		nSrc++
	}
	return nDst, nSrc, nil
}

// binaryKind names what a text that begins so is instead; "" if nothing is known.
func binaryKind(head []byte) string {
	for _, kind := range []struct{ begins, is string }{
		{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old spreadsheet (xls)"},
		{"%PDF-", "a PDF document"},
		{"SQLite format 3\x00", "a SQLite database"},
		{"PAR1", "a Parquet file"},
		{"BZh", "packed with bzip2"},
		{"\xfd7zXZ\x00", "packed with xz"},
		{"7z\xbc\xaf\x27\x1c", "a 7z archive"},
		{"Rar!\x1a\x07", "a rar archive"},
		{"\x89PNG\r\n", "a picture (png)"},
		{"\x1f\x8b", "packed twice with gzip"},
		{"(\xb5/\xfd", "packed twice with zstd"},
	} {
		if bytes.HasPrefix(head, []byte(kind.begins)) {
			return kind.is
		}
	}
	return ""
}

// languageKind names what a text with this line is instead of a table, where
// the line is neither a header nor a row: a title may begin with the same words.
func languageKind(line []byte) string {
	lower := bytes.ToLower(line[:min(len(line), 64)])
	for _, kind := range []struct{ begins, is string }{
		{"insert into ", "SQL statements"},
		{"create table ", "SQL statements"},
		{"copy ", "SQL statements"},
		{"-- ", "SQL statements"},
		{"module.exports", "JavaScript"},
		{"export ", "JavaScript"},
		{"const ", "JavaScript"},
		{"import ", "JavaScript"},
		{"| ", "a Markdown table"},
		{"-----begin ", "a key or certificate, which nobody should send"},
	} {
		if bytes.HasPrefix(lower, []byte(kind.begins)) {
			return kind.is
		}
	}
	return ""
}

// markupKind names what a text whose first line is this is instead of a table.
func markupKind(line []byte) string {
	lower := bytes.ToLower(line[:min(len(line), 64)])
	for _, kind := range []struct{ begins, is string }{{"<?xml", "XML"}, {"<svg", "a picture (svg)"}, {"{\\rtf", "a rich text document (RTF)"}} {
		if bytes.HasPrefix(lower, []byte(kind.begins)) {
			return kind.is
		}
	}
	if len(lower) > 1 && lower[0] == '<' && (lower[1] == '!' || lower[1] >= 'a' && lower[1] <= 'z') {
		return "HTML, a web page"
	}
	if line[0] != '{' && line[0] != '[' {
		return ""
	}
	if next := bytes.TrimLeft(line[1:], " \t"); len(next) == 0 || bytes.IndexByte([]byte(`"'{[]}`), next[0]) >= 0 {
		return "JSON"
	}
	return ""
}

// notAList is the fault for a text of another kind.
func notAList(kind string) error {
	return fault.Newf(fault.Unsupported, "this seems to be %s: send a table as text, with one row on each line (CSV UTF-8 in spreadsheets), plain or packed with gzip or zstd", kind)
}
