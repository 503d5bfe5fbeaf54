package merkle

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/holiman/uint256"

	"banyan/platform/merkle/keccak"
	"banyan/platform/wallet"
)

// firstVersionFile writes a tree file of version 1 by its description alone, with
// none of the code that writes files today: magic, version, block size, format,
// counts, total, root, 0, 0, indexes, checksum of the checksums; then sections.
func firstVersionFile(format string, rows []Entry, indexed bool, places []uint32, nodes [][]byte, root []byte) []byte {
	le, crc := binary.LittleEndian, func(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }
	const block = 4096
	var sections []byte
	section := func(content []byte) {
		sections = append(sections, content...)
		sections = append(sections, make([]byte, (block-len(content)%block)%block)...)
	}
	var wallets, indexes, leaves, order []byte
	total := new(uint256.Int)
	sorted := make([]int, len(rows))
	for i, e := range rows {
		amount := e.Amount.Bytes32()
		wallets = append(append(wallets, e.Wallet[:]...), amount[:]...)
		indexes, leaves = le.AppendUint64(indexes, e.Index), le.AppendUint32(leaves, places[i])
		total.Add(total, &e.Amount)
		sorted[i] = i
	}
	slices.SortFunc(sorted, func(a, b int) int {
		return cmp.Or(bytes.Compare(rows[a].Wallet[:], rows[b].Wallet[:]), a-b)
	})
	for _, row := range sorted {
		order = le.AppendUint32(le.AppendUint32(order, uint32(row)), binary.BigEndian.Uint32(rows[row].Wallet[:]))
	}
	section(wallets)
	if indexed {
		section(indexes)
	}
	section(leaves)
	section(slices.Concat(nodes...))
	section(order)
	section(le.AppendUint32(le.AppendUint32(nil, 0), uint32(len(rows)))) // fewer than 16 rows: one prefix of no bits
	var sums []byte
	for at := 0; at < len(sections); at += block {
		sums = le.AppendUint32(sums, crc(sections[at:at+block]))
	}
	header := make([]byte, block)
	copy(header, "\x89TREE\r\n\x1a")
	le.PutUint32(header[8:], 1)
	le.PutUint32(header[12:], block)
	copy(header[16:], format)
	le.PutUint64(header[32:], uint64(len(rows)))
	le.PutUint64(header[40:], uint64(len(rows)))
	le.PutUint64(header[48:], uint64(len(nodes)))
	sum := total.Bytes32()
	copy(header[56:], sum[:])
	copy(header[88:], root)
	if indexed {
		le.PutUint32(header[128:], 1)
	}
	le.PutUint32(header[132:], crc(sums))
	le.PutUint32(header[4092:], crc(header[:4092]))
	return slices.Concat(header, sections, sums)
}

// A tree file of version 1, of which people have many, still opens and answers.
func TestTreeFilesOfTheFirstVersionOpen(t *testing.T) {
	rows := []Entry{
		{Index: 7, Wallet: wallet.Address{0x30, 1}, Amount: *uint256.NewInt(1000)},
		{Index: 3, Wallet: wallet.Address{0x10, 2}, Amount: *uint256.NewInt(2000)},
		{Index: 5, Wallet: wallet.Address{0x20, 3}, Amount: *uint256.NewInt(3000)},
	}
	sum := func(parts ...[]byte) []byte { h := keccak.Sum256(slices.Concat(parts...)); return h[:] }
	pair := func(a, b []byte) []byte {
		if bytes.Compare(a, b) > 0 {
			a, b = b, a
		}
		return sum(a, b)
	}
	word := func(n uint64) []byte { w := uint256.NewInt(n).Bytes32(); return w[:] }
	leafOf := map[Format]func(Entry) []byte{
		OZ:      func(e Entry) []byte { return sum(sum(make([]byte, 12), e.Wallet[:], word(e.Amount.Uint64()))) },
		Uniswap: func(e Entry) []byte { return sum(word(e.Index), e.Wallet[:], word(e.Amount.Uint64())) },
	}
	for format, leaf := range leafOf {
		indexed := format == Uniswap
		ascending := []int{0, 1, 2}
		slices.SortFunc(ascending, func(a, b int) int { return bytes.Compare(leaf(rows[a]), leaf(rows[b])) })
		low, middle, high := leaf(rows[ascending[0]]), leaf(rows[ascending[1]]), leaf(rows[ascending[2]])
		// OpenZeppelin's heap: 4 3 2 are the leaves, ascending, and 1 joins 3 and 4.
		inner := pair(middle, low)
		root := pair(inner, high)
		nodes, numbers := [][]byte{root, inner, high, middle, low}, []uint32{4, 3, 2}
		proofs := [][][]byte{{middle, high}, {low, high}, {inner}}
		if indexed { // levels: the leaves, a pair and the promoted leaf, the root
			nodes, numbers = [][]byte{low, middle, high, inner, high, root}, []uint32{0, 1, 2}
		}
		places := make([]uint32, 3)
		for k, row := range ascending {
			places[row] = numbers[k]
		}
		path := filepath.Join(t.TempDir(), "first.tree")
		if err := os.WriteFile(path, firstVersionFile(string(format), rows, indexed, places, nodes, root), 0o600); err != nil {
			t.Fatal(err)
		}
		tree, err := Open(path)
		if err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		if tree.Format() != format || tree.Count() != 3 || !bytes.Equal(hashBytes(tree.Root()), root) || *uint256.NewInt(6000) != tree.Total() {
			t.Errorf("%s: %s, %d rows, root %s", format, tree.Format(), tree.Count(), tree.Root())
		}
		for k, row := range ascending {
			found, ok, err := tree.Find(rows[row].Wallet)
			if err != nil || !ok || found != row {
				t.Fatalf("%s: row %d is %d, %v, %v", format, row, found, ok, err)
			}
			e, err := tree.At(row)
			if want := rows[row]; err != nil || e.Wallet != want.Wallet || e.Amount != want.Amount || indexed && e.Index != want.Index {
				t.Errorf("%s: row %d is %+v, %v", format, row, e, err)
			}
			proof, err := tree.Proof(row)
			if err != nil || len(proof) != len(proofs[k]) {
				t.Fatalf("%s: the proof of row %d has %d nodes, %v", format, row, len(proof), err)
			}
			for i := range proof {
				if !bytes.Equal(proof[i][:], proofs[k][i]) {
					t.Errorf("%s: node %d of the proof of row %d is %s", format, i, row, proof[i])
				}
			}
		}
		if err := tree.Close(); err != nil {
			t.Error(err)
		}
	}
}

func hashBytes(h Hash) []byte { return h[:] }
