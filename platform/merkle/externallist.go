package merkle

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"syscall"

	"github.com/holiman/uint256"

	"banyan/platform/fault"
)

// ExternalList is a list that may be longer than memory. Up to Options.Memory
// it is a List; beyond that its rows are written to disk, and their wallets are
// sorted there in runs (an external sort). It is filled by AppendRows first,
// then used, by one goroutine at a time. Close it after use.
type ExternalList struct {
	options Options
	window  int     // rows that are in memory at most
	list    *List   // all rows, or those after the ones on disk
	disk    *onDisk // nil while all rows are in memory
}

// rowMemory is the peak memory of a build for each row, in bytes: the row,
// its leaf, as much again for the nodes, and what sorting needs (measured).
const rowMemory = 142

// NewExternalList returns an empty list. Of the options it uses Memory, Folder,
// Workers and Progress.
func NewExternalList(options Options) (*ExternalList, error) {
	options, err := options.filled()
	if err != nil {
		return nil, err
	}
	l := &ExternalList{options: options, list: NewList(), window: MaxRows}
	if options.Memory > 0 {
		// Whole chunks, so that each window ends at the end of a block.
		chunks := options.Memory / rowMemory / rowsPerChunk
		l.window = int(min(max(chunks, 1), MaxRows/rowsPerChunk)) * rowsPerChunk
	}
	return l, nil
}

// Len returns the number of rows.
func (l *ExternalList) Len() int { return l.list.first + l.list.count }

// Total returns the sum of all amounts.
func (l *ExternalList) Total() uint256.Int { return l.list.total }

// Indexed reports whether the rows have indexes of their own.
func (l *ExternalList) Indexed() bool {
	return l.list.Indexed() || (l.disk != nil && l.disk.indexes != nil)
}

// InMemory returns the whole list when it fits into memory, otherwise nil.
func (l *ExternalList) InMemory() *List {
	if l.disk != nil {
		return nil
	}
	return l.list
}

// AppendRows adds rows as List.AppendRows does. It may take seconds, when
// memory is full and rows go to disk. A list that failed must only be closed.
func (l *ExternalList) AppendRows(ctx context.Context, rows []byte, indexes []uint64) error {
	for len(rows) > 0 {
		if l.list.count == l.window {
			if err := l.spill(ctx); err != nil {
				return err
			}
		}
		size := min(len(rows), (l.window-l.list.count)*RowSize)
		own := indexes
		if indexes != nil {
			n := min(len(indexes), (size+RowSize-1)/RowSize)
			own, indexes = indexes[:n], indexes[n:]
		}
		if err := l.list.AppendRows(rows[:size], own); err != nil {
			return err
		}
		rows = rows[size:]
	}
	return nil
}

// Close frees what the list has on disk.
func (l *ExternalList) Close() error {
	if l.disk == nil {
		return nil
	}
	return l.disk.close()
}

// spill moves the rows in memory to disk.
func (l *ExternalList) spill(ctx context.Context) error {
	if l.disk == nil {
		disk, err := newOnDisk(l.options)
		if err != nil {
			return err
		}
		l.disk = disk
	}
	if err := l.disk.add(ctx, l.list); err != nil {
		return explainFullDisk(err)
	}
	l.list.restart(l.Len())
	return nil
}

// settle writes the last rows of a list on disk and sorts all.
func (l *ExternalList) settle(ctx context.Context) error {
	if l.list.count > 0 {
		if err := l.spill(ctx); err != nil {
			return err
		}
	}
	return explainFullDisk(l.disk.sortWallets(ctx))
}

// Duplicates yields every row whose wallet has an earlier row, with the
// position of that wallet's first row, ordered by wallet, until yield returns
// false.
func (l *ExternalList) Duplicates(ctx context.Context, yield func(first, again int) bool) error {
	if l.disk == nil {
		l.list.Duplicates()(yield)
		return nil
	}
	if err := l.settle(ctx); err != nil {
		return err
	}
	var pair [8]byte
	for in := l.disk.repeats.reader(); ; {
		if _, err := io.ReadFull(in, pair[:]); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if !yield(int(binary.LittleEndian.Uint32(pair[:])), int(binary.LittleEndian.Uint32(pair[4:]))) {
			return nil
		}
	}
}

// explainFullDisk adds what to do to the error of a full disk or quota.
func explainFullDisk(err error) error {
	if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) {
		return err
	}
	return fault.Wrap(err, fault.Unavailable,
		"the disk is full: a list that does not fit into memory takes about 170 bytes a row there, with its tree file; free some space, or choose a folder on another disk")
}
