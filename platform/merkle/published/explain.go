package published

import (
	"fmt"
	"slices"
	"strings"

	"banyan/platform/merkle"
	"banyan/platform/merkle/keccak"
)

// Finding says which leaf and which tree a proof does lead to the root with.
type Finding struct {
	Format   merkle.Format  // of the leaf, and of pairs; the shape does not matter for a proof
	Choices  merkle.Choices // the same in the words of flags, without the shape and the order of leaves
	Solidity string         // the line of the leaf; "" when no leaf of values was found
	Text     string         // a sentence for people, without a full stop
	Right    bool           // nothing of the claim has to be changed
}

// walk is a way from a leaf to the root.
type walk int

const (
	plainWalk    walk = iota // the smaller node first
	sidedWalk                // by the sides that the claim names
	indexWalk                // by the bits of the index
	reversedWalk             // the proof is written from the root down
	noFirstWalk              // the first node is the leaf itself
	noLastWalk               // the last node is the root
	swappedWalk              // the root that was given is the leaf
	walks
)

var walkTexts = [walks]string{
	sidedWalk:    "its pairs are hashed left before right, not sorted",
	indexWalk:    "its pairs are hashed left before right by the bits of the index, not sorted",
	reversedWalk: "the proof is written from the root down: turn it round",
	noFirstWalk:  "the first node of the proof is the leaf itself: leave it out",
	noLastWalk:   "the last node of the proof is the root itself: leave it out",
	swappedWalk:  "the root that was given is this claim's leaf: root and leaf are swapped",
}

// leads reports whether a way leads from the leaf to the root.
func (c *Claim) leads(w walk, leaf, root merkle.Hash) bool {
	proof, n := c.Proof, len(c.Proof)
	switch w {
	case plainWalk:
		return merkle.ProcessProof(leaf, proof) == root
	case sidedWalk:
		return len(c.Left) == n && n > 0 && merkle.ProcessSided(leaf, proof, c.Left) == root
	case indexWalk:
		if c.Index == nil || !c.Index.IsUint64() || n == 0 {
			return false
		}
		left := make([]bool, n)
		for i := range left {
			left[i] = c.Index.Uint64()>>i&1 == 1
		}
		return merkle.ProcessSided(leaf, proof, left) == root
	case reversedWalk:
		turned := slices.Clone(proof)
		slices.Reverse(turned)
		return n > 1 && merkle.ProcessProof(leaf, turned) == root
	case noFirstWalk:
		return n > 0 && proof[0] == leaf && merkle.ProcessProof(leaf, proof[1:]) == root
	case noLastWalk:
		return n > 0 && proof[n-1] == root && merkle.ProcessProof(leaf, proof[:n-1]) == root
	case swappedWalk:
		return n > 0 && leaf == root
	}
	return false
}

// Recipe is one complete way from a claim to a root: what to change of the
// claim, how to make the leaf, and how to walk.
type Recipe struct {
	reading reading
	shift   int // the amount is multiplied by 10^shift, or divided
	text    int // 1 and more: one of the leaves of text
	walk    walk
}

// mostDecimals is how far an amount is shifted: no token has more decimals.
const mostDecimals = 36

// Explain looks for a way in which a claim's proof leads to the root, after it
// did not in the expected one. at is the claim's place in the file, for leaves
// whose index it does not name. It takes some ten milliseconds.
func Explain(c *Claim, root merkle.Hash, at uint64) (recipe Recipe, found bool) {
	try := func(r Recipe, claim *Claim, leaf merkle.Hash, ways ...walk) bool {
		for _, w := range ways {
			if claim.leads(w, leaf, root) {
				r.walk = w
				recipe, found = r, true
				return true
			}
		}
		return false
	}
	all := []walk{plainWalk, sidedWalk, indexWalk, reversedWalk, noFirstWalk, noLastWalk, swappedWalk}
	c.readings(func(r reading) bool {
		leaf, ok := r.hash(c, at)
		return !ok || !try(Recipe{reading: r}, c, leaf, all...)
	})
	for d := 1; d <= mostDecimals && !found; d++ {
		for _, shift := range []int{d, -d} {
			other, ok := c.shifted(shift)
			if !ok || found {
				continue
			}
			other.readings(func(r reading) bool {
				leaf, ok := r.hash(other, at)
				return !ok || !try(Recipe{reading: r, shift: shift}, other, leaf, plainWalk, sidedWalk)
			})
		}
	}
	for i := 0; i < len(textLeaves)*textWays && !found; i++ {
		if leaf, ok := c.textLeaf(i); ok {
			try(Recipe{text: i + 1}, c, leaf, plainWalk, sidedWalk)
		}
	}
	return recipe, found
}

// Holds reports whether the claim's proof leads to the root by this recipe.
func (r Recipe) Holds(c *Claim, root merkle.Hash, at uint64) bool {
	if r.text > 0 {
		leaf, ok := c.textLeaf(r.text - 1)
		return ok && c.leads(r.walk, leaf, root)
	}
	if r.shift != 0 {
		other, ok := c.shifted(r.shift)
		if !ok {
			return false
		}
		c = other
	}
	leaf, ok := r.reading.hash(c, at)
	return ok && c.leads(r.walk, leaf, root)
}

// shifted returns the claim with its amount times 10^d, or divided by 10^-d;
// false where that is no whole number.
func (c *Claim) shifted(d int) (*Claim, bool) {
	whole, fraction, point := strings.Cut(c.Amount, ".")
	digits := whole + fraction
	if c.Amount == "" || point && (d < len(fraction) || strings.HasPrefix(whole, "0x")) {
		return nil, false
	}
	n, err := merkle.ParseNumber(digits)
	if err != nil || n.IsZero() {
		return nil, false
	}
	if d -= len(fraction); d >= 0 {
		if _, over := n.MulOverflow(n, tenTo(d)); over {
			return nil, false
		}
	} else {
		quotient, rest := n.DivMod(n, tenTo(-d), tenTo(0))
		if !rest.IsZero() {
			return nil, false
		}
		n = quotient
	}
	other := *c
	other.Amount = n.Dec()
	other.Values = slices.Clone(c.Values)
	for i, v := range other.Values {
		if v.Text == c.Amount && (v.Name == "amount" || v.Name == "") {
			other.Values[i].Text = other.Amount
		}
	}
	return &other, true
}

// textLeaves are leaves that scripts make of the text of the address, instead of
// its 20 bytes, and maybe of the amount's digits behind it.
var textLeaves = []struct {
	lower, bare bool
	between     string
	amount      bool
}{
	{lower: true},
	{},
	{lower: true, bare: true},
	{bare: true},
	{lower: true, amount: true},
	{amount: true},
	{lower: true, amount: true, between: ","},
	{amount: true, between: ","},
	{lower: true, amount: true, between: ":"},
	{amount: true, between: ":"},
	{lower: true, amount: true, between: "-"},
	{amount: true, between: "-"},
	{lower: true, amount: true, between: "_"},
	{amount: true, between: "_"},
	{lower: true, amount: true, between: " "},
	{amount: true, between: " "},
}

// textWays are once, twice, and with the amount as a uint256 behind the text:
// abi.encodePacked, abi.encode.
const textWays = 4

// textLeaf returns one of the leaves of text.
func (c *Claim) textLeaf(i int) (leaf merkle.Hash, ok bool) {
	form, way := textLeaves[i/textWays], i%textWays
	if c.Wallet == nil {
		return leaf, false
	}
	text := c.Wallet.String()
	if form.lower {
		text = strings.ToLower(text)
	}
	if form.bare {
		text = text[2:]
	}
	if way >= 2 {
		if form.amount || c.Amount == "" {
			return leaf, false
		}
		l := merkle.Leaf{Packed: way == 2, Hashes: 1, Fields: []merkle.Field{
			{Type: merkle.Type{Kind: merkle.KindString}}, {Type: merkle.Type{Kind: merkle.KindUint, Size: 32}},
		}}
		record, err := l.AppendRecord(nil, []string{text, c.Amount})
		if err != nil {
			return leaf, false
		}
		return l.Hash(record), true
	}
	if form.amount {
		text += form.between + c.Amount
	}
	leaf = keccak.Sum256([]byte(text))
	if way == 1 {
		leaf = keccak.Sum256(leaf[:])
	}
	return leaf, true
}

// Finding describes a recipe.
func (r Recipe) Finding() Finding {
	if r.text > 0 {
		return r.textFinding()
	}
	spec := merkle.Spec{Leaf: r.reading.leaf, Shape: merkle.Promoted, Positional: r.walk == sidedWalk || r.walk == indexWalk}
	f := Finding{Format: shortFormat(spec), Choices: spec.Choices(), Solidity: spec.Leaf.Solidity(), Right: r.right()}
	f.Choices.Tree, f.Choices.Leaves = "", ""
	var parts []string
	switch {
	case r.shift > 0:
		parts = append(parts, fmt.Sprintf("with the amount times 10^%d: the leaf has base units, and the claim tokens", r.shift))
	case r.shift < 0:
		parts = append(parts, fmt.Sprintf("with the amount divided by 10^%d: the claim has base units, and the leaf does not", -r.shift))
	}
	if text := walkTexts[r.walk]; text != "" {
		parts = append(parts, text)
	}
	encoding := "abi.encode"
	if r.reading.leaf.Packed {
		encoding = "abi.encodePacked"
	}
	hashes := "once"
	if r.reading.leaf.Hashes == 2 {
		hashes = "twice"
	}
	f.Text = fmt.Sprintf("it does with the leaf (%s), %s, hashed %s", strings.Join(r.reading.leaf.Types(), ", "), encoding, hashes)
	if f.Format.Short() {
		f.Text += fmt.Sprintf(" (%s)", f.Format)
	}
	if r.walk == swappedWalk {
		f.Text = strings.Replace(f.Text, "it does with", "the root is the hash of", 1)
	}
	if len(parts) > 0 {
		f.Text += "; " + strings.Join(parts, "; ")
	}
	return f
}

// shortFormat returns the format with the short name that has this leaf, or the
// description.
func shortFormat(spec merkle.Spec) merkle.Format {
	if !spec.Positional {
		for _, known := range []merkle.Format{merkle.OZ, merkle.OZIndexed, merkle.Uniswap, merkle.Cumulative} {
			if k := known.Spec(); k.Leaf.Packed == spec.Leaf.Packed && k.Leaf.Hashes == spec.Leaf.Hashes && slices.Equal(k.Leaf.Fields, spec.Leaf.Fields) {
				return known
			}
		}
	}
	return spec.Format()
}

func (r Recipe) textFinding() Finding {
	form, way := textLeaves[(r.text-1)/textWays], (r.text-1)%textWays
	spelling := "with its EIP-55 checksum"
	if form.lower {
		spelling = "in lower case"
	}
	if form.bare {
		spelling += " and without 0x"
	}
	what := "the text of the address " + spelling + ", and not its 20 bytes"
	switch {
	case form.amount:
		what = fmt.Sprintf("one text of the address %s, %q and the amount's digits, and not their bytes", spelling, form.between)
	case way >= 2:
		what += ", with the amount as uint256"
	}
	solidity := "bytes32 leaf = keccak256(bytes(text)); // string text: the address " + spelling
	switch way {
	case 1:
		solidity = "bytes32 leaf = keccak256(bytes.concat(keccak256(bytes(text)))); // string text: the address " + spelling
	case 2:
		solidity = "bytes32 leaf = keccak256(abi.encodePacked(text, amount)); // string text: the address " + spelling + ", uint256 amount"
	case 3:
		solidity = "bytes32 leaf = keccak256(abi.encode(text, amount)); // string text: the address " + spelling + ", uint256 amount"
	}
	return Finding{
		Solidity: solidity,
		Text:     "it does when the leaf is the hash of " + what + ": build the tree again from the address itself, which is what a contract hashes",
	}
}
