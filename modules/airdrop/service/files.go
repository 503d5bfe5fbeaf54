package service

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"

	"banyan/modules/airdrop"
	"banyan/platform/fault"
)

// files keeps the files of sources in the database, so that they move with it.
type files struct {
	store store
	ids   ids
}

// fileChunkBytes keeps a write short, so that other writers run in between.
const fileChunkBytes = 1 << 20

// keptFile is a file whose chunks are all stored.
type keptFile struct {
	id     string
	sha256 string
	bytes  int64
}

// keep stores a file. It fails with fault.TooLarge; what was stored is then swept.
func (f files) keep(ctx context.Context, in io.Reader) (k keptFile, err error) {
	if k.id, err = f.ids.draw(listIDLength); err != nil {
		return k, err
	}
	if err := f.store.beginFile(ctx, k.id); err != nil {
		return k, err
	}
	hash, chunk := sha256.New(), make([]byte, fileChunkBytes)
	for number := 0; ; number++ {
		n, err := io.ReadFull(in, chunk)
		last := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !last {
			return k, incompleteUpload(ctx, err)
		}
		if k.bytes += int64(n); k.bytes > airdrop.MaxInput {
			return k, fault.Newf(fault.TooLarge, "a file has at most %d MiB: send it packed with zstd", airdrop.MaxInput>>20)
		}
		hash.Write(chunk[:n]) // a hash does not fail
		if n > 0 {
			if err := f.store.addFileChunk(ctx, k.id, number, chunk[:n]); err != nil {
				return k, err
			}
		}
		if last {
			k.sha256 = hex.EncodeToString(hash.Sum(nil))
			return k, nil
		}
	}
}

// open returns a stored file.
func (f files) open(ctx context.Context, id string) io.Reader {
	return &storedFile{ctx: ctx, store: f.store, id: id}
}

// storedFile reads a file chunk by chunk.
type storedFile struct {
	ctx   context.Context //nolint:containedctx // it is a reader, whose method has none
	store store
	id    string
	next  int
	rest  []byte
}

func (f *storedFile) Read(p []byte) (int, error) {
	if len(f.rest) == 0 {
		var err error
		if f.rest, err = f.store.fileChunk(f.ctx, f.id, f.next); err != nil {
			return 0, err
		}
		if len(f.rest) == 0 {
			return 0, io.EOF
		}
		f.next++
	}
	n := copy(p, f.rest)
	f.rest = f.rest[n:]
	return n, nil
}
