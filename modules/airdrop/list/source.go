package list

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

// maxWindow bounds what a zstd stream may make its reader hold: the largest
// window of the command-line tool without --long.
const maxWindow = 128 << 20

var (
	gzipMagic  = []byte{0x1f, 0x8b}
	zstdMagic  = []byte{0x28, 0xb5, 0x2f, 0xfd}
	utf8Mark   = []byte{0xef, 0xbb, 0xbf}
	utf16Marks = [][]byte{{0xfe, 0xff}, {0xff, 0xfe}}
)

// counter reports how much was taken from the reader below it.
type counter struct {
	in   io.Reader
	read int64
	tell func(int64)
	err  error // why it could not be read, apart from its end
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.read += int64(n)
	if c.tell != nil && n > 0 {
		c.tell(c.read)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		c.err = err
	}
	return n, err
}

// source is the plain text of a list.
type source struct {
	text  io.Reader
	raw   *counter
	kind  Encoding
	close func()
}

// openSource undoes the compression. Fails with fault.Unsupported on an
// encoding it does not know.
func openSource(in io.Reader, options Options) (*source, error) {
	count := &counter{in: in, tell: options.Progress}
	raw := bufio.NewReaderSize(count, 64<<10)
	kind := options.Encoding
	if kind == Detect {
		kind = detect(raw)
	}
	switch kind {
	case Identity:
		return &source{text: raw, raw: count, kind: kind, close: func() {}}, nil
	case Gzip:
		text, err := gzip.NewReader(raw)
		if err != nil {
			return nil, brokenStream(kind, err)
		}
		return &source{text: text, raw: count, kind: kind, close: func() { _ = text.Close() }}, nil
	case Zstd:
		text, err := zstd.NewReader(raw, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, brokenStream(kind, err)
		}
		return &source{text: text, raw: count, kind: kind, close: text.Close}, nil
	}
	return nil, fault.Newf(fault.Unsupported, "lists come plain or as gzip or zstd, not %q", string(kind))
}

// detect goes by the first bytes; a short text is plain.
func detect(raw *bufio.Reader) Encoding {
	start, _ := raw.Peek(len(zstdMagic)) // what cannot be peeked is met again when reading
	switch {
	case bytes.HasPrefix(start, zstdMagic):
		return Zstd
	case bytes.HasPrefix(start, gzipMagic):
		return Gzip
	}
	return Identity
}

// failed describes an error of reading the text: a damaged compressed stream
// is the list's fault, anything else is the connection's or the disk's.
func (s *source) failed(err error) error {
	switch cause := s.raw.err; {
	case errors.Is(cause, io.ErrUnexpectedEOF):
		return fault.Wrap(cause, fault.Invalid, "the list ended before its announced length: send it again")
	case cause != nil:
		return fmt.Errorf("read the list: %w", cause)
	case s.kind == Identity:
		return fmt.Errorf("read the list: %w", err)
	}
	return brokenStream(s.kind, err)
}

func brokenStream(kind Encoding, err error) error {
	var f *fault.Fault
	switch {
	case errors.As(err, &f):
		return err
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return fault.Wrap(err, fault.Invalid, "the "+string(kind)+" stream ends too early: the file was cut; send it again")
	case errors.Is(err, zstd.ErrWindowSizeExceeded) || errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return fault.Wrap(err, fault.TooLarge, "the zstd stream needs more than 128 MiB of memory to unpack: compress it without --long")
	}
	return fault.Wrap(err, fault.Invalid, "the "+string(kind)+" stream is damaged: compress the list again")
}

// Open gives the plain text of a stream, whatever its compression; limit
// bounds it in bytes (0: no limit, over it reading fails with fault.TooLarge).
// Close does not close in.
func Open(in io.Reader, limit int64) (io.ReadCloser, error) {
	s, err := openSource(in, Options{})
	if err != nil {
		return nil, err
	}
	return &plain{source: s, left: limit, limit: limit}, nil
}

// plain is a source with a limit.
type plain struct {
	source      *source
	left, limit int64
}

func (p *plain) Read(to []byte) (int, error) {
	n, err := p.source.text.Read(to)
	if p.left -= int64(n); p.limit > 0 && p.left < 0 {
		return 0, tooMuchText(p.limit)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = p.source.failed(err)
	}
	return n, err
}

// Close frees the decompressor.
func (p *plain) Close() error {
	p.source.close()
	return nil
}

func tooMuchText(limit int64) error {
	return fault.Newf(fault.TooLarge, "there are more than %d bytes of text: split the list, or raise the limit", limit)
}
