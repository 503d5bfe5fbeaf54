package merkle

import (
	"encoding/binary"
	"strings"

	"banyan/platform/fault"
	"banyan/platform/merkle/keccak"
)

// Format determines the content of a leaf and how the nodes above are hashed: a
// short name below, or the description of any other tree (Spec.Description).
type Format string

// The formats, each named after its origin. In all of them a pair is
// hashed with the smaller node first.
const (
	// OZ is @openzeppelin/merkle-tree's StandardMerkleTree of (address,
	// uint256): keccak(keccak(abi.encode(address, amount))), complete heap.
	OZ Format = "oz"
	// OZIndexed is the same for (uint256, address, uint256), as Sablier's
	// Merkle API and contracts use it.
	OZIndexed Format = "oz-indexed"
	// Uniswap is Uniswap's merkle-distributor: keccak(encodePacked(uint256
	// index, address, uint256 amount)); equal leaves become one; the odd node
	// of a level is promoted as it is.
	Uniswap Format = "uniswap"
	// ENS is the airdrop of ENS: keccak(encodePacked(address, uint256)), a tree
	// for each address prefix, and a tree over their roots.
	ENS Format = "ens"
	// Cumulative is 1inch's cumulative drop: ENS's leaf in one tree with
	// promoted odd nodes. The amount is the wallet's total over all rounds.
	Cumulative Format = "cumulative"
)

// Formats lists them all.
func Formats() []Format { return []Format{OZ, OZIndexed, Uniswap, ENS, Cumulative} }

// maxDescription is the longest description of a tree, in bytes.
const maxDescription = 1 << 10

// ParseFormat returns the format of a name or a description. It fails with
// fault.Invalid, and with fault.Unsupported on a leaf that is legal but not
// supported.
func ParseFormat(name string) (Format, error) {
	var names []string
	for _, f := range Formats() {
		if string(f) == name {
			return f, nil
		}
		names = append(names, string(f))
	}
	switch {
	case name == "":
		return "", fault.Newf(fault.Invalid, "name the tree's format: %s", strings.Join(names, ", "))
	case len(name) > maxDescription:
		return "", fault.Newf(fault.Invalid, "a tree's description has at most %d characters, not %d", maxDescription, len(name))
	case strings.Contains(name, "="):
		spec, err := parseDescription(name)
		if err != nil {
			return "", err
		}
		return spec.Format(), nil
	}
	return "", fault.Newf(fault.Invalid, "there is no tree format %.80q: choose one of %s", name, strings.Join(names, ", "))
}

// Short reports whether the format has a short name.
func (f Format) Short() bool { return !strings.Contains(string(f), "=") }

// Spec returns the description. It panics on a Format that ParseFormat does not
// know: formats from outside are parsed by it.
func (f Format) Spec() Spec {
	plain := func(types ...Type) Leaf {
		l := Leaf{Packed: true, Hashes: 1}
		for _, t := range types {
			l.Fields = append(l.Fields, Field{Type: t})
		}
		return l
	}
	switch f {
	case OZ, OZIndexed:
		l := plain(addressType, uint256Type)
		if f == OZIndexed {
			l = plain(uint256Type, addressType, uint256Type)
		}
		l.Packed, l.Hashes = false, 2
		return Spec{Leaf: l, Shape: Complete}
	case Uniswap:
		return Spec{Leaf: plain(uint256Type, addressType, uint256Type), Shape: Promoted, unique: true}
	case ENS:
		return Spec{Leaf: plain(addressType, uint256Type), Shape: sharding}
	case Cumulative:
		return Spec{Leaf: plain(addressType, uint256Type), Shape: Promoted}
	}
	spec, err := parseDescription(string(f))
	if err != nil {
		panic("merkle: unknown format " + string(f))
	}
	return spec
}

// Plain reports whether the leaves have a wallet, an amount and maybe an index,
// which is all that a List keeps of a row; of other leaves it keeps all values.
func (f Format) Plain() bool { return f.form().typed == nil }

// Indexed reports whether the leaves begin with the row's index, so that no
// proof can be checked without it.
func (f Format) Indexed() bool { return f.form().indexed }

// leafForm is the layout of a format's message, whose hash is the leaf.
type leafForm struct {
	indexed bool  // starts with the index, as uint256
	padded  bool  // the address fills 32 bytes (abi.encode), not 20 (encodePacked)
	twice   bool  // hashed twice, so that no inner node is accepted as a leaf
	typed   *Leaf // leaves of other values; the rest counts for plain ones only
}

// form panics on a Format that ParseFormat does not know.
func (f Format) form() leafForm {
	switch f { // the common ones, without their description
	case OZ:
		return leafForm{padded: true, twice: true}
	case OZIndexed:
		return leafForm{indexed: true, padded: true, twice: true}
	case Uniswap:
		return leafForm{indexed: true}
	case ENS, Cumulative:
		return leafForm{}
	}
	l := f.Spec().Leaf
	plain, indexed := l.plain()
	if !plain {
		return leafForm{typed: &l}
	}
	return leafForm{indexed: indexed, padded: !l.Packed, twice: l.Hashes == 2}
}

const (
	wordSize   = 32                    // of the ABI
	addressPad = wordSize - walletSize // zeros before an address in abi.encode
)

// size is the length of a leaf's message in bytes.
func (l leafForm) size() int {
	size := RowSize
	if l.indexed {
		size += wordSize
	}
	if l.padded {
		size += addressPad
	}
	return size
}

// put writes the message of a binary row; the zeros between the parts must be
// there already.
func (l leafForm) put(message, row []byte, index uint64) {
	if l.indexed {
		binary.BigEndian.PutUint64(message[wordSize-8:], index)
		message = message[wordSize:]
	}
	if l.padded {
		message = message[addressPad:]
	}
	copy(message, row)
}

// hash writes the leaves of the messages.
func (l leafForm) hash(engine keccak.Engine, leaves, messages []byte) error {
	if l.twice {
		return engine.HashTwice(leaves, messages, 0, l.size())
	}
	return engine.Hash(leaves, messages, l.size())
}

// inPlace reports whether the messages are the rows, or, hashed twice, the rows
// after zeros.
func (l leafForm) inPlace() bool { return !l.indexed && (l.twice || !l.padded) }

// hashRows is hash of binary rows in place.
func (l leafForm) hashRows(engine keccak.Engine, leaves, rows []byte) error {
	if l.twice {
		return engine.HashTwice(leaves, rows, l.size()-RowSize, RowSize)
	}
	return engine.Hash(leaves, rows, RowSize)
}

// LeafHash returns the leaf of an entry, in a format whose leaves are plain.
func LeafHash(format Format, e Entry) Hash {
	form := format.form()
	message := make([]byte, form.size())
	form.put(message, e.AppendRow(make([]byte, 0, RowSize)), e.Index)
	leaf := keccak.Sum256(message)
	if form.twice {
		leaf = keccak.Sum256(leaf[:])
	}
	return leaf
}
