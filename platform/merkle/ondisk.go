package merkle

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
)

// onDisk is the part of a list whose rows are in files, and their wallets in
// order.
type onDisk struct {
	options Options
	count   int
	rows    *scratchFile // RowSize each
	// indexes are those of the rows from indexed on, 8 bytes each; nil while
	// every index is its row's position.
	indexes *scratchFile
	indexed int
	wallets *sortedRuns // the wallet and its row's number, 4 bytes big-endian
	sorting []uint64    // memory to sort in

	// The result of sortWallets, in the format of the tree file.
	order, prefixes *spool
	repeats         *spool // of each repeated wallet its first row and the other one, 4 bytes each
}

const rowNumberSize = 4

func newOnDisk(options Options) (_ *onDisk, err error) {
	d := &onDisk{options: options}
	if d.rows, err = newScratchFile(options.Folder); err != nil {
		return nil, err
	}
	if d.wallets, err = newSortedRuns(options.Folder, walletSize+rowNumberSize); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func (d *onDisk) close() error {
	err := errors.Join(d.rows.close(), d.indexes.close(), d.order.close(), d.prefixes.close(), d.repeats.close())
	if d.wallets != nil {
		err = errors.Join(err, d.wallets.close())
	}
	return err
}

// add appends a piece of the list, and a run of its wallets.
func (d *onDisk) add(ctx context.Context, list *List) error {
	n := list.count
	err := spreadBy(ctx, d.options.Workers, n, rowsPerChunk, func(low, high int) error {
		for ; low < high; low += rowsPerChunk {
			chunk := list.chunks[low>>chunkShift]
			if _, err := d.rows.WriteAt(chunk, int64(d.count+low)*RowSize); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := d.addIndexes(list); err != nil {
		return err
	}
	if len(d.sorting) < 2*n {
		d.sorting = makeLarge[uint64](2 * n)
	}
	order := sortWallets(n, list.row, d.sorting[:n], d.sorting[n:2*n], d.options.Workers)
	err = d.wallets.add(ctx, d.options.Workers, n, func(to []byte, k int) {
		copy(to, list.row(int(order[k]))[:walletSize])
		binary.BigEndian.PutUint32(to[walletSize:], uint32(d.count)+order[k])
	})
	d.count += n
	return err
}

// load reads count rows from first on into list, whose memory it uses.
func (d *onDisk) load(ctx context.Context, list *List, first, count int) error {
	list.restart(first)
	for len(list.chunks)<<chunkShift < count {
		list.chunks = append(list.chunks, make([]byte, chunkBytes))
	}
	list.count = count
	err := spreadBy(ctx, d.options.Workers, count, rowsPerChunk, func(low, high int) error {
		for ; low < high; low += rowsPerChunk {
			chunk := &list.chunks[low>>chunkShift]
			*chunk = (*chunk)[:min(rowsPerChunk, count-low)*RowSize]
			if _, err := d.rows.ReadAt(*chunk, int64(first+low)*RowSize); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || d.indexes == nil {
		return err
	}
	list.indexes, err = d.readIndexes(first, count)
	return err
}

func (d *onDisk) readIndexes(first, count int) ([]uint64, error) {
	bytes, err := d.indexContent(make([]byte, count*indexSize), int64(first)*indexSize, int64(first+count)*indexSize)
	if err != nil {
		return nil, err
	}
	indexes := make([]uint64, count)
	for i := range indexes {
		indexes[i] = binary.LittleEndian.Uint64(bytes[i*indexSize:])
	}
	return indexes, nil
}

// indexContent returns the content of the section of the indexes.
func (d *onDisk) indexContent(room []byte, low, high int64) ([]byte, error) {
	room = room[:high-low]
	at := 0
	for row := low / indexSize; row < min(high/indexSize, int64(d.indexed)); row++ {
		binary.LittleEndian.PutUint64(room[at:], uint64(row))
		at += indexSize
	}
	if at == len(room) {
		return room, nil
	}
	_, err := d.indexes.ReadAt(room[at:], low+int64(at)-int64(d.indexed)*indexSize)
	return room, err
}

// addIndexes stores indexes from the first piece on that has its own.
func (d *onDisk) addIndexes(list *List) (err error) {
	if d.indexes == nil {
		if !list.Indexed() {
			return nil
		}
		if d.indexes, err = newScratchFile(d.options.Folder); err != nil {
			return err
		}
		d.indexed = d.count
	}
	out := bufio.NewWriterSize(io.NewOffsetWriter(d.indexes, int64(d.count-d.indexed)*indexSize), 256<<10)
	for i := range list.count {
		if _, err := out.Write(binary.LittleEndian.AppendUint64(out.AvailableBuffer(), list.index(i))); err != nil {
			return err
		}
	}
	return out.Flush()
}

// sortWallets merges the runs, once: it writes the order of the wallets, where
// each prefix begins in it, and which wallets are repeated.
func (d *onDisk) sortWallets(ctx context.Context) (err error) {
	if d.order != nil {
		return nil
	}
	for _, to := range []**spool{&d.order, &d.prefixes, &d.repeats} {
		if *to, err = newSpool(d.options.Folder); err != nil {
			return err
		}
	}
	o := walletOrderWriter{onDisk: d, size: prefixBits(d.count)}
	report := d.options.begin("sorting", int64(d.count))
	err = d.wallets.merge(ctx, d.options.buffers(), func(records []byte) error {
		report.add(len(records) / d.wallets.size)
		for ; len(records) > 0; records = records[d.wallets.size:] {
			o.add(records[:d.wallets.size])
		}
		return o.failed()
	})
	if err != nil {
		return err
	}
	for ; o.prefix <= 1<<o.size; o.prefix++ {
		d.prefixes.put32(uint32(d.count))
	}
	d.sorting = nil
	return errors.Join(d.wallets.close(), d.order.Flush(), d.prefixes.Flush(), d.repeats.Flush())
}

// walletOrderWriter writes the order of the wallets, which it gets in order.
type walletOrderWriter struct {
	*onDisk
	size   int // of a prefix, in bits
	at     int // how many wallets there were
	prefix int // the next one whose beginning is to be written
	last   [walletSize]byte
	first  uint32 // the first row of last
}

func (o *walletOrderWriter) add(record []byte) {
	prefix, fingerprint := split(walletKey(record), o.size)
	for ; o.prefix <= prefix; o.prefix++ {
		o.prefixes.put32(uint32(o.at))
	}
	row := binary.BigEndian.Uint32(record[walletSize:])
	o.order.put64(uint64(fingerprint)<<32 | uint64(row))
	if o.at > 0 && bytes.Equal(o.last[:], record[:walletSize]) {
		o.repeats.put32(o.first)
		o.repeats.put32(row)
	} else {
		copy(o.last[:], record)
		o.first = row
	}
	o.at++
}

// failed returns the first write error so far.
func (o *walletOrderWriter) failed() error {
	return errors.Join(o.order.err, o.prefixes.err, o.repeats.err)
}
