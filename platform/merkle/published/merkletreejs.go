package published

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"banyan/platform/fault"
	"banyan/platform/merkle"
)

// jsOptions are the options of a merkletreejs tree, as JSON.stringify writes
// them; nil where the file does not have them.
type jsOptions struct {
	sortLeaves, sortPairs, sort, duplicateOdd, bitcoin, complete *bool
	fill                                                         string // fillDefaultHash
}

func (o *jsOptions) set(name string, raw json.RawMessage) error {
	to := map[string]**bool{
		"sortleaves": &o.sortLeaves, "sortpairs": &o.sortPairs, "sort": &o.sort, "duplicateodd": &o.duplicateOdd,
		"isbitcointree": &o.bitcoin, "complete": &o.complete,
	}[name]
	switch {
	case to != nil:
		var is bool
		if json.Unmarshal(raw, &is) == nil {
			*to = &is
		}
	case name == "filldefaulthash" && string(raw) != "null":
		o.fill = string(raw)
	}
	return nil
}

func is(option *bool) bool { return option != nil && *option }

// layersMember reads the levels of a tree, the leaves first.
func (f *file) layersMember(d *json.Decoder) error {
	f.layers = [][]merkle.Hash{}
	return elements(d, '[', func(string) error {
		var raw []json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return err
		}
		level, err := hashesOf(raw)
		f.layers = append(f.layers, level)
		return err
	})
}

func hashesOf(raw []json.RawMessage) ([]merkle.Hash, error) {
	hashes := make([]merkle.Hash, 0, len(raw))
	for i, r := range raw {
		h, err := parseAnyHash(r)
		if err != nil {
			return nil, fmt.Errorf("node %d: %w", i, err)
		}
		hashes = append(hashes, *h)
	}
	return hashes, nil
}

// array reads the rest of an array: claims, leaves, or levels.
func (f *file) array(ctx context.Context, d *json.Decoder) error {
	for n := 0; d.More(); n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return err
		}
		if err := f.element(raw); err != nil {
			return fmt.Errorf("element %d: %w", n, err)
		}
	}
	_, err := d.Token()
	return err
}

func (f *file) element(raw json.RawMessage) error {
	if hash, err := parseAnyHash(raw); err == nil {
		f.leaves = append(f.leaves, *hash)
		return nil
	}
	var level []json.RawMessage
	if json.Unmarshal(raw, &level) == nil {
		if hashes, err := hashesOf(level); err == nil && len(hashes) > 0 {
			f.layers = append(f.layers, hashes)
			return nil
		}
	}
	if len(raw) > 0 && raw[0] == '"' {
		return fault.New(fault.Unsupported, "this is a list of texts that are no hashes: build a tree of them with banyan airdrop build --leaf")
	}
	claims, err := ParseClaims(raw, "")
	if err != nil {
		return err
	}
	f.claims = append(f.claims, claims...)
	f.proofs += len(claims)
	return nil
}

// merkletreejs reads a tree of which only leaves or levels are known.
func (f *file) merkletreejs(ctx context.Context) (Result, error) {
	kind := "a list of leaves"
	if f.layers != nil {
		kind = "levels of a tree"
		if f.js != (jsOptions{}) {
			kind = "a merkletreejs dump"
		}
	}
	switch {
	case is(f.js.bitcoin):
		return Result{}, fault.New(fault.Unsupported, "this is a merkletreejs dump of a Bitcoin tree, which may be right; no EVM contract verifies its proofs, and it is not supported")
	case is(f.js.complete):
		return Result{}, fault.New(fault.Unsupported, "this is a merkletreejs dump with complete: true, which may be right; its order of leaves is not OpenZeppelin's, and it is not supported")
	}
	leaves := f.leaves
	if len(f.layers) > 0 {
		leaves = f.layers[0]
		if f.leaves != nil && len(f.leaves) != len(leaves) {
			return Result{}, fault.Newf(fault.Invalid, "the dump has %d leaves, and %d nodes in its first level", len(f.leaves), len(leaves))
		}
	}
	if len(leaves) == 0 {
		return Result{}, fault.New(fault.Invalid, "the file has no leaves: a tree needs at least one")
	}
	specs, err := f.jsSpecs()
	if err != nil {
		return Result{}, err
	}
	rows := make([][]byte, len(leaves))
	for i := range leaves {
		rows[i] = leaves[i][:]
	}
	want := f.jsRoot()
	for _, spec := range specs {
		list, format, err := listOf(spec, rows)
		if err != nil {
			return Result{}, err
		}
		tree, err := merkle.Build(ctx, format, list, merkle.Options{})
		if err != nil {
			return Result{}, err
		}
		if want == nil || tree.Root() == *want {
			result := Result{Tree: tree, Kind: kind}
			if want == nil {
				result.Notes = append(result.Notes, "the file has no root, so that nothing was compared: compare the root, or choose another tree with --tree, --leaves and --pairs")
			}
			return result, nil
		}
	}
	if len(f.layers) > 1 {
		return Result{}, f.differs()
	}
	return Result{}, fault.Newf(fault.Unsupported, "no tree over these %d leaves that is supported here has the root %s: the leaves may be in another order, not all there, or joined in another way", len(leaves), want)
}

// jsRoot returns the root that the tree must have, nil when nobody knows it.
func (f *file) jsRoot() *merkle.Hash {
	if f.options.Root != nil {
		return f.options.Root
	}
	if f.root != nil {
		return f.root
	}
	if n := len(f.layers); n > 1 || n == 1 && len(f.layers[0]) == 1 {
		if last := f.layers[n-1]; len(last) == 1 {
			return &last[0]
		}
	}
	return nil
}

// jsSpecs returns the trees that it may be: what was chosen, what the dump's
// options say, or, where a root decides, all.
func (f *file) jsSpecs() ([]merkle.Spec, error) {
	base := merkle.Spec{
		Leaf:  merkle.Leaf{Fields: []merkle.Field{{Type: merkle.Type{Kind: merkle.KindFixed, Size: merkle.HashSize}}}},
		Shape: merkle.Promoted, Listed: true, Positional: f.js.sortPairs != nil && !*f.js.sortPairs && !is(f.js.sort),
	}
	if is(f.js.duplicateOdd) {
		base.Shape = merkle.Duplicated
	}
	chosen := f.options.Choices
	chosen.Leaf, chosen.Encoding, chosen.Hash = "", "", ""
	first, err := chosen.Spec(base)
	if err != nil {
		return nil, err
	}
	all := []merkle.Spec{first}
	if !chosen.Empty() || f.jsRoot() == nil {
		return all, nil
	}
	return append(all, otherSpecs(base)...), nil
}

// otherSpecs returns every tree over a leaf.
func otherSpecs(base merkle.Spec) (all []merkle.Spec) {
	for _, positional := range []bool{false, true} {
		for _, listed := range []bool{false, true} {
			for _, shape := range []merkle.Shape{merkle.Promoted, merkle.Complete, merkle.Duplicated, merkle.ZeroFilled, merkle.EmptyFilled, merkle.Padded} {
				base.Shape, base.Listed, base.Positional = shape, listed, positional
				all = append(all, base)
			}
		}
	}
	return all
}

// differs names the first node of the levels that no tree here has.
func (f *file) differs() error {
	sorted := merkle.Spec{}
	pairs := merkle.Spec{Positional: true}
	for level := 1; level < len(f.layers); level++ {
		below, above := f.layers[level-1], f.layers[level]
		if len(above) != (len(below)+1)/2 {
			return fault.Newf(fault.Unsupported, "level %d has %d nodes above %d: these are no levels of a tree in which pairs are joined. If they are proofs, give them with their wallets and amounts", level, len(above), len(below))
		}
		for i, node := range above {
			if 2*i+1 >= len(below) {
				if node == below[2*i] || node == sorted.Join(below[2*i], below[2*i]) || node == sorted.Join(below[2*i], merkle.Hash{}) {
					continue
				}
			} else if a, b := below[2*i], below[2*i+1]; node == sorted.Join(a, b) || node == pairs.Join(a, b) {
				continue
			} else if node == sha256.Sum256(append(bytes.Clone(a[:]), b[:]...)) {
				return fault.New(fault.Unsupported, "the nodes are hashed with SHA-256, which may be right; EVM contracts hash with keccak256, and nothing else is supported")
			}
			return fault.Newf(fault.Invalid, "node %d of level %d is %s, which is not the hash of the two below it: the file is wrong there, or hashed with another function than keccak256", i, level, node)
		}
	}
	return fault.New(fault.Unsupported, "the levels mix pairs that are sorted with pairs that are not: this tree may be right, and is not supported")
}
