// Package decompress reads text that people send plain or compressed with gzip
// or zstd, recognised by its first bytes and not by a name.
//
//	text, err := decompress.Open(ctx, body, decompress.Limits{Reserve: share.Take})
//	if err != nil {
//		return err
//	}
//	defer text.Close()
//
// A few bytes can decompress to gigabytes, and need as much memory before the
// first one is read. Limits bound both; memory is reserved before it is
// allocated.
package decompress

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"banyan/platform/fault"
)

// The memory of a decoder beside its window, in bytes: for zstd the current
// blocks and their tables, for gzip everything.
const (
	zstdOverhead = 1 << 20
	gzipMemory   = 128 << 10
)

// Text is the decompressed text. Reading fails with fault.Invalid when the
// input is truncated or damaged, with fault.TooLarge over a limit, with the
// context's error when it has ended, and with the origin's own error when the
// origin failed, so that a broken disk or a body over a limit is not taken for
// a damaged file.
type Text struct {
	ctx    context.Context
	limits Limits
	from   *origin
	kind   string // "" for plain
	plain  io.Reader
	read   int64 // bytes of text so far
	close  func()
}

// Open recognises the compression from the first bytes of from. Close the Text;
// that does not close from. It fails as reading does, as limits.Reserve does,
// and with fault.Unsupported on a zip archive.
func Open(ctx context.Context, from io.Reader, limits Limits) (*Text, error) {
	t := &Text{ctx: ctx, limits: limits.filled(), from: &origin{Reader: from}, close: func() {}}
	compressed := bufio.NewReaderSize(t.from, 64<<10)
	first, err := compressed.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, t.explain(err)
	}
	switch {
	case bytes.HasPrefix(first, []byte{0x1f, 0x8b}):
		t.kind = "gzip"
		if err := t.limits.Take(gzipMemory); err != nil {
			return nil, err
		}
		err = t.openGzip(compressed)
	case isZstd(first):
		t.kind = "zstd"
		if err := t.limits.Take(t.limits.Window + zstdOverhead); err != nil {
			return nil, err
		}
		err = t.openZstd(compressed)
	case bytes.HasPrefix(first, []byte("PK\x03\x04")):
		return nil, fault.New(fault.Unsupported, "this is a zip archive or a spreadsheet, which is not read here: send text, plain or compressed with gzip or zstd")
	default:
		t.plain, err = compressed, nil
	}
	if err != nil {
		return nil, t.explain(err)
	}
	return t, nil
}

// isZstd recognises a frame, and a skippable one, with which pzstd starts:
// https://www.rfc-editor.org/rfc/rfc8878#name-skippable-frames
func isZstd(first []byte) bool {
	return bytes.Equal(first, []byte{0x28, 0xb5, 0x2f, 0xfd}) ||
		len(first) == 4 && first[0]&0xf0 == 0x50 && bytes.Equal(first[1:], []byte{0x2a, 0x4d, 0x18})
}

func (t *Text) openGzip(compressed *bufio.Reader) error {
	plain, err := gzip.NewReader(compressed)
	t.plain = plain
	return err
}

func (t *Text) openZstd(compressed *bufio.Reader) error {
	// One block at a time: no goroutine of the decoder's reads the origin, and
	// one window is all that it allocates.
	plain, err := zstd.NewReader(compressed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(uint64(t.limits.Window)))
	if err != nil {
		return err
	}
	t.plain, t.close = plain, plain.Close
	return nil
}

// Read implements io.Reader.
func (t *Text) Read(p []byte) (int, error) {
	if err := t.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := t.plain.Read(p)
	t.read += int64(n)
	if over := t.overLimit(); over != nil {
		return 0, over
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = t.explain(err)
	}
	return n, err
}

// overLimit returns the fault of a text that is too long, nil otherwise.
func (t *Text) overLimit() error {
	if t.limits.Max > 0 && t.read > t.limits.Max {
		return fault.Newf(fault.TooLarge, "there are more than %d bytes of text: split the list, or raise the limit", t.limits.Max)
	}
	if most := t.limits.Proportion(t.from.sent); t.kind != "" && most >= 0 && t.read > most {
		return fault.Newf(fault.TooLarge,
			"the %s stream decompresses to more than %d times what was sent and to more than %s, the most that is decompressed here: send the text uncompressed, or in several parts",
			t.kind, t.limits.Ratio, mebibytes(t.limits.AtLeast))
	}
	return nil
}

// Close frees the decoder.
func (t *Text) Close() { t.close() }

// explain returns the fault that an error means for the sender.
func (t *Text) explain(err error) error {
	switch cause := t.from.err; {
	case errors.Is(cause, io.ErrUnexpectedEOF):
		return fault.Wrap(cause, fault.Invalid, "the text ends before its announced length: send it again")
	case cause != nil:
		return cause
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return fault.Wrap(io.ErrUnexpectedEOF, fault.Invalid, "the "+t.kind+" stream is truncated: compress it again, or send it again")
	case errors.Is(err, zstd.ErrWindowSizeExceeded) || errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return fault.Wrap(err, fault.TooLarge, "the zstd stream needs a window of more than "+mebibytes(t.limits.Window)+
			", the largest that is accepted here: compress it again without --long and --ultra")
	}
	return fault.Wrap(err, fault.Invalid, "the "+t.kind+" stream is damaged: compress it again")
}

// origin is the input. It records the error that ended it, if any.
type origin struct {
	io.Reader
	sent int64 // bytes so far
	err  error
}

func (o *origin) Read(p []byte) (int, error) {
	n, err := o.Reader.Read(p)
	o.sent += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		o.err = err
	}
	return n, err
}
