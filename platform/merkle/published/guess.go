package published

import (
	"slices"
	"strconv"
	"strings"

	"github.com/holiman/uint256"

	"banyan/platform/merkle"
)

// reading is a way to make the leaf of a claim: the leaf, and which of the
// claim's values are the leaf's.
type reading struct {
	leaf   merkle.Leaf
	values []int // in the leaf's order, of Claim.Values; position is another one
}

// position stands for a value that the claim does not have: its index, which is
// its place in the file or the list.
const position = -1

// typesOf returns the types that a value may have, the likely ones first.
func typesOf(text string, name string) []merkle.Type {
	var names []string
	_, numberErr := merkle.ParseNumber(text)
	isHex := strings.HasPrefix(text, "0x") || strings.HasPrefix(text, "0X")
	_, walletErr := parseWallet(text)
	switch {
	case walletErr == nil:
		names = []string{"address"}
	case isHex && len(text) == 2+2*merkle.HashSize:
		names = []string{"bytes32", "uint256"}
	case numberErr == nil:
		names = []string{"uint256"}
	case strings.HasPrefix(text, "-"):
		names = []string{"int256"}
	case text == "true" || text == "false":
		names = []string{"bool"}
	case isHex:
		names = []string{"bytes"}
	default:
		names = []string{"string"}
	}
	if isHex && numberErr == nil && walletErr != nil && simple(name) != "amount" && len(names) == 1 {
		names = append(names, "bytes")
	}
	types := make([]merkle.Type, len(names))
	for i, name := range names {
		types[i], _ = merkle.ParseType(name) // they are all known
	}
	return types
}

// widths are other types of numbers that encodePacked writes in fewer bytes.
var widths = []string{"uint128", "uint96", "uint64", "uint32", "uint16", "uint8"}

// arrangements returns which values of a claim, in which order, its leaf may
// have.
func (c *Claim) arrangements() (all [][]int) {
	add := func(order []int) {
		if len(order) > 0 && len(order) <= 8 && !slices.ContainsFunc(all, func(o []int) bool { return slices.Equal(o, order) }) {
			all = append(all, order)
		}
	}
	who, amount, index := -1, -1, position
	inOrder, others := []int{}, []int{}
	for i, v := range c.Values {
		inOrder = append(inOrder, i)
		switch {
		case who < 0 && c.Wallet != nil && v.Text == c.Text:
			who = i
		case amount < 0 && c.Amount != "" && v.Text == c.Amount && (v.Name == "amount" || v.Name == ""):
			amount = i
		case v.Name == "index":
			index = i
		default:
			others = append(others, i)
		}
	}
	if who >= 0 && amount >= 0 {
		add([]int{who, amount})
		add([]int{index, who, amount})
		add([]int{who, amount, index})
		add(append([]int{who}, append(slices.Clone(others), amount)...))
		add(append([]int{who, amount}, others...))
		add(append([]int{index, who, amount}, others...))
		add(append([]int{index, who}, append(slices.Clone(others), amount)...))
		add([]int{amount, who})
	}
	add(inOrder)
	if index >= 0 {
		add(append([]int{index}, slices.DeleteFunc(slices.Clone(inOrder), func(i int) bool { return i == index })...))
	}
	if who >= 0 {
		add([]int{who})
		add([]int{index, who})
		add([]int{who, index})
	}
	return all
}

// readings yields the ways to make the leaf of a claim until one is taken.
func (c *Claim) readings(yield func(reading) bool) {
	encodings := []merkle.Leaf{{Hashes: 2}, {Packed: true, Hashes: 1}, {Hashes: 1}, {Packed: true, Hashes: 2}}
	arrangements := c.arrangements()
	for _, leaf := range encodings {
		for _, order := range arrangements {
			if !c.typed(leaf, order, uint256Name, yield) {
				return
			}
		}
	}
	for _, width := range widths { // of all numbers, packed
		for _, leaf := range encodings[1:2] {
			for _, order := range arrangements[:min(4, len(arrangements))] {
				if !c.typed(leaf, order, width, yield) {
					return
				}
			}
		}
	}
}

const uint256Name = "uint256"

// typed yields the leaf of these values, with each type that they may have.
func (c *Claim) typed(leaf merkle.Leaf, order []int, number string, yield func(reading) bool) bool {
	leaves := [][]merkle.Field{{}}
	for k, at := range order {
		types := []merkle.Type{{Kind: merkle.KindUint, Size: 32}}
		if at != position {
			types = typesOf(c.Values[at].Text, c.Values[at].Name)
		}
		var next [][]merkle.Field
		for _, t := range types {
			if t.Kind == merkle.KindUint && number != uint256Name && (k > 0 || len(order) == 1) {
				t, _ = merkle.ParseType(number) // is known
			}
			for _, fields := range leaves {
				next = append(next, append(slices.Clone(fields), merkle.Field{Type: t}))
			}
		}
		if leaves = next; len(leaves) > 8 {
			leaves = leaves[:8]
		}
	}
	for _, fields := range leaves {
		leaf.Fields = fields
		if !yield(reading{leaf: leaf, values: order}) {
			return false
		}
	}
	return true
}

// texts returns the values of the leaf as text; at is the claim's index where it
// has none of its own.
func (r reading) texts(c *Claim, at uint64) ([]string, bool) {
	texts := make([]string, len(r.values))
	for i, k := range r.values {
		switch {
		case k == position:
			texts[i] = strconv.FormatUint(at, 10)
		case k >= len(c.Values):
			return nil, false
		default:
			texts[i] = c.Values[k].Text
			if r.leaf.Fields[i].Type.Kind == merkle.KindAddress && len(texts[i]) == 40 {
				texts[i] = "0x" + texts[i]
			}
		}
	}
	return texts, true
}

// hash returns the leaf of a claim; ok is false where its values are not of the
// leaf's types.
func (r reading) hash(c *Claim, at uint64) (leaf merkle.Hash, ok bool) {
	texts, ok := r.texts(c, at)
	if !ok {
		return leaf, false
	}
	record, err := r.leaf.AppendRecord(nil, texts)
	if err != nil {
		return leaf, false
	}
	return r.leaf.Hash(record), true
}

// plain returns the entry of a reading that a format with a short name, or any
// tree of plain leaves, has.
func (r reading) entry(c *Claim, at uint64) (e merkle.Entry, ok bool) {
	texts, ok := r.texts(c, at)
	if !ok || len(texts) < 2 {
		return e, false
	}
	if len(texts) == 3 {
		n, err := merkle.ParseNumber(texts[0])
		if err != nil || !n.IsUint64() {
			return e, false
		}
		e.Index, texts = n.Uint64(), texts[1:]
	}
	who, err := parseWallet(texts[0])
	if err != nil {
		return e, false
	}
	amount, err := merkle.ParseNumber(texts[1])
	if err != nil {
		return e, false
	}
	e.Wallet, e.Amount = who, *amount
	return e, true
}

// tenTo returns 10^d.
func tenTo(d int) *uint256.Int {
	n := uint256.NewInt(1)
	for range d {
		n.Mul(n, uint256.NewInt(10))
	}
	return n
}
