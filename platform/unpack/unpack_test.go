package unpack_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"

	"banyan/platform/fault"
	"banyan/platform/unpack"
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

func read(from io.Reader) (string, error) {
	text, err := unpack.Open(from)
	if err != nil {
		return "", err
	}
	defer text.Close()
	all, err := io.ReadAll(text)
	return string(all), err
}

func TestPlainAndPackedGiveTheSameText(t *testing.T) {
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

func TestPackedTextMustArriveWhole(t *testing.T) {
	text := strings.Repeat("0x01,5\n0x02,7\n", 20)
	for kind, whole := range map[string][]byte{"gzip": gzipped(t, text), "zstd": zstandard(t, text)} {
		for cut := 4; cut < len(whole); cut++ {
			if _, err := read(bytes.NewReader(whole[:cut])); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), kind+" stream is cut off") || errors.Is(err, io.EOF) {
				t.Errorf("%s cut to %d bytes gave %v", kind, cut, err)
			}
		}
		spoilt := bytes.Clone(whole)
		spoilt[len(spoilt)-6] ^= 0x55
		if _, err := read(bytes.NewReader(spoilt)); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), kind+" stream is damaged") {
			t.Errorf("spoilt %s gave %v", kind, err)
		}
	}
}

// The second byte after the magic number is the window: 2^(10 + its upper five bits).
func TestAZstdWindowIsBounded(t *testing.T) {
	frame := "\x28\xb5\x2f\xfd\x00%\x09\x00\x00a"
	if got, err := read(strings.NewReader(strings.Replace(frame, "%", "\x88", 1))); err != nil || got != "a" {
		t.Errorf("a window of 128 MiB gave %q, %v", got, err)
	}
	if _, err := read(strings.NewReader(strings.Replace(frame, "%", "\x90", 1))); !fault.Is(err, fault.TooLarge) {
		t.Errorf("a window of 256 MiB gave %v", err)
	}
}

func TestAZipArchiveIsRefused(t *testing.T) {
	if _, err := read(strings.NewReader("PK\x03\x04rest")); !fault.Is(err, fault.Unsupported) {
		t.Errorf("it gave %v", err)
	}
}

// A reader that fails has not sent damaged bytes.
func TestTheOriginsOwnErrorComesBack(t *testing.T) {
	disk, full := errors.New("disk on fire"), fault.New(fault.TooLarge, "the body is over the limit")
	text := strings.Repeat("0x01,5\n", 10)
	for kind, whole := range map[string][]byte{"plain": []byte(text), "gzip": gzipped(t, text), "zstd": zstandard(t, text)} {
		for _, sent := range []int{0, 2, 3, len(whole) - 1} {
			broken := func(err error) io.Reader {
				return io.MultiReader(bytes.NewReader(whole[:sent]), iotest.ErrReader(err))
			}
			if _, err := read(broken(disk)); !errors.Is(err, disk) || !fault.Is(err, fault.Internal) {
				t.Errorf("%s: a broken disk after %d bytes gave %v", kind, sent, err)
			}
			if _, err := read(broken(full)); !fault.Is(err, fault.TooLarge) {
				t.Errorf("%s: a limit after %d bytes gave %v", kind, sent, err)
			}
			if _, err := read(broken(io.ErrUnexpectedEOF)); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "announced length") {
				t.Errorf("%s: an upload cut after %d bytes gave %v", kind, sent, err)
			}
		}
	}
}
