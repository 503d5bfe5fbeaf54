package merkle

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// scratchFile is a temporary file for data that does not fit into memory. It
// has no name from the start where the system allows that, so that a killed
// process leaves nothing.
type scratchFile struct {
	*os.File
	named bool
}

func newScratchFile(folder string) (*scratchFile, error) {
	f, err := os.CreateTemp(folder, ".sorting.*.partial")
	if err != nil {
		return nil, fmt.Errorf("sort on disk: %w", err)
	}
	return &scratchFile{File: f, named: os.Remove(f.Name()) != nil}, nil
}

// close frees its disk space; a second call does nothing.
func (s *scratchFile) close() error {
	if s == nil || s.File == nil {
		return nil
	}
	err := s.Close()
	if s.named {
		err = errors.Join(err, os.Remove(s.Name()))
	}
	s.File = nil
	return err
}

// spool is a scratch file that is written from its beginning to its end, and
// then read.
type spool struct {
	*bufio.Writer
	file *scratchFile
	err  error // the first write error
}

func newSpool(folder string) (*spool, error) {
	file, err := newScratchFile(folder)
	if err != nil {
		return nil, err
	}
	return &spool{Writer: bufio.NewWriterSize(file, 256<<10), file: file}, nil
}

func (s *spool) put32(v uint32) {
	_, err := s.Write(binary.LittleEndian.AppendUint32(s.AvailableBuffer(), v))
	if err != nil {
		s.err = err
	}
}

func (s *spool) put64(v uint64) {
	_, err := s.Write(binary.LittleEndian.AppendUint64(s.AvailableBuffer(), v))
	if err != nil {
		s.err = err
	}
}

// reader returns a reader from the start; data must be flushed before.
func (s *spool) reader() *bufio.Reader {
	return bufio.NewReaderSize(io.NewSectionReader(s.file, 0, 1<<62), 256<<10)
}

// empty reports whether nothing was written.
func (s *spool) empty() bool {
	about, err := s.file.Stat()
	return err == nil && about.Size() == 0
}

// content returns the content of a section that is in the file unchanged.
func (s *spool) content(room []byte, low, high int64) ([]byte, error) {
	_, err := s.file.ReadAt(room[:high-low], low)
	return room[:high-low], err
}

func (s *spool) close() error {
	if s == nil {
		return nil
	}
	return s.file.close()
}
