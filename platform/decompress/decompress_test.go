package decompress_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"

	"banyan/platform/decompress"
	"banyan/platform/fault"
)

func gzipped(t *testing.T, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := io.WriteString(w, text)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zstandard(t *testing.T, text string) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll([]byte(text), nil)
}

func read(from io.Reader) (string, error) { return readWith(decompress.Files(), from) }

func readWith(limits decompress.Limits, from io.Reader) (string, error) {
	text, err := decompress.Open(context.Background(), from, limits)
	if err != nil {
		return "", err
	}
	defer text.Close()
	all, err := io.ReadAll(text)
	return string(all), err
}

func TestPlainAndCompressedReadTheSameText(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "two bytes": "ab", "a line": "0x01,5\n", "much": strings.Repeat("0x01,5\n", 100_000),
	} {
		for kind, sent := range map[string][]byte{
			"plain": []byte(text), "gzip": gzipped(t, text), "zstd": zstandard(t, text),
			"two gzip members": append(gzipped(t, text[:len(text)/2]), gzipped(t, text[len(text)/2:])...),
			"zstd of pzstd":    append([]byte("\x50\x2a\x4d\x18\x04\x00\x00\x00size"), zstandard(t, text)...),
			"two zstd frames":  append(zstandard(t, text[:len(text)/2]), zstandard(t, text[len(text)/2:])...),
		} {
			if got, err := read(iotest.HalfReader(bytes.NewReader(sent))); err != nil || got != text {
				t.Errorf("%s as %s: %d bytes (%v), want %d", name, kind, len(got), err, len(text))
			}
		}
	}
}

func TestCompressedTextMustArriveWhole(t *testing.T) {
	text := strings.Repeat("0x01,5\n0x02,7\n", 20)
	for kind, whole := range map[string][]byte{"gzip": gzipped(t, text), "zstd": zstandard(t, text)} {
		for cut := 4; cut < len(whole); cut++ {
			if _, err := read(bytes.NewReader(whole[:cut])); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), kind+" stream is truncated") || errors.Is(err, io.EOF) {
				t.Errorf("%s cut to %d bytes returned %v", kind, cut, err)
			}
		}
		spoilt := bytes.Clone(whole)
		spoilt[len(spoilt)-6] ^= 0x55
		if _, err := read(bytes.NewReader(spoilt)); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), kind+" stream is damaged") {
			t.Errorf("damaged %s returned %v", kind, err)
		}
	}
}

// The second byte after the magic number is the window: 2^(10 + its upper five bits).
func TestAZstdWindowIsBounded(t *testing.T) {
	frame := "\x28\xb5\x2f\xfd\x00%\x09\x00\x00a"
	if got, err := read(strings.NewReader(strings.Replace(frame, "%", "\x88", 1))); err != nil || got != "a" {
		t.Errorf("a window of 128 MiB returned %q, %v", got, err)
	}
	if _, err := read(strings.NewReader(strings.Replace(frame, "%", "\x90", 1))); !fault.Is(err, fault.TooLarge) {
		t.Errorf("a window of 256 MiB returned %v", err)
	}
}

func TestAZipArchiveIsRefused(t *testing.T) {
	if _, err := read(strings.NewReader("PK\x03\x04rest")); !fault.Is(err, fault.Unsupported) {
		t.Errorf("it returned %v", err)
	}
}

// A reader that fails has not sent damaged bytes.
func TestTheOriginsOwnErrorComesBack(t *testing.T) {
	disk, full := errors.New("disk failure"), fault.New(fault.TooLarge, "the body is over the limit")
	text := strings.Repeat("0x01,5\n", 10)
	for kind, whole := range map[string][]byte{"plain": []byte(text), "gzip": gzipped(t, text), "zstd": zstandard(t, text)} {
		for _, sent := range []int{0, 2, 3, len(whole) - 1} {
			broken := func(err error) io.Reader {
				return io.MultiReader(bytes.NewReader(whole[:sent]), iotest.ErrReader(err))
			}
			if _, err := read(broken(disk)); !errors.Is(err, disk) || !fault.Is(err, fault.Internal) {
				t.Errorf("%s: a broken disk after %d bytes returned %v", kind, sent, err)
			}
			if _, err := read(broken(full)); !fault.Is(err, fault.TooLarge) {
				t.Errorf("%s: a limit after %d bytes returned %v", kind, sent, err)
			}
			if _, err := read(broken(io.ErrUnexpectedEOF)); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "announced length") {
				t.Errorf("%s: an upload cut after %d bytes returned %v", kind, sent, err)
			}
		}
	}
}

// Each block has 128 KiB of line ends in 4 bytes.
func bomb(blocks int) []byte {
	frame := []byte("\x28\xb5\x2f\xfd\x00\x68") // a window of 8 MiB
	for range blocks {
		frame = append(frame, 0x02, 0x00, 0x10, '\n')
	}
	return append(frame, 0x01, 0x00, 0x00)
}

func TestTheDecompressionRatioIsBounded(t *testing.T) {
	limits := decompress.Limits{Ratio: 10, AtLeast: 1 << 20}
	if got, err := readWith(limits, bytes.NewReader(bomb(8))); err != nil || len(got) != 1<<20 {
		t.Errorf("at the limit there are %d bytes, %v", len(got), err)
	}
	if _, err := readWith(limits, bytes.NewReader(bomb(9))); !fault.Is(err, fault.TooLarge) || !strings.Contains(err.Error(), "10 times") {
		t.Errorf("over the limit: %v", err)
	}
	if _, err := readWith(decompress.Limits{}, bytes.NewReader(bomb(129))); !fault.Is(err, fault.TooLarge) || !strings.Contains(err.Error(), "64 times") {
		t.Errorf("without limits those of an upload must apply, but it ended with %v", err)
	}
	if got, err := readWith(decompress.Files(), bytes.NewReader(bomb(129))); err != nil || len(got) != 129<<17 {
		t.Errorf("a file of one's own: %d bytes, %v", len(got), err)
	}
	packed := gzipped(t, strings.Repeat("\n", 2<<20))
	if _, err := readWith(limits, bytes.NewReader(packed)); !fault.Is(err, fault.TooLarge) {
		t.Errorf("a gzip over the limit: %v", err)
	}
	if _, err := readWith(limits, strings.NewReader(strings.Repeat("\n", 2<<20))); err != nil {
		t.Errorf("plain text is what was sent: %v", err)
	}
}

func TestATextHasAGreatestLength(t *testing.T) {
	text := strings.Repeat("0x01,5\n", 1000)
	for kind, sent := range map[string][]byte{"plain": []byte(text), "gzip": gzipped(t, text), "zstd": zstandard(t, text)} {
		if got, err := readWith(decompress.Limits{Max: 7000}, bytes.NewReader(sent)); err != nil || got != text {
			t.Errorf("%s at the limit: %d bytes, %v", kind, len(got), err)
		}
		if _, err := readWith(decompress.Limits{Max: 6999}, bytes.NewReader(sent)); !fault.Is(err, fault.TooLarge) {
			t.Errorf("%s over the limit: %v", kind, err)
		}
	}
}

func TestMemoryIsReservedBeforeItIsTaken(t *testing.T) {
	busy := fault.New(fault.Unavailable, "busy")
	text := strings.Repeat("0x01,5\n", 1000)
	for kind, c := range map[string]struct {
		sent []byte
		want int64 // at least
	}{"plain": {[]byte(text), 0}, "gzip": {gzipped(t, text), 64 << 10}, "zstd": {zstandard(t, text), 8 << 20}} {
		taken := int64(0)
		if _, err := readWith(decompress.Limits{Reserve: func(n int64) error { taken += n; return nil }}, bytes.NewReader(c.sent)); err != nil || taken < c.want {
			t.Errorf("%s reserved %d bytes (%v), want %d", kind, taken, err, c.want)
		}
		_, err := readWith(decompress.Limits{Reserve: func(int64) error { return busy }}, bytes.NewReader(c.sent))
		if refused := errors.Is(err, busy); refused != (kind != "plain") {
			t.Errorf("%s without memory: %v", kind, err)
		}
	}
}

func TestReadingEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	text, err := decompress.Open(ctx, bytes.NewReader(bomb(100)), decompress.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	room := make([]byte, 1000)
	if _, err := text.Read(room); err != nil {
		t.Fatal(err)
	}
	cancel()
	if n, err := text.Read(room); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("after that %d bytes were read, %v", n, err)
	}
}

func TestAnUploadsWindowIsSmall(t *testing.T) {
	frame := "\x28\xb5\x2f\xfd\x00%\x09\x00\x00a"
	if got, err := readWith(decompress.Limits{}, strings.NewReader(strings.Replace(frame, "%", "\x68", 1))); err != nil || got != "a" {
		t.Errorf("a window of 8 MiB: %q, %v", got, err)
	}
	for _, window := range []string{"\x69", "\x88"} {
		_, err := readWith(decompress.Limits{}, strings.NewReader(strings.Replace(frame, "%", window, 1)))
		if !fault.Is(err, fault.TooLarge) || !strings.Contains(err.Error(), "8 MiB") {
			t.Errorf("a larger window: %v", err)
		}
	}
}
