package export

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/klauspost/compress/zstd"

	"banyan/modules/exchangereview"
)

// partBytes is how long a file of lines becomes before the next one begins: a tar
// archive says the size of a file before its content.
const partBytes = 4 << 20

// Writer writes an export: Parameters, then exchanges, reviews and tombstones,
// then Close.
type Writer struct {
	seal   *sealing
	packed *zstd.Encoder
	files  *tar.Writer
	hash   *keccak
	leaves []exchangereview.Hash
	made   time.Time

	kind  string
	part  int
	lines []byte
	count map[string]int
}

// NewWriter returns a writer into w.
func NewWriter(w io.Writer, p Parameters) (*Writer, error) {
	seal := &sealing{w, sha256.New()}
	packed, err := zstd.NewWriter(seal, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithWindowSize(1<<20))
	if err != nil {
		return nil, err
	}
	out := &Writer{
		seal: seal, packed: packed, files: tar.NewWriter(packed), hash: newKeccak(), made: time.UnixMilli(p.TimeMS).UTC(), count: map[string]int{},
	}
	line, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	out.leaves = append(out.leaves, out.hash.leaf(KindParameters, line))
	return out, out.file("parameters.json", append(line, '\n'))
}

func (w *Writer) file(name string, content []byte) error {
	err := w.files.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content)), ModTime: w.made, Format: tar.FormatUSTAR})
	if err != nil {
		return err
	}
	_, err = w.files.Write(content)
	return err
}

// Exchange adds an exchange.
func (w *Writer) Exchange(e *Exchange) error { return w.line(KindExchange, e) }

// Review adds a review that counts or is held.
func (w *Writer) Review(r *Review) error { return w.line(KindReview, r) }

// Tombstone adds a review that was removed or withdrawn.
func (w *Writer) Tombstone(r *Review) error { return w.line(KindTombstone, r) }

func (w *Writer) line(kind string, value any) error {
	if kind != w.kind {
		if err := w.flush(); err != nil {
			return err
		}
		w.kind, w.part = kind, 0
	}
	line, err := json.Marshal(value)
	if err != nil {
		return err
	}
	w.leaves = append(w.leaves, w.hash.leaf(kind, line))
	w.count[kind]++
	w.lines = append(append(w.lines, line...), '\n')
	if len(w.lines) < partBytes {
		return nil
	}
	return w.flush()
}

func (w *Writer) flush() error {
	if len(w.lines) == 0 {
		return nil
	}
	err := w.file(fmt.Sprintf("%ss-%05d.ndjson", w.kind, w.part), w.lines)
	w.lines, w.part = w.lines[:0], w.part+1
	return err
}

// Close completes the file and returns its manifest.
func (w *Writer) Close() (Manifest, error) {
	if err := w.flush(); err != nil {
		return Manifest{}, err
	}
	m := Manifest{
		Root: newTree(w.leaves)[0], Exchanges: w.count[KindExchange], Reviews: w.count[KindReview], Tombstones: w.count[KindTombstone],
	}
	line, err := json.Marshal(m)
	if err != nil {
		return Manifest{}, err
	}
	if err := w.file("manifest.json", append(line, '\n')); err != nil {
		return Manifest{}, err
	}
	if err := w.files.Close(); err != nil {
		return Manifest{}, err
	}
	if err := w.packed.Close(); err != nil {
		return Manifest{}, err
	}
	return m, w.seal.close()
}
