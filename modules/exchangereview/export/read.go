package export

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"

	"banyan/modules/exchangereview"
	"banyan/platform/fault"
)

// The limits of what is read.
const (
	maxFile  = 16 << 20 // bytes of one file in the archive
	maxLines = 1<<31 - 1
)

// batch is the lines of one file.
type batch struct {
	kind    string // "" = the manifest
	content []byte
}

// kinds has the kind of a file's lines by how its name begins.
var kinds = map[string]string{
	"parameters.json": KindParameters, "exchanges-": KindExchange, "reviews-": KindReview, "tombstones-": KindTombstone, "manifest.json": "",
}

// eachFile calls each with the files of an export in their order.
func eachFile(ctx context.Context, in io.Reader, each func(batch) error) error {
	packed, err := zstd.NewReader(&sealed{in: in, sum: sha256.New()}, zstd.WithDecoderMaxWindow(8<<20), zstd.WithDecoderMaxMemory(64<<20))
	if err != nil {
		return err
	}
	defer packed.Close()
	files := tar.NewReader(packed)
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			_, err = io.Copy(io.Discard, packed) // to the seal
			return unreadable(err)
		}
		if err != nil {
			return unreadable(err)
		}
		kind, known := kindOf(header.Name)
		switch {
		case !known:
			return fault.Newf(fault.Invalid, "the export has a file %q, which no export has: download it again", header.Name)
		case header.Size > maxFile:
			return fault.Newf(fault.TooLarge, "the file %s of the export has %d bytes, more than %d", header.Name, header.Size, maxFile)
		}
		content, err := io.ReadAll(io.LimitReader(files, maxFile))
		if err != nil {
			return unreadable(err)
		}
		if err := each(batch{kind, content}); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

func kindOf(name string) (kind string, known bool) {
	for begin, kind := range kinds {
		if name == begin || strings.HasSuffix(begin, "-") && strings.HasPrefix(name, begin) && strings.HasSuffix(name, ".ndjson") {
			return kind, true
		}
	}
	return "", false
}

func unreadable(err error) error {
	if err == nil || fault.Is(err, fault.Invalid) {
		return err
	}
	return fault.Wrap(err, fault.Invalid, "the export cannot be read to its end, it is damaged or not an export: download it again")
}

// eachLine calls each with the lines of a file.
func (b batch) eachLine(each func(line []byte) error) error {
	for rest := b.content; len(rest) > 0; {
		line, after, ended := bytes.Cut(rest, []byte("\n"))
		if !ended {
			return fault.New(fault.Invalid, "a file of the export ends in the middle of a line: download it again")
		}
		if err := each(line); err != nil {
			return err
		}
		rest = after
	}
	return nil
}

// Proof is the proof of one line.
type Proof struct {
	Root  exchangereview.Hash
	Line  string
	Leaf  exchangereview.Hash
	Proof []exchangereview.Hash
}

// Prove finds the review of a wallet and returns the proof of its line. NotFound:
// the export does not have it.
func Prove(ctx context.Context, in io.Reader, is func(*Review) bool) (Proof, error) {
	var found Proof
	var leaves []exchangereview.Hash
	hash := newKeccak()
	err := eachFile(ctx, in, func(b batch) error {
		if b.kind == "" {
			return nil
		}
		return b.eachLine(func(line []byte) error {
			leaf := hash.leaf(b.kind, line)
			leaves = append(leaves, leaf)
			if b.kind != KindReview || found.Line != "" {
				return nil
			}
			var r Review
			if err := decode(line, &r); err != nil {
				return err
			}
			if is(&r) {
				found.Line, found.Leaf = string(line), leaf
			}
			return nil
		})
	})
	if err != nil {
		return Proof{}, fmt.Errorf("read the export: %w", err)
	}
	if found.Line == "" {
		return Proof{}, fault.New(fault.NotFound, "this wallet's review of this exchange is not in this epoch: it was written later, or taken out before")
	}
	t := newTree(leaves)
	found.Root, found.Proof = t[0], t.proof(found.Leaf)
	return found, nil
}
