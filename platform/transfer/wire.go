package transfer

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"banyan/platform/fault"
)

// The rows of a batch, group after group:
//
//	group  table name, number of keys, keys, number of rows, rows
//	key    its values; row: its values in the order of the columns' names
//	value  a letter for its type, then a varint, eight bytes, or a length and bytes
//	end    an empty name, number of tables, of each its name and the last id it has given
//
// The keys are those whose rows are removed before the rows are stored, and read again
// after; a group without keys is only stored. The end is that of the last batch: all rows
// are there.

// What is read of a batch; the server bounds it as a whole (http.upload_limit).
const (
	mostName   = 100
	mostTables = 1_000
	mostValue  = 256 << 20
	mostKeyed  = 1 << 20 // keys, or rows, of one group
)

func appendText(to []byte, s string) []byte {
	return append(binary.AppendUvarint(to, uint64(len(s))), s...)
}

func appendGroup(to []byte, t table, keys, rows [][]any) []byte {
	to = appendText(to, t.name)
	for _, list := range [][][]any{keys, rows} {
		to = binary.AppendUvarint(to, uint64(len(list)))
		for _, values := range list {
			to = appendValues(to, values)
		}
	}
	return to
}

func appendEnd(to []byte, tables []table, counters []int64) []byte {
	to = binary.AppendUvarint(appendText(to, ""), uint64(len(tables)))
	for i, t := range tables {
		to = binary.AppendVarint(appendText(to, t.name), counters[i])
	}
	return to
}

func appendValues(to []byte, values []any) []byte {
	for _, v := range values {
		switch v := v.(type) {
		case nil:
			to = append(to, 'n')
		case int64:
			to = binary.AppendVarint(append(to, byte(integer)), v)
		case float64:
			to = binary.BigEndian.AppendUint64(append(to, byte(real)), math.Float64bits(v))
		case string:
			to = appendText(append(to, byte(text)), v)
		case []byte:
			to = append(binary.AppendUvarint(append(to, byte(blob)), uint64(len(v))), v...)
		}
	}
	return to
}

// groupReader reads a batch.
type groupReader struct{ in *bufio.Reader }

func newGroupReader(body io.Reader) groupReader {
	return groupReader{bufio.NewReaderSize(body, 64<<10)}
}

// batchReader is what happens with a batch.
type batchReader struct {
	find  func(name string) (table, error)
	group func(t table, keys, rows [][]any) error
	end   func(counters map[string]int64) error
}

// next calls one of the functions with the next group, or the end. Fails with io.EOF after
// the last one, and with fault.Invalid for what is no batch.
func (g groupReader) next(b batchReader) error {
	if _, err := g.in.Peek(1); err != nil {
		return err // io.EOF between two groups
	}
	name, err := g.bytes(mostName)
	if err != nil {
		return isCut(err)
	}
	if len(name) == 0 {
		counters, err := g.counters()
		if err != nil {
			return isCut(err)
		}
		return b.end(counters)
	}
	t, err := b.find(string(name))
	if err != nil {
		return err
	}
	keys, err := g.list(len(t.keys))
	if err != nil {
		return isCut(err)
	}
	rows, err := g.list(len(t.columns))
	if err != nil {
		return isCut(err)
	}
	return b.group(t, keys, rows)
}

func (g groupReader) counters() (map[string]int64, error) {
	n, err := g.length(mostTables)
	if err != nil {
		return nil, err
	}
	counters := make(map[string]int64, n)
	for range n {
		name, err := g.bytes(mostName)
		if err != nil {
			return nil, err
		}
		if counters[string(name)], err = binary.ReadVarint(g.in); err != nil {
			return nil, err
		}
	}
	return counters, nil
}

func isCut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fault.Wrap(err, fault.Invalid, "the rows broke off: nothing of them was kept, send them again")
	}
	return err
}

func (g groupReader) list(width int) ([][]any, error) {
	n, err := g.length(mostKeyed)
	if err != nil {
		return nil, err
	}
	list := make([][]any, 0, min(n, chunkRows))
	for range n {
		values := make([]any, width)
		for i := range values {
			if values[i], err = g.value(); err != nil {
				return nil, err
			}
		}
		list = append(list, values)
	}
	return list, nil
}

func (g groupReader) length(most uint64) (uint64, error) {
	n, err := binary.ReadUvarint(g.in)
	if err == nil && n > most {
		err = fault.Newf(fault.Invalid, "a length of %d in the rows is over %d: both sides must be of one release", n, most)
	}
	return n, err
}

// bytes grows with what arrives: a length that is only claimed costs nothing.
func (g groupReader) bytes(most uint64) ([]byte, error) {
	n, err := g.length(most)
	if err != nil {
		return nil, err
	}
	if n <= 64<<10 {
		all := make([]byte, n)
		_, err := io.ReadFull(g.in, all)
		return all, err
	}
	all, err := io.ReadAll(io.LimitReader(g.in, int64(n)))
	if err == nil && uint64(len(all)) < n {
		err = io.ErrUnexpectedEOF
	}
	return all, err
}

func (g groupReader) value() (any, error) {
	letter, err := g.in.ReadByte()
	if err != nil {
		return nil, err
	}
	switch kind(letter) {
	case 'n':
		return nil, nil
	case integer:
		return binary.ReadVarint(g.in)
	case real:
		var bits [8]byte
		_, err := io.ReadFull(g.in, bits[:])
		return math.Float64frombits(binary.BigEndian.Uint64(bits[:])), err
	case text:
		all, err := g.bytes(mostValue)
		return string(all), err
	case blob:
		return g.bytes(mostValue)
	}
	return nil, fault.New(fault.Invalid, fmt.Sprintf("the rows have a value of type %q: both sides must be of one release", letter))
}
