package export

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"hash"
	"io"

	"banyan/platform/fault"
)

// The seal is the end of the file: a frame that decompressors skip (RFC 8878,
// 3.1.2), with the SHA-256 of all bytes before it. So a byte that is changed where
// it changes no content is found, too.
const sealSize = 8 + sha256.Size

var sealBegin = []byte{0x50, 0x2a, 0x4d, 0x18, sha256.Size, 0, 0, 0}

// sealing writes to w and hashes what it writes.
type sealing struct {
	w   io.Writer
	sum hash.Hash
}

func (s *sealing) Write(p []byte) (int, error) {
	_, _ = s.sum.Write(p) // a hash never fails
	return s.w.Write(p)
}

func (s *sealing) close() error {
	_, err := s.w.Write(s.sum.Sum(bytes.Clone(sealBegin)))
	return err
}

// sealed reads what is before the seal, and fails at its end if that is not what
// was sealed.
type sealed struct {
	in   io.Reader
	sum  hash.Hash
	held []byte // what may be the seal
	err  error
}

func (s *sealed) Read(p []byte) (int, error) {
	for s.err == nil && len(s.held) <= sealSize {
		part := make([]byte, 64<<10)
		n, err := s.in.Read(part)
		s.held, s.err = append(s.held, part[:n]...), err
	}
	if n := len(s.held) - sealSize; n > 0 {
		n = copy(p, s.held[:n])
		_, _ = s.sum.Write(p[:n])
		s.held = s.held[n:]
		return n, nil
	}
	if errors.Is(s.err, io.EOF) && !bytes.Equal(s.held, s.sum.Sum(bytes.Clone(sealBegin))) {
		return 0, fault.New(fault.Invalid, "the export is not as it was made, a byte of it was changed or its end is missing: download it again")
	}
	return 0, s.err
}
