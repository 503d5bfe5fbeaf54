package merkle

import (
	"bytes"
	"context"
	"encoding/binary"

	"golang.org/x/sync/errgroup"
)

// sortedRuns is an external merge sort: records on disk, in runs that are each
// sorted by all of their bytes, are merged at the end.
type sortedRuns struct {
	size int // of a record in bytes, 8 or more
	file *scratchFile
	end  int64 // of what is written
	runs []extent
}

func newSortedRuns(folder string, size int) (*sortedRuns, error) {
	file, err := newScratchFile(folder)
	return &sortedRuns{size: size, file: file}, err
}

// recordsAtOnce is how many records are written or merged at a time.
const recordsAtOnce = 16 << 10

// add writes a run of count records. put writes record k of the ascending
// order; it is called by several workers concurrently.
func (r *sortedRuns) add(ctx context.Context, workers, count int, put func(to []byte, k int)) error {
	run := extent{start: r.end, length: int64(count) * int64(r.size)}
	err := spreadBy(ctx, workers, count, recordsAtOnce, func(low, high int) error {
		room := make([]byte, min(recordsAtOnce, high-low)*r.size)
		for ; low < high; low += recordsAtOnce {
			n := min(recordsAtOnce, high-low)
			for i := range n {
				put(room[i*r.size:(i+1)*r.size:(i+1)*r.size], low+i)
			}
			if _, err := r.file.WriteAt(room[:n*r.size], run.start+int64(low)*int64(r.size)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.runs, r.end = append(r.runs, run), run.start+run.length
	return nil
}

// addUnsorted sorts records in memory and writes them as a run.
func (r *sortedRuns) addUnsorted(ctx context.Context, workers int, records []byte) error {
	n := len(records) / r.size
	record := func(i uint32) []byte { return records[int(i)*r.size : (int(i)+1)*r.size] }
	keys := make([]uint64, n)
	for i := range keys {
		keys[i] = binary.BigEndian.Uint64(record(uint32(i)))
	}
	order := sortOrder(keys, make([]uint64, n), func(a, b uint32) int { return bytes.Compare(record(a), record(b)) }, workers)
	return r.add(ctx, workers, n, func(to []byte, k int) { copy(to, record(order[k])) })
}

// merge yields all records in ascending order, up to recordsAtOnce at a time,
// and reads through buffers of room bytes in all. One batch is merged while
// yield processes the one before; it may change a batch, and must not keep it.
func (r *sortedRuns) merge(ctx context.Context, room int, yield func(records []byte) error) error {
	m, err := r.cursors(room)
	if err != nil {
		return err
	}
	full, empty := make(chan []byte, 1), make(chan []byte, 3)
	for range cap(empty) {
		empty <- make([]byte, 0, recordsAtOnce*r.size)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(full)
		for len(m.heap) > 0 {
			var batch []byte
			select {
			case batch = <-empty:
			case <-ctx.Done():
				return ctx.Err()
			}
			batch, err := m.fill(batch[:0])
			if err != nil {
				return err
			}
			select {
			case full <- batch:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	group.Go(func() error {
		for batch := range full {
			if err := yield(batch); err != nil {
				return err
			}
			empty <- batch
		}
		return ctx.Err()
	})
	return group.Wait()
}

// The least and the most that is read of a run at a time, in bytes.
const (
	leastRead = 64 << 10
	mostRead  = 4 << 20
)

// cursors opens every run at its beginning.
func (r *sortedRuns) cursors(room int) (*merger, error) {
	m := &merger{size: r.size, file: r.file}
	each := min(max(room/max(len(r.runs), 1), leastRead), mostRead) / r.size * r.size
	for _, run := range r.runs {
		c := &cursor{left: run, room: make([]byte, each)}
		more, err := m.read(c)
		if err != nil {
			return nil, err
		}
		if more {
			m.heap = append(m.heap, c)
		}
	}
	for i := len(m.heap)/2 - 1; i >= 0; i-- {
		m.sink(i)
	}
	return m, nil
}

// merger is a binary heap of cursors, the one with the least record on top.
type merger struct {
	size int
	file *scratchFile
	heap []*cursor
}

// cursor is a position in a run, before a record.
type cursor struct {
	key   uint64 // the first 64 bits of the record
	ahead []byte // read and not yet consumed: begins with the record
	left  extent // not yet read
	room  []byte
}

// fill appends the next records to batch, as many as fit.
func (m *merger) fill(batch []byte) ([]byte, error) {
	for len(m.heap) > 0 && len(batch)+m.size <= cap(batch) {
		top := m.heap[0]
		batch = append(batch, top.ahead[:m.size]...)
		if top.ahead = top.ahead[m.size:]; len(top.ahead) > 0 {
			top.key = binary.BigEndian.Uint64(top.ahead)
		} else if more, err := m.read(top); err != nil {
			return batch, err
		} else if !more {
			last := len(m.heap) - 1
			m.heap[0] = m.heap[last]
			m.heap = m.heap[:last]
		}
		m.sink(0)
	}
	return batch, nil
}

// read fills a cursor's buffer; more is false at the end of its run.
func (m *merger) read(c *cursor) (more bool, err error) {
	n := min(int64(len(c.room)), c.left.length)
	if n == 0 {
		return false, nil
	}
	c.ahead = c.room[:n]
	if _, err := m.file.ReadAt(c.ahead, c.left.start); err != nil {
		return false, err
	}
	c.left.start, c.left.length = c.left.start+n, c.left.length-n
	c.key = binary.BigEndian.Uint64(c.ahead)
	return true, nil
}

// sink moves cursor i down until none below it is less.
func (m *merger) sink(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(m.heap); child++ {
			if m.less(m.heap[child], m.heap[least]) {
				least = child
			}
		}
		if least == i {
			return
		}
		m.heap[i], m.heap[least] = m.heap[least], m.heap[i]
		i = least
	}
}

func (m *merger) less(a, b *cursor) bool {
	if a.key != b.key {
		return a.key < b.key
	}
	return bytes.Compare(a.ahead[:m.size], b.ahead[:m.size]) < 0
}

func (r *sortedRuns) close() error { return r.file.close() }
