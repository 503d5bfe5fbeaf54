package merkle

import (
	"bytes"
	"encoding/binary"
	"iter"
	"runtime"
	"sync"

	"github.com/holiman/uint256"

	"banyan/platform/fault"
	"banyan/platform/wallet"
)

// rowsPerChunk is the size of a chunk of rows (1.7 MB): in chunks, a growing
// list is not copied.
const (
	chunkShift   = 15
	rowsPerChunk = 1 << chunkShift
	chunkBytes   = rowsPerChunk * RowSize
	// chunksAtOnce is how many chunks are allocated in one piece, which large
	// pages can back.
	chunksAtOnce = 8
)

// List is the list that a tree is built over: rows in their binary form, in
// their order. Append adds to it; once it is in use (Build, Find, Chunks) it
// must not change any more, and then it is safe for concurrent reads.
type List struct {
	chunks  [][]byte // RowSize bytes a row; there may be more than count needs
	indexes []uint64 // nil while every index is the row's position
	first   int      // the position of row 0 in the ExternalList that this is a piece of
	count   int
	total   uint256.Int
	room    []byte  // for the next chunks
	values  *values // nil: the rows are all there is

	sorted sync.Once
	byOwn  walletOrder
}

// NewList returns an empty list.
func NewList() *List { return &List{} }

// Len returns the number of rows.
func (l *List) Len() int { return l.count }

// Total returns the sum of all amounts.
func (l *List) Total() uint256.Int { return l.total }

// Indexed reports whether the rows have indexes of their own.
func (l *List) Indexed() bool { return l.indexes != nil }

// At returns the row at position i, from 0. It panics outside of the list.
func (l *List) At(i int) Entry { return entryOf(l.row(i), l.index(i)) }

// Row returns the binary form of row i, which must not be changed.
func (l *List) Row(i int) []byte { return l.row(i) }

func (l *List) row(i int) []byte {
	chunk := l.chunks[i>>chunkShift]
	start := (i & (rowsPerChunk - 1)) * RowSize
	return chunk[start : start+RowSize : start+RowSize]
}

// rows returns the contiguous rows from i on, up to count of them.
func (l *List) rows(i, count int) []byte {
	start := i & (rowsPerChunk - 1)
	end := min(start+count, rowsPerChunk)
	return l.chunks[i>>chunkShift][start*RowSize : end*RowSize]
}

func (l *List) index(i int) uint64 {
	if l.indexes != nil {
		return l.indexes[i]
	}
	return uint64(l.first + i)
}

// restart empties the list for the rows from position first on of a longer one.
// It keeps its memory and its total, which is then that of all rows so far.
func (l *List) restart(first int) {
	*l = List{chunks: l.chunks, room: l.room, first: first, total: l.total}
}

// Append adds a row whose index is its position. It fails with fault.Invalid
// when the sum of the amounts exceeds uint256, and with fault.TooLarge over
// MaxRows.
func (l *List) Append(who wallet.Address, amount uint256.Int) error {
	return l.AppendIndexed(Entry{Index: uint64(l.first + l.count), Wallet: who, Amount: amount})
}

// AppendIndexed adds a row that has its own index.
func (l *List) AppendIndexed(e Entry) error {
	var row [RowSize]byte
	return l.AppendRows(e.AppendRow(row[:0]), []uint64{e.Index})
}

// AppendRows adds rows in their binary form, RowSize bytes each. indexes is
// nil when each row's index is its position. It fails as Append does, and then
// nothing of rows is added.
func (l *List) AppendRows(rows []byte, indexes []uint64) error {
	count := len(rows) / RowSize
	if len(rows)%RowSize != 0 || (indexes != nil && len(indexes) != count) {
		return fault.Newf(fault.Invalid, "a binary row has %d bytes: %d bytes with %d indexes are not a whole number of rows",
			RowSize, len(rows), len(indexes))
	}
	if l.first+l.count+count > MaxRows {
		return fault.Newf(fault.TooLarge, "a list has at most %d rows: split it into several airdrops", MaxRows)
	}
	total := l.total
	if err := addAmounts(&total, rows); err != nil {
		return err
	}
	l.total = total
	l.addIndexes(indexes, count)
	for len(rows) > 0 {
		last := l.chunk(len(rows))
		free := chunkBytes - len(*last)
		n := min(free, len(rows))
		*last = append(*last, rows[:n]...)
		l.count += n / RowSize
		rows = rows[n:]
	}
	return nil
}

// chunk returns the chunk for the next rows; coming is how many bytes of them
// are known.
func (l *List) chunk(coming int) *[]byte {
	at := l.count >> chunkShift
	switch {
	case l.count&(rowsPerChunk-1) > 0: // the last one has space
	case at < len(l.chunks):
		l.chunks[at] = l.chunks[at][:0]
	case at == 0: // a short list gets a short chunk; append grows it
		l.chunks = append(l.chunks, make([]byte, 0, min(coming, chunkBytes)))
	default:
		if len(l.room) == 0 {
			l.room = makeLarge[byte](chunksAtOnce * chunkBytes)
		}
		l.chunks = append(l.chunks, l.room[:0:chunkBytes])
		l.room = l.room[chunkBytes:]
	}
	return &l.chunks[at]
}

// addIndexes stores indexes only from the first one on that is not its row's
// position: most lists need none.
func (l *List) addIndexes(indexes []uint64, count int) {
	if l.indexes == nil {
		same := true
		for i := 0; same && i < len(indexes); i++ {
			same = indexes[i] == uint64(l.first+l.count+i)
		}
		if same {
			return
		}
		l.indexes = make([]uint64, l.count, l.count+count)
		for i := range l.indexes {
			l.indexes[i] = uint64(l.first + i)
		}
	}
	if indexes == nil {
		for i := range count {
			l.indexes = append(l.indexes, uint64(l.first+l.count+i))
		}
		return
	}
	l.indexes = append(l.indexes, indexes...)
}

// Find returns the position of the wallet's first row.
func (l *List) Find(who wallet.Address) (position int, found bool) {
	position, found, _ = findWallet(l.count, who, walletsOf{list: l, order: l.order()}) // reads of memory do not fail
	return position, found
}

// Duplicates yields every row whose wallet has an earlier row, with the
// position of that wallet's first row, ordered by wallet.
func (l *List) Duplicates() iter.Seq2[int, int] {
	return func(yield func(first, again int) bool) {
		order := l.order().entries
		first := 0
		for i := 1; i < len(order); i++ {
			if fingerprintOf(order[i]) != fingerprintOf(order[first]) ||
				!bytes.Equal(l.row(rowOf(order[i]))[:walletSize], l.row(rowOf(order[first]))[:walletSize]) {
				first = i
				continue
			}
			if !yield(rowOf(order[first]), rowOf(order[i])) {
				return
			}
		}
	}
}

// order sorts the wallets at its first call.
func (l *List) order() *walletOrder {
	l.sorted.Do(func() { l.byOwn = newWalletOrder(l.count, l.row, runtime.GOMAXPROCS(0)) })
	return &l.byOwn
}

// The binary form of a list, for storing it in pieces: each chunk is one kind
// byte, then rows of RowSize bytes (kind 0), rows that each follow their index
// in 8 bytes, big-endian (kind 1), or the records of a typed list (kind 2).
// Chunks are in list order.
const (
	chunkPlain   = 0
	chunkIndexed = 1
	chunkTyped   = 2 // records (Leaf.AppendRecord)
	indexSize    = 8
)

// Chunks yields the list in its binary form, rows rows at a time (at least 1).
// The receiver may keep each chunk.
func (l *List) Chunks(rows int) iter.Seq[[]byte] {
	rows = max(rows, 1)
	return func(yield func([]byte) bool) {
		for start := 0; start < l.count; start += rows {
			end := min(start+rows, l.count)
			if l.values != nil {
				chunk := []byte{chunkTyped}
				for i := start; i < end; i++ {
					chunk = append(chunk, l.values.record(i)...)
				}
				if !yield(chunk) {
					return
				}
				continue
			}
			chunk := make([]byte, 1, 1+(end-start)*(RowSize+indexSize))
			if l.indexes != nil {
				chunk[0] = chunkIndexed
			}
			for i := start; i < end; i++ {
				if l.indexes != nil {
					chunk = binary.BigEndian.AppendUint64(chunk, l.indexes[i])
				}
				chunk = append(chunk, l.row(i)...)
			}
			if !yield(chunk) {
				return
			}
		}
	}
}

// AppendChunk adds a chunk of Chunks. It fails with fault.Invalid on anything
// else.
func (l *List) AppendChunk(chunk []byte) error {
	if len(chunk) == 0 {
		return fault.New(fault.Invalid, "a chunk of a list is never empty: it was not written by Chunks, or it is truncated")
	}
	body := chunk[1:]
	if (chunk[0] == chunkTyped) != l.Typed() {
		return fault.New(fault.Invalid, "the chunk is of a list for another leaf")
	}
	switch chunk[0] {
	case chunkTyped:
		return l.AppendRecords(body)
	case chunkPlain:
		return l.AppendRows(body, nil)
	case chunkIndexed:
		if len(body)%(indexSize+RowSize) != 0 {
			return fault.New(fault.Invalid, "a chunk of a list ends inside a row: it is truncated")
		}
		count := len(body) / (indexSize + RowSize)
		rows, indexes := make([]byte, 0, count*RowSize), make([]uint64, 0, count)
		for ; len(body) > 0; body = body[indexSize+RowSize:] {
			indexes = append(indexes, binary.BigEndian.Uint64(body))
			rows = append(rows, body[indexSize:indexSize+RowSize]...)
		}
		return l.AppendRows(rows, indexes)
	}
	return fault.Newf(fault.Invalid, "a chunk of a list begins with 0, 1 or 2, this one with %d: it was not written by Chunks", chunk[0])
}
