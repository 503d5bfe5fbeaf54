package merkle

import (
	"context"
	"encoding/binary"
	"errors"

	"github.com/holiman/uint256"
)

// Merge replaces each wallet's rows by one, at the first one's place: with the
// sum of their amounts, or with the first amount alone.
func (l *ExternalList) Merge(ctx context.Context, sum bool) error {
	if l.disk == nil {
		merged, err := l.list.merged(sum)
		if err == nil {
			l.list = merged
		}
		return err
	}
	if err := l.settle(ctx); err != nil {
		return err
	}
	if l.disk.repeats.empty() {
		return nil
	}
	merged, err := l.mergedOnDisk(ctx, sum)
	if err != nil {
		return explainFullDisk(err)
	}
	old := l.disk
	*l = *merged
	return old.close()
}

// merged is Merge in memory.
func (l *List) merged(sum bool) (*List, error) {
	sums, dropped := map[int]uint256.Int{}, map[int]bool{}
	for first, again := range l.Duplicates() {
		dropped[again] = true
		if !sum {
			continue
		}
		total, begun := sums[first]
		if !begun {
			total = l.At(first).Amount
		}
		// The list's total fits into uint256, so a part of it does.
		amount := l.At(again).Amount
		total.Add(&total, &amount)
		sums[first] = total
	}
	if len(dropped) == 0 {
		return l, nil
	}
	merged := NewList()
	for i := range l.Len() {
		if dropped[i] {
			continue
		}
		e := l.At(i)
		if total, summed := sums[i]; summed {
			e.Amount = total
		}
		var err error
		if l.Indexed() {
			err = merged.AppendIndexed(e)
		} else {
			err = merged.Append(e.Wallet, e.Amount)
		}
		if err != nil {
			return nil, err
		}
	}
	return merged, nil
}

// A change is the record of a changed row: its number, 4 bytes big-endian; 0,
// it is dropped, or 1, an amount is added; and the amount.
const (
	changeDrop = 0
	changeAdd  = 1
	changeSize = rowNumberSize + 1 + amountSize
)

// mergedOnDisk sorts the changes by row, and writes the rows again with them.
func (l *ExternalList) mergedOnDisk(ctx context.Context, sum bool) (_ *ExternalList, err error) {
	changes, err := l.changes(ctx, sum)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, changes.close()) }()
	merged, err := NewExternalList(l.options)
	if err != nil {
		return nil, err
	}
	w := rewriter{from: l.disk, to: merged}
	err = changes.merge(ctx, l.options.buffers(), func(records []byte) error {
		for ; len(records) > 0; records = records[changeSize:] {
			if err := w.change(ctx, records[:changeSize]); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = w.seek(ctx, l.disk.count)
	}
	if err != nil {
		return nil, errors.Join(err, merged.Close())
	}
	return merged, nil
}

// changes writes the changes of each repeated row and its first one.
func (l *ExternalList) changes(ctx context.Context, sum bool) (_ *sortedRuns, err error) {
	runs, err := newSortedRuns(l.options.Folder, changeSize)
	if err != nil {
		return nil, err
	}
	most := max(l.options.buffers()/(changeSize+sortRoom+rowNumberSize), rowsPerChunk)
	held := make([]byte, 0, min(most, rowsPerChunk)*changeSize)
	flush := func() error {
		defer func() { held = held[:0] }()
		return runs.addUnsorted(ctx, l.options.Workers, held)
	}
	put := func(row int, kind byte, amount []byte) {
		held = append(binary.BigEndian.AppendUint32(held, uint32(row)), kind)
		held = append(held, amount...)
	}
	var failure error
	none, amount := make([]byte, amountSize), make([]byte, amountSize)
	err = l.Duplicates(ctx, func(first, again int) bool {
		put(again, changeDrop, none)
		if sum {
			if _, failure = l.disk.rows.ReadAt(amount, int64(again)*RowSize+walletSize); failure == nil {
				put(first, changeAdd, amount)
			}
		}
		if failure == nil && len(held) >= most*changeSize {
			failure = flush()
		}
		return failure == nil
	})
	if err = errors.Join(err, failure); err == nil {
		err = flush()
	}
	if err != nil {
		return nil, errors.Join(err, runs.close())
	}
	return runs, nil
}

// rewriter copies rows from one list to another and applies changes, a block of
// rows at a time.
type rewriter struct {
	from    *onDisk
	to      *ExternalList
	first   int // the row that the block begins with
	rows    []byte
	indexes []uint64 // nil when each index is its row's position
	dropped []bool
}

// rowsAtOnce is how many rows a block has: 416 KiB.
const rowsAtOnce = 8 << 10

// change applies a change; changes must be in the order of rows.
func (w *rewriter) change(ctx context.Context, change []byte) error {
	row := int(binary.BigEndian.Uint32(change))
	if err := w.seek(ctx, row); err != nil {
		return err
	}
	if change[rowNumberSize] == changeDrop {
		w.dropped[row-w.first] = true
		return nil
	}
	amount := w.rows[(row-w.first)*RowSize+walletSize:][:amountSize]
	var total, more uint256.Int
	total.SetBytes32(amount)
	more.SetBytes32(change[rowNumberSize+1:])
	total.Add(&total, &more) // a part of the list's total, which fits
	total.WriteToSlice(amount)
	return nil
}

// seek writes blocks until row is in the current one, or, past the last row,
// until all are written.
func (w *rewriter) seek(ctx context.Context, row int) error {
	for row >= w.first+len(w.dropped) {
		if err := w.flush(ctx); err != nil {
			return err
		}
		w.first += len(w.dropped)
		n := min(rowsAtOnce, w.from.count-w.first)
		w.dropped, w.rows = make([]bool, n), make([]byte, n*RowSize)
		if n == 0 {
			return nil
		}
		if _, err := w.from.rows.ReadAt(w.rows, int64(w.first)*RowSize); err != nil {
			return err
		}
		if w.from.indexes != nil {
			var err error
			if w.indexes, err = w.from.readIndexes(w.first, n); err != nil {
				return err
			}
		}
	}
	return nil
}

// flush writes the rest of the block.
func (w *rewriter) flush(ctx context.Context) error {
	kept := 0
	for i, dropped := range w.dropped {
		if dropped {
			continue
		}
		copy(w.rows[kept*RowSize:], w.rows[i*RowSize:(i+1)*RowSize])
		if w.indexes != nil {
			w.indexes[kept] = w.indexes[i]
		}
		kept++
	}
	if w.indexes != nil {
		w.indexes = w.indexes[:kept]
	}
	return w.to.AppendRows(ctx, w.rows[:kept*RowSize], w.indexes)
}
