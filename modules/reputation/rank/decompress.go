package rank

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"banyan/platform/fault"
)

// maxWindow bounds what a zstd frame may ask for: what `zstd --long` makes.
const maxWindow = 128 << 20

// origin is where the bytes come from. It remembers why they stopped, so that
// a broken disk or a body over the limit is not taken for a damaged file.
type origin struct {
	r   io.Reader
	err error
}

func (o *origin) Read(p []byte) (int, error) {
	n, err := o.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		o.err = err
	}
	return n, err
}

// why gives what an error in the text after a line means: the origin's own
// fault or error, or else bytes that the sender can mend.
func (o *origin) why(err error, line int) error {
	var known *fault.Fault
	switch {
	case errors.As(o.err, &known):
		return o.err
	case o.err == nil || errors.Is(o.err, io.ErrUnexpectedEOF):
		return fault.Wrap(err, fault.Invalid, fmt.Sprintf("the list is cut off or damaged after line %d: pack it or send it again", line))
	}
	return fmt.Errorf("read the list after line %d: %w", line, o.err)
}

// decompress looks at the first bytes, not at a name, for gzip or zstd. The
// buffer is MaxLine long: a line that does not fit is too long. closing must
// be called; it does not close the origin.
func decompress(from *origin) (text *bufio.Reader, closing func(), err error) {
	text = bufio.NewReaderSize(from, MaxLine)
	first, err := text.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, from.why(err, 0)
	}
	closing = func() {}
	switch {
	case bytes.HasPrefix(first, []byte{0x1f, 0x8b}):
		plain, err := gzip.NewReader(text)
		if err != nil {
			return nil, nil, from.why(err, 0)
		}
		return bufio.NewReaderSize(plain, MaxLine), closing, nil
	case bytes.Equal(first, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		// One at a time: no goroutine of the decoder's reads the origin.
		plain, err := zstd.NewReader(text, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, nil, from.why(err, 0)
		}
		return bufio.NewReaderSize(plain, MaxLine), plain.Close, nil
	case bytes.HasPrefix(first, []byte("PK\x03\x04")):
		return nil, nil, fault.New(fault.Unsupported, "this is a zip archive or a spreadsheet: send CSV, plain or packed with gzip or zstd")
	case bytes.HasPrefix(first, []byte{0xff, 0xfe}), bytes.HasPrefix(first, []byte{0xfe, 0xff}):
		return nil, nil, fault.New(fault.Unsupported, "the text is UTF-16: save the file as UTF-8")
	}
	return text, closing, nil
}
