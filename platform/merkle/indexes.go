package merkle

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/bits"
	"slices"
)

// RepeatedIndexes yields every row whose index an earlier row has for another
// wallet, with that row, ordered by index, until yield returns false. Contracts
// store one bit per index, so that of two such wallets only one could claim.
func (l *ExternalList) RepeatedIndexes(ctx context.Context, yield func(first, again int) bool) error {
	if !l.Indexed() {
		return nil
	}
	if l.disk != nil {
		if err := l.settle(ctx); err != nil {
			return err
		}
		return explainFullDisk(l.disk.repeatedIndexes(ctx, yield))
	}
	indexes := l.list.indexes
	if ascending(indexes) { // as in nearly all lists
		return nil
	}
	keys, spare := make([]uint64, len(indexes)), bits.LeadingZeros64(slices.Max(indexes))
	for i, index := range indexes {
		keys[i] = index << spare // spread keys are sorted faster
	}
	o := indexOwner{yield: yield, row: func(i int) ([]byte, error) { return l.list.row(i), nil }}
	for _, row := range sortOrder(keys, make([]uint64, len(keys)), func(uint32, uint32) int { return 0 }, l.options.Workers) {
		if err := o.next(indexes[row], int(row)); err != nil {
			return ignoreStop(err)
		}
	}
	return nil
}

func ascending(indexes []uint64) bool {
	for i := 1; i < len(indexes); i++ {
		if indexes[i] <= indexes[i-1] {
			return false
		}
	}
	return true
}

// ignoreStop returns nil for io.EOF, by which yield stops.
func ignoreStop(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// indexOwner takes the rows ordered by index, equal ones in list order.
type indexOwner struct {
	yield func(first, again int) bool
	row   func(i int) ([]byte, error)
	index uint64
	first int // the first row that has index
	any   bool
}

// next returns io.EOF when yield returns false.
func (o *indexOwner) next(index uint64, row int) error {
	if !o.any || index != o.index {
		o.index, o.first, o.any = index, row, true
		return nil
	}
	first, err := o.row(o.first)
	if err != nil {
		return err
	}
	wallet := bytes.Clone(first[:walletSize]) // the next call may reuse its memory
	again, err := o.row(row)
	if err != nil {
		return err
	}
	if !bytes.Equal(wallet, again[:walletSize]) && !o.yield(o.first, row) {
		return io.EOF
	}
	return nil
}

// repeatedIndexes is RepeatedIndexes on disk.
func (d *onDisk) repeatedIndexes(ctx context.Context, yield func(first, again int) bool) error {
	inOrder, last, most := true, uint64(0), uint64(0)
	err := d.eachIndexes(rowsPerChunk, func(first int, indexes []uint64) error {
		inOrder = inOrder && ascending(indexes) && (first == 0 || indexes[0] > last)
		last, most = indexes[len(indexes)-1], max(most, slices.Max(indexes))
		return nil
	})
	if err != nil || inOrder {
		return err
	}
	runs, err := d.sortIndexes(ctx, bits.LeadingZeros64(most))
	if err != nil {
		return err
	}
	room := make([]byte, walletSize)
	o := indexOwner{yield: yield, row: func(i int) ([]byte, error) {
		_, err := d.rows.ReadAt(room, int64(i)*RowSize)
		return room, err
	}}
	err = runs.merge(ctx, d.options.buffers(), func(records []byte) error {
		for ; len(records) > 0; records = records[runs.size:] {
			if err := o.next(binary.BigEndian.Uint64(records), int(binary.BigEndian.Uint32(records[indexSize:]))); err != nil {
				return err
			}
		}
		return nil
	})
	return errors.Join(ignoreStop(err), runs.close())
}

// eachIndexes calls take with the indexes of all rows, up to most at a time.
func (d *onDisk) eachIndexes(most int, take func(first int, indexes []uint64) error) error {
	for first := 0; first < d.count; first += most {
		indexes, err := d.readIndexes(first, min(most, d.count-first))
		if err != nil {
			return err
		}
		if err := take(first, indexes); err != nil {
			return err
		}
	}
	return nil
}

// sortIndexes writes the indexes in sorted runs, each with its row's number,
// shifted by the bits that no index uses.
func (d *onDisk) sortIndexes(ctx context.Context, spare int) (*sortedRuns, error) {
	const size = indexSize + rowNumberSize
	runs, err := newSortedRuns(d.options.Folder, size)
	if err != nil {
		return nil, err
	}
	most := max(d.options.buffers()/(2*indexSize+size+sortRoom+rowNumberSize), rowsPerChunk)
	err = d.eachIndexes(most, func(first int, indexes []uint64) error {
		records := make([]byte, 0, len(indexes)*size)
		for i, index := range indexes {
			records = binary.BigEndian.AppendUint64(records, index<<spare)
			records = binary.BigEndian.AppendUint32(records, uint32(first+i))
		}
		return runs.addUnsorted(ctx, d.options.Workers, records)
	})
	if err != nil {
		return nil, errors.Join(err, runs.close())
	}
	return runs, nil
}
