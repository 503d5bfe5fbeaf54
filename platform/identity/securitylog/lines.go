package securitylog

import (
	"bufio"
	"io"
)

// lines are those of an exported file, each of at most maxLine bytes.
type lines struct {
	scanner *bufio.Scanner
	number  int
}

func newLines(r io.Reader) *lines {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 4096), maxLine)
	return &lines{scanner: s}
}

// next returns the next line; io.EOF behind the last one.
func (l *lines) next() ([]byte, error) {
	l.number++
	if l.scanner.Scan() {
		return l.scanner.Bytes(), nil
	}
	if err := l.scanner.Err(); err != nil {
		return nil, err
	}
	return nil, io.EOF
}
