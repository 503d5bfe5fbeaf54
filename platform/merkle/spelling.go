package merkle

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"

	"banyan/platform/merkle/keccak"
	"banyan/platform/wallet/hexdigits"
)

// Uniswap's script sorts wallets by their EIP-55 text and numbers them in that
// order: https://github.com/Uniswap/merkle-distributor (src/parse-balance-map.ts).
// Upper-case letters come before lower-case ones, so it is not the order of the
// wallets' bytes.

const spellingSize = 2 * walletSize // digits

// IndexBySpelling gives each row the index that Uniswap's script gives it. The
// rows stay where they are. It is for lists that have no indexes of their own.
func (l *ExternalList) IndexBySpelling(ctx context.Context) error {
	if l.disk != nil {
		if err := l.settle(ctx); err != nil {
			return err
		}
		return explainFullDisk(l.disk.indexBySpelling(ctx, l.list, min(l.window, l.disk.count)))
	}
	return l.list.IndexBySpelling(ctx, l.options)
}

// IndexBySpelling is ExternalList.IndexBySpelling of a list in memory. Of the
// options it uses Workers and Engine.
func (l *List) IndexBySpelling(ctx context.Context, options Options) error {
	options, err := options.filled()
	if err != nil {
		return err
	}
	keys := makeLarge[uint64](l.count)
	err = spread(ctx, options.Workers, l.count, func(low, high int) error {
		return spell(options.Engine, l, low, high, func(row int, digits []byte) { keys[row] = spellingKey(digits) })
	})
	if err != nil {
		return err
	}
	order := sortOrder(keys, makeLarge[uint64](l.count), func(a, b uint32) int {
		one, other := entryOf(l.row(int(a)), 0), entryOf(l.row(int(b)), 0)
		return bytes.Compare([]byte(one.Wallet.String()), []byte(other.Wallet.String()))
	}, options.Workers)
	indexes := makeLarge[uint64](l.count)
	for k, row := range order {
		indexes[row] = uint64(k)
	}
	if !ascending(indexes) { // otherwise each index is its row's position
		l.indexes = indexes
	}
	return nil
}

// spell calls yield with the 40 EIP-55 digits of the wallets of the rows
// [low, high), which are valid during the call.
func spell(engine keccak.Engine, list *List, low, high int, yield func(row int, digits []byte)) error {
	lower, digests := make([]byte, batch*spellingSize), make([]byte, batch*HashSize)
	for ; low < high; low += batch {
		n := min(batch, high-low)
		for i := range n {
			hexdigits.Write(lower[i*spellingSize:(i+1)*spellingSize], list.row(low + i)[:walletSize])
		}
		if err := engine.Hash(digests[:n*HashSize], lower[:n*spellingSize], spellingSize); err != nil {
			return err
		}
		for i := range n {
			digits, digest := lower[i*spellingSize:(i+1)*spellingSize], digests[i*HashSize:]
			for k, c := range digits {
				if c >= 'a' && digest[k/2]>>(4-4*(k%2))&8 != 0 {
					digits[k] = c - 'a' + 'A'
				}
			}
			yield(low+i, digits)
		}
	}
	return nil
}

// spellingKey returns a number that is less for digits that are less: their
// first 14 of 22 different ones.
func spellingKey(digits []byte) (key uint64) {
	const symbols, used = 22, 14 // 22^14 < 2^63
	for _, c := range digits[:used] {
		symbol := uint64(c - '0')
		switch {
		case c >= 'a':
			symbol = uint64(c-'a') + 16
		case c >= 'A':
			symbol = uint64(c-'A') + 10
		}
		key = key*symbols + symbol
	}
	return key << 1
}

// indexBySpelling is IndexBySpelling on disk; piece has the memory for window
// rows.
func (d *onDisk) indexBySpelling(ctx context.Context, piece *List, window int) (err error) {
	const size = spellingSize + rowNumberSize
	runs, err := newSortedRuns(d.options.Folder, size)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, runs.close()) }()
	window = max(min(window, d.options.buffers()/(size+sortRoom+rowNumberSize)/rowsPerChunk*rowsPerChunk), rowsPerChunk)
	for first := 0; first < d.count; first += window {
		n := min(window, d.count-first)
		if err := d.load(ctx, piece, first, n); err != nil {
			return err
		}
		records := make([]byte, n*size)
		err := spread(ctx, d.options.Workers, n, func(low, high int) error {
			return spell(d.options.Engine, piece, low, high, func(row int, digits []byte) {
				binary.BigEndian.PutUint32(records[row*size+copy(records[row*size:], digits):], uint32(first+row))
			})
		})
		if err != nil {
			return err
		}
		if err := runs.addUnsorted(ctx, d.options.Workers, records); err != nil {
			return err
		}
	}
	piece.restart(d.count)
	ranks, err := newScatter(d.options.Folder, d.count, d.options.buffers())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ranks.close()) }()
	next, inOrder := uint32(0), true
	err = runs.merge(ctx, d.options.buffers(), func(records []byte) error {
		for ; len(records) > 0; records = records[size:] {
			row := binary.BigEndian.Uint32(records[spellingSize:])
			inOrder = inOrder && row == next
			if err := ranks.put(int(row), next); err != nil {
				return err
			}
			next++
		}
		return nil
	})
	if err != nil || inOrder { // then each index is its row's position
		return err
	}
	return d.writeIndexes(ranks)
}

// writeIndexes makes the ranks the indexes of all rows.
func (d *onDisk) writeIndexes(ranks *scatter) (err error) {
	if d.indexes, err = newScratchFile(d.options.Folder); err != nil {
		return err
	}
	d.indexed = 0
	out := bufio.NewWriterSize(io.NewOffsetWriter(d.indexes, 0), 256<<10)
	err = ranks.each(func(_ int, indexes []uint32) error {
		for _, index := range indexes {
			if _, err := out.Write(binary.LittleEndian.AppendUint64(out.AvailableBuffer(), uint64(index))); err != nil {
				return err
			}
		}
		return nil
	})
	return errors.Join(err, out.Flush())
}
