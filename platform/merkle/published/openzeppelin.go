package published

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/holiman/uint256"

	"banyan/platform/appendjson"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/wallet"
)

// The format names of @openzeppelin/merkle-tree's dumps.
const (
	standardV1 = "standard-v1"
	simpleV1   = "simple-v1" // of leaves that are hashes already
)

// value is an entry of a dump. Numbers may be strings or, where they were small
// enough for JavaScript, numbers; a simple-v1 dump has one hash.
type value struct {
	Value     json.RawMessage `json:"value"`
	TreeIndex *int            `json:"treeIndex"`
	Index     *int            `json:"tree_index"` // as Sablier's port writes it
	Hash      string          `json:"hash"`       // of dumps before standard-v1
}

// place returns the number of the entry's leaf among the nodes; -1 without one.
func (v *value) place() int {
	switch {
	case v.TreeIndex != nil:
		return *v.TreeIndex
	case v.Index != nil:
		return *v.Index
	}
	return -1
}

func (f *file) openZeppelin(ctx context.Context) (Result, error) {
	leaf := merkle.Leaf{Hashes: 2}
	switch {
	case f.nodeHash != "" && f.nodeHash != "custom":
		return Result{}, fault.Newf(fault.Invalid, "the dump has the hash %.40q, which OpenZeppelin's library does not know", f.nodeHash)
	case f.nodeHash == "custom":
		return Result{}, fault.New(fault.Unsupported, "the dump is of a tree with a node hash of its own (hash: custom), which may be right; only the standard keccak256 of sorted pairs is supported")
	case f.Format == simpleV1:
		leaf = merkle.Leaf{Fields: []merkle.Field{{Type: merkle.Type{Kind: merkle.KindFixed, Size: merkle.HashSize}}}}
	case f.Format != standardV1 && f.Format != "":
		return Result{}, fault.Newf(fault.Unsupported, "the dump has the format %.40q, and only %s and %s are supported", f.Format, standardV1, simpleV1)
	default:
		if len(f.LeafEncoding) == 0 {
			return Result{}, fault.New(fault.Invalid, "the dump does not name the types of its leaves (leafEncoding)")
		}
		for _, name := range f.LeafEncoding {
			t, err := merkle.ParseType(name)
			if err != nil {
				return Result{}, fmt.Errorf("leafEncoding: %w", err)
			}
			leaf.Fields = append(leaf.Fields, merkle.Field{Type: t})
		}
	}
	if len(f.values) == 0 {
		return Result{}, fault.New(fault.Invalid, "the dump has no rows: a tree needs at least one value")
	}
	if want := 2*len(f.values) - 1; len(f.tree) != want {
		return Result{}, fault.Newf(fault.Invalid, "the dump has %d nodes, and a tree of its %d values has %d", len(f.tree), len(f.values), want)
	}
	rows, err := f.records(leaf)
	if err != nil {
		return Result{}, err
	}
	leaf = widened(leaf)
	if err := f.checkNodes(); err != nil {
		return Result{}, err
	}
	tree, err := buildRows(ctx, merkle.Spec{Leaf: leaf, Shape: merkle.Complete}, rows, f.tree[0])
	if tree == nil && err == nil {
		// The leaves are not sorted: the rows in the order of their leaves.
		byPlace := make([][]byte, len(rows))
		for i := range rows {
			byPlace[len(f.tree)-1-f.values[i].place()] = rows[i]
		}
		tree, err = buildRows(ctx, merkle.Spec{Leaf: leaf, Shape: merkle.Complete, Listed: true}, byPlace, f.tree[0])
	}
	if err != nil {
		return Result{}, err
	}
	if tree == nil { // the nodes were compared, so that this is a defect
		return Result{}, fault.New(fault.Internal, "the tree of the dump cannot be built again")
	}
	return Result{Tree: tree, Kind: "OpenZeppelin " + cmp.Or(f.Format, standardV1)}, f.compareRoot(tree)
}

// compareRoot compares the tree with the root that the file names beside it, or
// that the caller knows.
func (f *file) compareRoot(tree *merkle.Tree) error {
	for _, root := range []*merkle.Hash{f.root, f.options.Root} {
		if root != nil && *root != tree.Root() {
			return fault.Newf(fault.Invalid, "the published root is %s, and the tree has the root %s", root, tree.Root())
		}
	}
	return nil
}

// records returns the binary rows of the values, after comparing their leaves
// with the nodes that they name.
func (f *file) records(leaf merkle.Leaf) ([][]byte, error) {
	rows := make([][]byte, len(f.values))
	taken := make([]bool, len(f.tree))
	for i, v := range f.values {
		texts, err := v.texts(leaf)
		if err == nil {
			rows[i], err = leaf.AppendRecord(nil, texts)
		}
		if err != nil {
			return nil, fmt.Errorf("value %d: %w", i, err)
		}
		own := leaf.Hash(rows[i])
		if rows[i], err = widened(leaf).AppendRecord(nil, texts); err != nil {
			return nil, fmt.Errorf("value %d: %w", i, err)
		}
		place := v.place()
		if place < len(f.values)-1 || place >= len(f.tree) || taken[place] {
			return nil, fault.Newf(fault.Invalid, "value %d of the dump names node %d as its leaf, and it is not", i, place)
		}
		taken[place] = true
		if own != f.tree[place] {
			return nil, fault.Newf(fault.Invalid, "node %d of the dump is %s, and the leaf of its value %d is %s", place, f.tree[place], i, own)
		}
	}
	return rows, nil
}

// widened returns the leaf with uint256 for the numbers of a leaf that is
// otherwise plain: abi.encode writes all of them in 32 bytes, so that the leaves
// are the same. The values were checked by their own types.
func widened(leaf merkle.Leaf) merkle.Leaf {
	wide := leaf
	wide.Fields = slices.Clone(leaf.Fields)
	for i, f := range wide.Fields {
		if f.Type.Kind == merkle.KindUint {
			wide.Fields[i].Type.Size = merkle.HashSize
		}
	}
	if !leaf.Packed && leaf.Hashes > 0 && (merkle.Spec{Leaf: wide, Shape: merkle.Complete}).Format().Plain() {
		return wide
	}
	return leaf
}

// texts returns the parts of a value as text.
func (v *value) texts(leaf merkle.Leaf) ([]string, error) {
	var parts []json.RawMessage
	if len(v.Value) > 0 && v.Value[0] != '[' {
		parts = []json.RawMessage{v.Value}
	} else if err := json.Unmarshal(v.Value, &parts); err != nil {
		return nil, explain(err)
	}
	if len(parts) != len(leaf.Fields) {
		return nil, fault.Newf(fault.Invalid, "has %d parts, and the leaf (%s) has %d", len(parts), strings.Join(leaf.Types(), ", "), len(leaf.Fields))
	}
	texts := make([]string, len(parts))
	for i, part := range parts {
		kind := leaf.Fields[i].Type.Kind
		var err error
		if kind == merkle.KindString { // as it stands, spaces too
			err = json.Unmarshal(part, &texts[i])
		} else {
			texts[i], err = scalar(part)
		}
		if err != nil {
			return nil, explain(err)
		}
		if kind == merkle.KindAddress {
			if _, err := parseWallet(texts[i]); err != nil {
				return nil, fault.Wrap(err, fault.Invalid, fmt.Sprintf("%.80s is not an address: %s", part, fault.From(err).Message))
			}
			if len(texts[i]) == 40 {
				texts[i] = "0x" + texts[i]
			}
		}
	}
	return texts, nil
}

// checkNodes compares each inner node with its children, from the bottom up.
func (f *file) checkNodes() error {
	spec := merkle.OZ.Spec()
	for i := len(f.values) - 2; i >= 0; i-- {
		if is := spec.Join(f.tree[2*i+1], f.tree[2*i+2]); is != f.tree[i] {
			return fault.Newf(fault.Invalid, "node %d of the dump is %s, and %s by its children %d and %d", i, f.tree[i], is, 2*i+1, 2*i+2)
		}
	}
	return nil
}

// buildRows builds the tree of binary rows; nil if it has another root.
func buildRows(ctx context.Context, spec merkle.Spec, rows [][]byte, root merkle.Hash) (*merkle.Tree, error) {
	list, format, err := listOf(spec, rows)
	if err != nil {
		return nil, err
	}
	tree, err := merkle.Build(ctx, format, list, merkle.Options{})
	if err != nil || tree.Root() == root {
		return tree, err
	}
	return nil, nil
}

// listOf returns the list of binary rows, and the format of their trees: plain
// where the leaf is, and where indexes and the sum are in the range of plain
// lists. Otherwise the values get names that make none of them an amount.
func listOf(spec merkle.Spec, rows [][]byte) (*merkle.List, merkle.Format, error) {
	format := spec.Format()
	if format.Plain() {
		if list, ok := plainList(format, rows); ok {
			return list, format, nil
		}
		spec.Leaf = unnamedNumbers(spec.Leaf)
	}
	list, err := typedList(spec.Leaf, rows)
	if err != nil && len(rows) > 0 {
		spec.Leaf = unnamedNumbers(spec.Leaf)
		list, err = typedList(spec.Leaf, rows)
	}
	return list, spec.Format(), err
}

func typedList(leaf merkle.Leaf, rows [][]byte) (*merkle.List, error) {
	list := merkle.NewTypedList(leaf)
	for _, row := range rows {
		if err := list.AppendRecords(row); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// unnamedNumbers names the values so that no number of them counts as an amount.
func unnamedNumbers(leaf merkle.Leaf) merkle.Leaf {
	leaf.Fields = slices.Clone(leaf.Fields)
	for i := range leaf.Fields {
		leaf.Fields[i].Name = "value" + strconv.Itoa(i+1)
	}
	return leaf
}

// plainList returns rows of wallet, amount and maybe an index; ok is false where
// an index or the sum is too large for a plain list.
func plainList(format merkle.Format, rows [][]byte) (*merkle.List, bool) {
	list := merkle.NewList()
	for i, row := range rows {
		e := merkle.Entry{Index: uint64(i)}
		if format.Indexed() {
			var index uint256.Int
			if index.SetBytes(row[:32]); !index.IsUint64() {
				return nil, false
			}
			e.Index, row = index.Uint64(), row[32:]
		}
		copy(e.Wallet[:], row)
		e.Amount.SetBytes(row[len(e.Wallet):])
		if list.AppendIndexed(e) != nil {
			return nil, false
		}
	}
	return list, true
}

// WriteOpenZeppelin writes a tree as StandardMerkleTree.load, or SimpleMerkleTree's,
// reads it. It fails with fault.Unsupported on trees that OpenZeppelin does not
// have.
func WriteOpenZeppelin(ctx context.Context, out io.Writer, tree *merkle.Tree) error {
	spec := tree.Spec()
	simple := spec.Leaf.Hashes == 0
	if spec.Shape != merkle.Complete || spec.Positional || spec.Leaf.Packed || !simple && spec.Leaf.Hashes != 2 {
		return fault.Newf(fault.Unsupported, "OpenZeppelin has no form of trees of the format %s: build a complete tree with sorted pairs over leaves of abi.encode, hashed twice (oz, oz-indexed)", tree.Format())
	}
	w := bufio.NewWriterSize(out, 256<<10)
	leafEncoding, err := json.Marshal(spec.Leaf.Types())
	if err != nil {
		return err
	}
	line := fmt.Appendf(nil, `{"format":%q,"leafEncoding":%s,"tree":[`, standardV1, leafEncoding)
	if simple {
		line = fmt.Appendf(nil, `{"format":%q,"tree":[`, simpleV1)
	}
	for i := range tree.Nodes() {
		node, err := tree.Node(i)
		if err != nil {
			return err
		}
		line = appendHash(separate(line, i), node)
		if line, err = flush(ctx, w, line); err != nil {
			return err
		}
	}
	line = append(line, `],"values":[`...)
	for i := range tree.Count() {
		if line, err = appendValue(separate(line, i), tree, spec.Leaf, i); err != nil {
			return err
		}
		if line, err = flush(ctx, w, line); err != nil {
			return err
		}
	}
	if _, err := w.Write(append(line, "]}\n"...)); err != nil {
		return err
	}
	return w.Flush()
}

// appendValue appends an entry of a dump. Numbers are strings, and bools are not:
// JavaScript takes the text "false" to be true.
func appendValue(line []byte, tree *merkle.Tree, leaf merkle.Leaf, i int) ([]byte, error) {
	values, err := tree.Values(i)
	if err != nil {
		return line, err
	}
	place, err := tree.Place(i)
	if err != nil {
		return line, err
	}
	line = append(line, `{"value":`...)
	if leaf.Hashes > 0 {
		line = append(line, '[')
	}
	for k, text := range values {
		if line = separate(line, k); leaf.Fields[k].Type.Kind == merkle.KindBool {
			line = append(line, text...)
		} else {
			line = appendjson.Text(line, text)
		}
	}
	if leaf.Hashes > 0 {
		line = append(line, ']')
	}
	return append(strconv.AppendInt(append(line, `,"treeIndex":`...), int64(place), 10), '}'), nil
}

func separate(line []byte, i int) []byte {
	if i > 0 {
		return append(line, ',')
	}
	return line
}

// flush writes the line when it is long enough, and checks whether ctx has
// ended.
func flush(ctx context.Context, w io.Writer, line []byte) ([]byte, error) {
	if len(line) < 64<<10 {
		return line, nil
	}
	if err := ctx.Err(); err != nil {
		return line, err
	}
	_, err := w.Write(line)
	return line[:0], err
}

func appendHash(line []byte, h merkle.Hash) []byte {
	line, _ = h.AppendText(append(line, '"')) // cannot fail
	return append(line, '"')
}

func appendAddress(line []byte, who wallet.Address) []byte {
	return append(append(append(line, '"'), who.String()...), '"')
}
