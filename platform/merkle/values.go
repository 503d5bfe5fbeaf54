package merkle

import (
	"encoding/binary"

	"banyan/platform/fault"
	"banyan/platform/merkle/keccak"
)

// values are what a list keeps of its rows when their leaves have more, or
// less, than a wallet and an amount: the binary form of each row
// (Leaf.AppendRecord), one after the other.
type values struct {
	leaf        Leaf
	who, amount int // which value is the row's wallet and amount, -1: none
	width       int // of every record; 0: ends has where each one ends
	data        []byte
	ends        []uint64
}

func newValues(leaf Leaf) *values {
	v := &values{leaf: leaf, width: leaf.width()}
	v.who, v.amount = leaf.Roles()
	return v
}

// record returns the binary form of row i.
func (v *values) record(i int) []byte {
	if v.width > 0 {
		return v.data[i*v.width : (i+1)*v.width : (i+1)*v.width]
	}
	start := uint64(0)
	if i > 0 {
		start = v.ends[i-1]
	}
	return v.data[start:v.ends[i]:v.ends[i]]
}

// next divides the first record from those after it.
func (v *values) next(records []byte) (record, rest []byte, err error) {
	if v.width > 0 {
		if len(records) < v.width {
			return nil, nil, errRecord()
		}
		return records[:v.width], records[v.width:], nil
	}
	rest = records
	for _, f := range v.leaf.Fields {
		var ok bool
		if _, rest, ok = f.Type.cut(rest); !ok {
			return nil, nil, errRecord()
		}
	}
	return records[:len(records)-len(rest)], rest, nil
}

// NewTypedList returns an empty list of rows with the values of this leaf. Their
// wallets and amounts (Leaf.Roles) are those of its entries; a row without them
// has the zero address and no amount.
func NewTypedList(leaf Leaf) *List { return &List{values: newValues(leaf)} }

// NewListOf returns an empty list for trees of this format.
func NewListOf(format Format) *List {
	if form := format.form(); form.typed != nil {
		return NewTypedList(*form.typed)
	}
	return NewList()
}

// Typed reports whether the rows have the values of a leaf.
func (l *List) Typed() bool { return l.values != nil }

// AppendRecords adds the rows of binary records to a typed list. It fails as
// AppendRows does, and then the list must not be used any more.
func (l *List) AppendRecords(records []byte) error {
	const atOnce = 256
	rows := make([]byte, 0, atOnce*RowSize)
	for len(records) > 0 {
		record, rest, err := l.values.next(records)
		if err != nil {
			return err
		}
		e, err := l.values.leaf.entry(record, l.values.who, l.values.amount)
		if err != nil {
			return err
		}
		rows = e.AppendRow(rows)
		l.values.data = append(l.values.data, record...)
		if l.values.width == 0 {
			l.values.ends = append(l.values.ends, uint64(len(l.values.data)))
		}
		records = rest
		if len(rows) == cap(rows) || len(records) == 0 {
			if err := l.AppendRows(rows, nil); err != nil {
				return err
			}
			rows = rows[:0]
		}
	}
	return nil
}

// Record returns the binary form of row i of a typed list, which must not be
// changed.
func (l *List) Record(i int) []byte { return l.values.record(i) }

// Leaf returns the leaf of a typed list.
func (l *List) Leaf() Leaf { return l.values.leaf }

// checkLeaf refuses a list whose rows have other values than the leaves.
func (l *List) checkLeaf(form leafForm) error {
	switch {
	case form.typed == nil && l.values == nil:
		return nil
	case form.typed == nil || l.values == nil || form.typed.fieldsText() != l.values.leaf.fieldsText():
		return fault.New(fault.Invalid, "the list was read for another leaf: read it again for the leaf of this tree")
	}
	return nil
}

// hashValues is hashRows of a typed list.
func hashValues(engine keccak.Engine, v *values, low, high int, leaves []byte, keys []uint64) error {
	messages := make([]byte, 0, 4<<10)
	ends := make([]int, 0, batch)
	long := keccak.NewLong(engine)
	for first := low; first < high; first += batch {
		n := min(batch, high-first)
		messages, ends = messages[:0], ends[:0]
		for i := first; i < first+n; i++ {
			messages = v.leaf.appendMessage(messages, v.record(i))
			ends = append(ends, len(messages))
		}
		hashes := leaves[first*HashSize : (first+n)*HashSize]
		if err := v.hash(engine, long, hashes, messages, ends); err != nil {
			return err
		}
		for i := range n {
			keys[first+i] = binary.BigEndian.Uint64(hashes[i*HashSize:])
		}
	}
	return nil
}

// hash writes the leaves of messages, which end at ends.
func (v *values) hash(engine keccak.Engine, long *keccak.Long, leaves, messages []byte, ends []int) error {
	same := v.width > 0 // so are the messages
	switch size := len(messages) / len(ends); {
	case v.leaf.Hashes == 0:
		copy(leaves, messages)
		return nil
	case same && size <= keccak.MaxMessage && v.leaf.Hashes == 2:
		return engine.HashTwice(leaves, messages, 0, size)
	case same && size <= keccak.MaxMessage:
		return engine.Hash(leaves, messages, size)
	}
	long.Hash(leaves, messages, ends)
	if v.leaf.Hashes == 1 {
		return nil
	}
	var once [batch * HashSize]byte
	return engine.Hash(leaves, once[:copy(once[:], leaves)], HashSize)
}
