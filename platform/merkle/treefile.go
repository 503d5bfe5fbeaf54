package merkle

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math"
	"strings"

	"banyan/platform/fault"
)

// The tree file (.tree): one immutable file with a list, its leaves and its
// nodes, which is read in place. Integers are little-endian; amounts and hashes
// are as in Ethereum. Everything is in blocks of 4096 bytes.
//
//	block 0: the header
//	   0  8   magic: 89 'T' 'R' 'E' 'E' 0D 0A 1A
//	   8  4   version, 2
//	  12  4   block size, 4096
//	  16 16   format name, padded with zeros
//	  32  8   rows
//	  40  8   leaves (fewer than rows where equal ones became one)
//	  48  8   nodes
//	  56 32   total of the amounts, big-endian
//	  88 32   root
//	 120  4   hex digits of a shard's prefix (ens; otherwise 0)
//	 124  4   shards (ens; otherwise 0)
//	 128  4   1 when rows have indexes of their own, otherwise 0
//	 132  4   CRC-32C of the checksums section
//	 136  8   bytes of the records section (0 where rows are all there is)
//	 144  4   bytes of each record, 0 when they differ
//	 148  4   length of the description
//	 152  …   description of the leaf and the tree (Spec.Description), at most
//	          1024 bytes
//	4092  4   CRC-32C of the bytes before it
//	then the sections, each beginning on a block and padded with zeros:
//	  rows      52 × rows    wallet, 20 bytes; amount, 32 bytes big-endian
//	  indexes    8 × rows    only when rows have their own
//	  places     4 × rows    the number of the row's leaf among the nodes
//	  nodes     32 × nodes   as the format's layout numbers them (layout.go)
//	  order      8 × rows    sorted by wallet: the row's number in 4 bytes, then
//	                         the 32 bits of the wallet after its first b bits
//	  prefixes   4 × (2^b+1) where in order each wallet prefix of b bits
//	                         begins; b = max(0, bit length of rows - 4)
//	  shards     8 × shards  leaves of the shard, rank of its root in the top
//	  records    values of the rows of typed lists (Leaf.AppendRecord)
//	  ends       8 × rows    where each record ends; only when their lengths differ
//	  checksums  4 × blocks  CRC-32C of each block between the header and here;
//	                         the file ends with it
//
// The sizes follow from the header alone, so a file that is truncated or has
// bytes appended is refused. A reader checks the header and the checksums
// section when it opens the file, and each block before its first use: a
// damaged file never yields a wrong result.
//
// Version 1 has no description and no records, and the format name says all; it
// is read, too.
const (
	treeVersion  = 2
	firstVersion = 1
	blockSize    = 4096

	headerSums     = 132
	headerRecords  = 136
	headerWidth    = 144
	headerLength   = 148
	headerText     = 152
	headerChecksum = blockSize - 4
)

var (
	treeMagic  = []byte{0x89, 'T', 'R', 'E', 'E', 0x0d, 0x0a, 0x1a}
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

func checksum(block []byte) uint32 { return crc32.Checksum(block, castagnoli) }

// part numbers the sections, in their order in the file.
type part int

const (
	partRows part = iota
	partIndexes
	partPlaces
	partNodes
	partOrder
	partPrefixes
	partShards
	partRecords
	partEnds
	partSums
	parts
)

// extent is the position of a section, in bytes.
type extent struct{ start, length int64 }

// header is block 0, decoded.
type header struct {
	version uint32
	format  Format
	rows    int
	leaves  int
	nodes   int
	total   [amountSize]byte
	root    Hash
	nybbles int
	shards  int
	indexed bool
	records int64 // bytes of the records section
	width   int   // of each record, 0 when they differ
	sums    uint32
}

func (h header) encode() []byte {
	block := make([]byte, blockSize)
	le := binary.LittleEndian
	copy(block, treeMagic)
	le.PutUint32(block[8:], h.version)
	le.PutUint32(block[12:], blockSize)
	if h.format.Short() {
		copy(block[16:32], h.format)
	}
	le.PutUint64(block[32:], uint64(h.rows))
	le.PutUint64(block[40:], uint64(h.leaves))
	le.PutUint64(block[48:], uint64(h.nodes))
	copy(block[56:], h.total[:])
	copy(block[88:], h.root[:])
	le.PutUint32(block[120:], uint32(h.nybbles))
	le.PutUint32(block[124:], uint32(h.shards))
	if h.indexed {
		le.PutUint32(block[128:], 1)
	}
	if h.version > firstVersion {
		le.PutUint64(block[headerRecords:], uint64(h.records))
		le.PutUint32(block[headerWidth:], uint32(h.width))
		le.PutUint32(block[headerLength:], uint32(copy(block[headerText:], h.format.Spec().Description())))
	}
	le.PutUint32(block[headerSums:], h.sums)
	le.PutUint32(block[headerChecksum:], checksum(block[:headerChecksum]))
	return block
}

// decodeHeader checks all of a header that can be checked without the rest.
func decodeHeader(block []byte) (h header, err error) {
	le := binary.LittleEndian
	if len(block) < len(treeMagic) || !bytes.Equal(block[:len(treeMagic)], treeMagic) {
		return h, fault.New(fault.Invalid, "this is not a tree file: build one with banyan airdrop build --out")
	}
	if len(block) < blockSize {
		return h, errCut()
	}
	if h.version = le.Uint32(block[8:]); h.version < firstVersion || h.version > treeVersion {
		return h, fault.Newf(fault.Unsupported, "the tree file has version %d and this program reads versions %d to %d: build it again, or use a newer program", h.version, firstVersion, treeVersion)
	}
	if checksum(block[:headerChecksum]) != le.Uint32(block[headerChecksum:]) {
		return h, errDamaged(0)
	}
	if h.format, err = h.decodeFormat(block); err != nil {
		return h, err
	}
	for _, count := range []struct {
		at   int
		to   *int
		most uint64
	}{{32, &h.rows, MaxRows}, {40, &h.leaves, MaxRows}, {48, &h.nodes, math.MaxUint32}} {
		value := le.Uint64(block[count.at:])
		if value < 1 || value > count.most {
			return h, errDamaged(0)
		}
		*count.to = int(value)
	}
	copy(h.total[:], block[56:])
	copy(h.root[:], block[88:])
	h.nybbles, h.shards = int(le.Uint32(block[120:])), int(le.Uint32(block[124:]))
	h.indexed = le.Uint32(block[128:]) != 0
	h.sums = le.Uint32(block[headerSums:])
	return h, h.check()
}

// decodeFormat reads the format and the description.
func (h *header) decodeFormat(block []byte) (Format, error) {
	le := binary.LittleEndian
	name := strings.TrimRight(string(block[16:32]), "\x00")
	if h.version == firstVersion {
		return ParseFormat(name)
	}
	records, width, length := le.Uint64(block[headerRecords:]), le.Uint32(block[headerWidth:]), le.Uint32(block[headerLength:])
	if records > math.MaxInt64/2 || width > maxRecord || length > maxDescription {
		return "", errDamaged(0)
	}
	h.records, h.width = int64(records), int(width)
	text := string(block[headerText : headerText+length])
	if name != "" {
		text = name // the description is for other readers
	}
	return ParseFormat(text)
}

// maxRecord is the longest record of values with a size.
const maxRecord = maxFields * wordSize

// check refuses numbers that no tree can have.
func (h header) check() error {
	sharded := h.format == ENS
	width := 0
	typed := h.format.form().typed
	if typed != nil {
		width = typed.width()
	}
	switch {
	case h.width != width, h.width > 0 && h.records != int64(h.rows)*int64(h.width),
		(h.records > 0) != (typed != nil):
		return errDamaged(0)
	}
	switch {
	case h.leaves > h.rows,
		sharded != (h.nybbles > 0), h.nybbles > maxNybbles,
		sharded != (h.shards > 0), h.shards > 1<<(4*h.nybbles), h.shards > h.rows:
		return errDamaged(0)
	}
	return nil
}

// extents returns the layout of the file; size is its length in bytes.
func (h header) extents() (all [parts]extent, size int64) {
	lengths := [parts]int64{
		partRows:     int64(h.rows) * RowSize,
		partPlaces:   int64(h.rows) * 4,
		partNodes:    int64(h.nodes) * HashSize,
		partOrder:    int64(h.rows) * 8,
		partPrefixes: (1<<prefixBits(h.rows) + 1) * 4,
		partShards:   int64(h.shards) * 8,
	}
	if h.indexed {
		lengths[partIndexes] = int64(h.rows) * indexSize
	}
	if lengths[partRecords] = h.records; h.records > 0 && h.width == 0 {
		lengths[partEnds] = int64(h.rows) * 8
	}
	next := int64(blockSize)
	for p := range partSums {
		all[p] = extent{start: next, length: lengths[p]}
		next += (lengths[p] + blockSize - 1) / blockSize * blockSize
	}
	all[partSums] = extent{start: next, length: (next/blockSize - 1) * 4}
	return all, next + all[partSums].length
}

func errCut() error {
	return fault.New(fault.Invalid, "the tree file is truncated or has bytes appended: copy it again, or build it again")
}

func errDamaged(block int64) error {
	return fault.Newf(fault.Invalid, "the tree file is damaged in block %d (byte %d): copy it again, or build it again", block, block*blockSize)
}
