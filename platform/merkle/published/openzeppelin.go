package published

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/holiman/uint256"

	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/wallet"
)

// standardV1 is the format name of @openzeppelin/merkle-tree's dumps.
const standardV1 = "standard-v1"

// The leaf encodings of the formats.
var (
	plainEncoding   = []string{"address", "uint256"}
	indexedEncoding = []string{"uint256", "address", "uint256"}
)

// value is an entry of a standard-v1 dump. Numbers may be strings or, where
// they were small enough for JavaScript, numbers.
type value struct {
	Value     []json.RawMessage `json:"value"`
	TreeIndex int               `json:"treeIndex"`
}

func (f *file) openZeppelin(ctx context.Context) (*merkle.Tree, error) {
	if f.Format != standardV1 {
		return nil, fault.Newf(fault.Unsupported, "the dump has the format %q, and only %s is supported", f.Format, standardV1)
	}
	var format merkle.Format
	switch {
	case slices.Equal(f.LeafEncoding, plainEncoding):
		format = merkle.OZ
	case slices.Equal(f.LeafEncoding, indexedEncoding):
		format = merkle.OZIndexed
	default:
		return nil, fault.Newf(fault.Unsupported, "the leaves are made of %q, and only (address, uint256) and (uint256, address, uint256) are supported", f.LeafEncoding)
	}
	list := merkle.NewList()
	for i, v := range f.values {
		e, err := v.entry(format, uint64(i))
		if err != nil {
			return nil, fmt.Errorf("value %d: %w", i, err)
		}
		if err := list.AppendIndexed(e); err != nil {
			return nil, err
		}
	}
	tree, err := merkle.Build(ctx, format, list, merkle.Options{})
	if err != nil {
		return nil, err
	}
	return tree, f.compareHeap(tree)
}

// entry reads the parts of a value.
func (v value) entry(format merkle.Format, position uint64) (e merkle.Entry, err error) {
	parts := v.Value
	e.Index = position
	if format == merkle.OZIndexed {
		if len(parts) != 3 {
			return e, fault.Newf(fault.Invalid, "has %d parts instead of index, address and amount", len(parts))
		}
		index, err := number(parts[0])
		if err != nil || !index.IsUint64() {
			return e, fault.Newf(fault.Invalid, "%s is not an index", parts[0])
		}
		e.Index, parts = index.Uint64(), parts[1:]
	}
	if len(parts) != 2 {
		return e, fault.Newf(fault.Invalid, "has %d parts instead of address and amount", len(parts))
	}
	if err := json.Unmarshal(parts[0], &e.Wallet); err != nil {
		return e, fault.Wrap(err, fault.Invalid, fmt.Sprintf("%s is not an address", parts[0]))
	}
	amount, err := number(parts[1])
	if err != nil {
		return e, err
	}
	e.Amount = *amount
	return e, nil
}

// number reads a uint256 in decimal or hex, as a string or a JSON number.
func number(raw json.RawMessage) (*uint256.Int, error) {
	text := string(raw)
	if len(raw) > 0 && raw[0] == '"' {
		if err := json.Unmarshal(raw, &text); err != nil {
			return nil, err
		}
	}
	return parseNumber(text)
}

func parseNumber(text string) (*uint256.Int, error) {
	var n uint256.Int
	var err error
	if len(text) > 1 && text[0] == '0' && text[1]|0x20 == 'x' {
		digits := text[2:]
		for len(digits) > 1 && digits[0] == '0' { // published amounts have an even number of digits
			digits = digits[1:]
		}
		err = n.SetFromHex("0x" + digits)
	} else {
		err = n.SetFromDecimal(text)
	}
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, fmt.Sprintf("%q is not a uint256", text))
	}
	return &n, nil
}

// compareHeap compares the dump with the tree built from its values.
func (f *file) compareHeap(tree *merkle.Tree) error {
	if len(f.tree) != tree.Nodes() {
		return fault.Newf(fault.Invalid, "the dump has %d nodes, and a tree of its %d values has %d", len(f.tree), tree.Count(), tree.Nodes())
	}
	for i, published := range f.tree {
		node, err := tree.Node(i)
		if err != nil {
			return err
		}
		if node != published {
			return fault.Newf(fault.Invalid, "node %d of the dump is %s, and %s by its values", i, published, node)
		}
	}
	for i, v := range f.values {
		leaf, err := tree.Leaf(i)
		if err != nil {
			return err
		}
		if v.TreeIndex < 0 || v.TreeIndex >= len(f.tree) || f.tree[v.TreeIndex] != leaf {
			return fault.Newf(fault.Invalid, "value %d of the dump names node %d as its leaf, and it is not", i, v.TreeIndex)
		}
	}
	return nil
}

// WriteOpenZeppelin writes a tree as StandardMerkleTree.load reads it. It fails
// with fault.Unsupported on other formats than oz and oz-indexed.
func WriteOpenZeppelin(ctx context.Context, out io.Writer, tree *merkle.Tree) error {
	encoding := plainEncoding
	switch tree.Format() {
	case merkle.OZ:
	case merkle.OZIndexed:
		encoding = indexedEncoding
	default:
		return fault.Newf(fault.Unsupported, "OpenZeppelin has no form of trees of the format %s: build it with oz or oz-indexed", tree.Format())
	}
	w := bufio.NewWriterSize(out, 256<<10)
	leafEncoding, err := json.Marshal(encoding)
	if err != nil {
		return err
	}
	line := fmt.Appendf(nil, `{"format":%q,"leafEncoding":%s,"tree":[`, standardV1, leafEncoding)
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
		e, err := tree.At(i)
		if err != nil {
			return err
		}
		place, err := tree.Place(i)
		if err != nil {
			return err
		}
		line = append(separate(line, i), `{"value":[`...)
		if tree.Format() == merkle.OZIndexed {
			line = strconv.AppendUint(append(line, '"'), e.Index, 10)
			line = append(line, `",`...)
		}
		line = appendAddress(line, e.Wallet)
		line = append(append(line, `,"`...), e.Amount.Dec()...)
		line = append(line, `"],"treeIndex":`...)
		line = append(strconv.AppendInt(line, int64(place), 10), '}')
		if line, err = flush(ctx, w, line); err != nil {
			return err
		}
	}
	if _, err := w.Write(append(line, "]}\n"...)); err != nil {
		return err
	}
	return w.Flush()
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
