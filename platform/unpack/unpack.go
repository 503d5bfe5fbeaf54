// Package unpack gives the plain text of what people send: plain, gzip or zstd,
// told apart by the first bytes and not by a name.
//
//	text, err := unpack.Open(body)
//	if err != nil {
//		return err
//	}
//	defer text.Close()
//
// What unpacks to more than its reader wants to hold is the reader's to stop.
package unpack

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"banyan/platform/fault"
)

// maxWindow is what a zstd stream may make its reader hold, in bytes: the
// largest window that `zstd --long` makes unless told otherwise.
const maxWindow = 128 << 20

// Text is the plain text. Reading fails with fault.Invalid when what was sent is
// cut off or damaged, with fault.TooLarge when unpacking it takes too much
// memory, and with the origin's own error when the origin failed, so that a
// broken disk or a body over a limit is not taken for a damaged file.
type Text struct {
	from  *origin
	kind  string // "" for plain
	plain io.Reader
	close func()
}

// Open looks at the first bytes. Close the text; that does not close from. Fails
// as reading does, and with fault.Unsupported on a zip archive.
func Open(from io.Reader) (*Text, error) {
	t := &Text{from: &origin{Reader: from}, close: func() {}}
	packed := bufio.NewReaderSize(t.from, 64<<10)
	first, err := packed.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, t.why(err)
	}
	switch {
	case bytes.HasPrefix(first, []byte{0x1f, 0x8b}):
		t.kind = "gzip"
		err = t.unpackGzip(packed)
	case beginsZstd(first):
		t.kind = "zstd"
		err = t.unpackZstd(packed)
	case bytes.HasPrefix(first, []byte("PK\x03\x04")):
		return nil, fault.New(fault.Unsupported, "this is a zip archive or a spreadsheet: send text, plain or packed with gzip or zstd")
	default:
		t.plain, err = packed, nil
	}
	if err != nil {
		return nil, t.why(err)
	}
	return t, nil
}

// beginsZstd knows a frame, and one to be skipped, which pzstd begins with:
// https://www.rfc-editor.org/rfc/rfc8878#name-skippable-frames
func beginsZstd(first []byte) bool {
	return bytes.Equal(first, []byte{0x28, 0xb5, 0x2f, 0xfd}) ||
		len(first) == 4 && first[0]&0xf0 == 0x50 && bytes.Equal(first[1:], []byte{0x2a, 0x4d, 0x18})
}

func (t *Text) unpackGzip(packed *bufio.Reader) error {
	plain, err := gzip.NewReader(packed)
	t.plain = plain
	return err
}

func (t *Text) unpackZstd(packed *bufio.Reader) error {
	// One at a time: no goroutine of the decoder's reads the origin.
	plain, err := zstd.NewReader(packed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return err
	}
	t.plain, t.close = plain, plain.Close
	return nil
}

// Read implements io.Reader.
func (t *Text) Read(p []byte) (int, error) {
	n, err := t.plain.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = t.why(err)
	}
	return n, err
}

// Close frees what unpacks.
func (t *Text) Close() { t.close() }

// why gives what an error means to the sender.
func (t *Text) why(err error) error {
	switch cause := t.from.err; {
	case errors.Is(cause, io.ErrUnexpectedEOF):
		return fault.Wrap(cause, fault.Invalid, "the text is cut off before its announced length: send it again")
	case cause != nil:
		return cause
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return fault.Wrap(io.ErrUnexpectedEOF, fault.Invalid, "the "+t.kind+" stream is cut off: pack it or send it again")
	case errors.Is(err, zstd.ErrWindowSizeExceeded) || errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return fault.Wrap(err, fault.TooLarge, "the zstd stream needs more than 128 MiB of memory to unpack: pack it without --long")
	}
	return fault.Wrap(err, fault.Invalid, "the "+t.kind+" stream is damaged: pack it again")
}

// origin is where the bytes come from. It remembers why they stopped, apart
// from their end.
type origin struct {
	io.Reader
	err error
}

func (o *origin) Read(p []byte) (int, error) {
	n, err := o.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		o.err = err
	}
	return n, err
}
