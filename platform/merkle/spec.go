package merkle

import (
	"strconv"
	"strings"

	"banyan/platform/fault"
)

// Shape is how a tree stands on its leaves.
type Shape string

// The shapes. They differ in what becomes of a level's last node when it has no
// sibling.
const (
	// Complete is OpenZeppelin's heap of 2n-1 nodes: no node is without a
	// sibling.
	Complete Shape = "complete"
	// Promoted passes the node on to the next level as it is.
	Promoted Shape = "promoted"
	// Duplicated makes it its own sibling, as merkletreejs does with duplicateOdd.
	Duplicated Shape = "duplicated"
	// ZeroFilled hashes it with bytes32(0), as murky does.
	ZeroFilled Shape = "zero"
	// EmptyFilled hashes it with keccak256(""), as Safe's vesting tree does.
	EmptyFilled Shape = "empty"
	// Padded adds leaves of bytes32(0) behind the last one, up to a power of two,
	// as go-merkletree and so Rocket Pool do.
	Padded Shape = "padded"
	// sharded is ENS's forest, which only the format ens has.
	sharding Shape = "sharded"
)

// Shapes lists those that any leaf may have.
func Shapes() []Shape {
	return []Shape{Complete, Promoted, Duplicated, ZeroFilled, EmptyFilled, Padded}
}

// Spec describes a tree completely: the leaf, and the tree above it.
type Spec struct {
	Leaf  Leaf
	Shape Shape
	// Listed leaves are in the order of the list; otherwise they are sorted by
	// their hashes.
	Listed bool
	// Positional pairs are hashed left before right; otherwise the smaller node
	// is first, so that proofs need not say on which side a node is.
	Positional bool
	// unique makes one of equal leaves: only the format uniswap does.
	unique bool
}

// The choices by name, as flags and descriptions write them.
const (
	encodingABI     = "abi"
	encodingPacked  = "packed"
	leavesSorted    = "sorted"
	leavesListed    = "listed"
	pairsSorted     = "sorted"
	pairsPositional = "positional"
)

// Choices are the parts of a Spec as a person writes them; "" is what base has.
type Choices struct {
	Leaf     string // "address,uint256", or with names "address account,uint256 amount"
	Encoding string // abi or packed
	Hash     string // 1 or 2
	Tree     string // a Shape
	Leaves   string // sorted or listed
	Pairs    string // sorted or positional
}

// Empty reports whether nothing was chosen.
func (c Choices) Empty() bool { return c == Choices{} }

// Spec returns base with the choices. It fails with fault.Invalid and names the
// part in a field.
func (c Choices) Spec(base Spec) (Spec, error) {
	s := base
	if !c.Empty() {
		s.unique = false
	}
	if c.Leaf != "" {
		fields, err := parseFields(c.Leaf)
		if err != nil {
			return s, wrongChoice("leaf", err)
		}
		s.Leaf.Fields = fields
	}
	var err error
	if s.Leaf.Packed, err = choose(c.Encoding, base.Leaf.Packed, encodingABI, encodingPacked); err != nil {
		return s, wrongChoice("encoding", err)
	}
	if s.Listed, err = choose(c.Leaves, base.Listed, leavesSorted, leavesListed); err != nil {
		return s, wrongChoice("leaves", err)
	}
	if s.Positional, err = choose(c.Pairs, base.Positional, pairsSorted, pairsPositional); err != nil {
		return s, wrongChoice("pairs", err)
	}
	switch c.Hash {
	case "":
	case "0", "1", "2":
		s.Leaf.Hashes = int(c.Hash[0] - '0')
	default:
		return s, wrongChoice("hash", fault.Newf(fault.Invalid, "a leaf is hashed once or twice: choose 1 or 2, not %.40q", c.Hash))
	}
	if err := s.Leaf.check(); err != nil {
		return s, wrongChoice("hash", err)
	}
	if c.Tree != "" {
		s.Shape = ""
		var names []string
		for _, shape := range Shapes() {
			if names = append(names, string(shape)); c.Tree == string(shape) {
				s.Shape = shape
			}
		}
		if s.Shape == "" {
			return s, wrongChoice("tree", fault.Newf(fault.Invalid, "there is no tree %.40q: choose one of %s", c.Tree, strings.Join(names, ", ")))
		}
	}
	if s.Shape == sharding && !c.Empty() {
		return s, wrongChoice("tree", fault.New(fault.Invalid, "ENS's forest has one leaf and one order: choose another tree, or leave the other choices out"))
	}
	return s, nil
}

// wrongChoice names the part of a description that is wrong.
func wrongChoice(part string, err error) error {
	f := fault.From(err)
	return fault.Wrap(err, f.Code, f.Message).With(fault.Field{Name: part, Message: f.Message})
}

// choose returns whether the second choice was made.
func choose(text string, standard bool, first, second string) (bool, error) {
	switch text {
	case "":
		return standard, nil
	case first:
		return false, nil
	case second:
		return true, nil
	}
	return false, fault.Newf(fault.Invalid, "choose %s or %s, not %.40q", first, second, text)
}

// Choices returns the parts of a description by name.
func (s Spec) Choices() Choices {
	pick := func(second bool, names ...string) string {
		if second {
			return names[1]
		}
		return names[0]
	}
	return Choices{
		Leaf: s.Leaf.fieldsText(), Encoding: pick(s.Leaf.Packed, encodingABI, encodingPacked), Hash: strconv.Itoa(s.Leaf.Hashes),
		Tree: string(s.Shape), Leaves: pick(s.Listed, leavesSorted, leavesListed), Pairs: pick(s.Positional, pairsSorted, pairsPositional),
	}
}

// Description returns the text of the description, also of a format that has a
// short name.
func (s Spec) Description() string {
	c := s.Choices()
	return "leaf=" + c.Leaf + ";encoding=" + c.Encoding + ";hash=" + c.Hash + ";tree=" + c.Tree + ";leaves=" + c.Leaves + ";pairs=" + c.Pairs
}

// Format returns the format of this description: its short name if it has one.
func (s Spec) Format() Format {
	for _, f := range Formats() {
		if f.Spec().Description() == s.Description() {
			return f
		}
	}
	return Format(s.Description())
}

// parseDescription reads what Description returns; parts that are missing are
// those of the format oz.
func parseDescription(text string) (Spec, error) {
	var c Choices
	parts := map[string]*string{
		"leaf": &c.Leaf, "encoding": &c.Encoding, "hash": &c.Hash, "tree": &c.Tree, "leaves": &c.Leaves, "pairs": &c.Pairs,
	}
	for _, part := range strings.Split(text, ";") {
		name, value, _ := strings.Cut(part, "=")
		to, known := parts[strings.TrimSpace(name)]
		if !known || value == "" || *to != "" {
			return Spec{}, fault.Newf(fault.Invalid,
				"%.80q is not a part of a tree's description: write it like leaf=address,uint256;encoding=abi;hash=2;tree=promoted;leaves=listed;pairs=sorted", part)
		}
		*to = strings.TrimSpace(value)
	}
	return c.Spec(OZ.Spec())
}
