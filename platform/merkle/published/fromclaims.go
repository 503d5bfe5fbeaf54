package published

import (
	"cmp"
	"context"
	"slices"

	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/wallet"
)

// fromClaims builds the tree of claims that were published with their proofs, as
// Uniswap's scripts do and many that are like them. What the file does not name,
// the leaf and the tree, is what the proofs and the root agree with.
func (f *file) fromClaims(ctx context.Context) (Result, error) {
	result := Result{Kind: "claims with proofs"}
	if f.total != "" && f.root != nil {
		result.Kind = "a result like Uniswap's"
	}
	if err := f.orderByIndex(); err != nil {
		return result, err
	}
	root := f.options.Root
	if root == nil {
		root = f.root
	}
	if root == nil {
		root = f.claims[0].Root
	}
	if root == nil {
		agreed, ok := f.agreedRoot()
		if !ok {
			return result, fault.New(fault.Unsupported, "the file names no root, and its proofs lead to none that they agree on with a leaf that is known here: give the root with --root")
		}
		root = &agreed
		result.Notes = append(result.Notes, "the file names no root: all proofs lead to this one")
	}
	r, positions, ok := f.readingFor(*root)
	if !ok {
		return result, f.noReading(*root)
	}
	tree, err := f.buildClaims(ctx, r, positions, *root)
	if err != nil {
		return result, err
	}
	result.Tree = tree
	if err := f.compareRoot(tree); err != nil {
		return result, err
	}
	note, err := f.compareTotal(tree)
	if note != "" && result.Kind != "claims with proofs" {
		result.Notes = append(result.Notes, note)
	}
	return result, err
}

// orderByIndex puts claims with indexes in their order.
func (f *file) orderByIndex() error {
	for i := range f.claims {
		if f.claims[i].Index == nil {
			return nil
		}
	}
	slices.SortStableFunc(f.claims, func(a, b Claim) int { return a.Index.Cmp(b.Index) })
	for i := 1; i < len(f.claims); i++ {
		if a, b := f.claims[i-1], f.claims[i]; a.Index.Eq(b.Index) && a.Text != b.Text {
			return fault.Newf(fault.Invalid, "%s and %s have the same index %s", a.Text, b.Text, a.Index.Dec())
		}
	}
	return nil
}

// placing returns the index of each claim where claims name none: their place in
// the file, or in the order of the wallets' EIP-55 text.
func (f *file) placing(spelled bool) []uint64 {
	places := make([]uint64, len(f.claims))
	order := make([]int, len(f.claims))
	for i := range order {
		order[i] = i
	}
	if spelled {
		name := func(i int) string {
			if who := f.claims[i].Wallet; who != nil {
				return who.String()
			}
			return f.claims[i].Text
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(name(a), name(b)) })
	}
	for k, i := range order {
		places[i] = uint64(k)
	}
	return places
}

// samples are the claims that a reading is tried on: one that is wrong must not
// hide the others.
func (f *file) samples() []int {
	n := len(f.claims)
	all := []int{0, n / 2, n - 1}
	slices.Sort(all)
	return slices.Compact(all)
}

// readingFor returns how leaves are made so that a sample's proof leads to the
// root, and the claims' indexes.
func (f *file) readingFor(root merkle.Hash) (found reading, places []uint64, ok bool) {
	for _, spelled := range []bool{false, true} {
		places = f.placing(spelled)
		for _, i := range f.samples() {
			c := &f.claims[i]
			c.readings(func(r reading) bool {
				leaf, made := r.hash(c, places[i])
				if made && (c.leads(plainWalk, leaf, root) || c.leads(sidedWalk, leaf, root)) {
					found, ok = r, true
				}
				return !ok
			})
			if ok {
				return found, places, true
			}
		}
	}
	return found, nil, false
}

// agreedRoot returns the root that the proofs of all samples lead to.
func (f *file) agreedRoot() (root merkle.Hash, ok bool) {
	samples := f.samples()
	if len(samples) < 2 {
		return root, false
	}
	for _, spelled := range []bool{false, true} {
		places := f.placing(spelled)
		f.claims[samples[0]].readings(func(r reading) bool {
			for k, i := range samples {
				leaf, made := r.hash(&f.claims[i], places[i])
				if !made {
					return true
				}
				end := merkle.ProcessProof(leaf, f.claims[i].Proof)
				if k > 0 && end != root {
					return true
				}
				root = end
			}
			ok = true
			return false
		})
		if ok {
			return root, true
		}
	}
	return root, false
}

// noReading says what is wrong when no leaf leads to the root.
func (f *file) noReading(root merkle.Hash) error {
	if agreed, ok := f.agreedRoot(); ok {
		return fault.Newf(fault.Invalid, "the published root is %s, and the proofs lead to the root %s", root, agreed)
	}
	if len(f.claims) == 1 && len(f.claims[0].Proof) == 0 {
		return fault.Newf(fault.Invalid, "the published root is %s, and no leaf of the only claim that is known here is that", root)
	}
	c := &f.claims[0]
	if recipe, ok := Explain(c, root, 0); ok {
		return fault.Newf(fault.Invalid, "the proof of %s does not lead to the published root as it is; %s", c.Name(), recipe.Finding().Text)
	}
	return fault.Newf(fault.Unsupported, "the proof of %s leads to the root %s with no leaf that is known here: the claims may have other values in their leaves than the file has", c.Name(), root)
}

// Name names a claim in messages.
func (c *Claim) Name() string {
	switch {
	case c.Wallet != nil:
		return c.Wallet.String()
	case c.Text != "":
		return c.Text
	case len(c.Values) > 0:
		return c.Values[0].Text
	}
	return "the leaf " + c.Leaf.String()
}

// buildClaims builds the tree that has this root and these proofs.
func (f *file) buildClaims(ctx context.Context, r reading, places []uint64, root merkle.Hash) (*merkle.Tree, error) {
	rows := make([][]byte, len(f.claims))
	for i := range f.claims {
		c := &f.claims[i]
		texts, ok := r.texts(c, places[i])
		if !ok {
			return nil, fault.Newf(fault.Invalid, "the claim of %s has other values than the others", c.Name())
		}
		var err error
		if rows[i], err = r.leaf.AppendRecord(nil, texts); err != nil {
			return nil, fault.Newf(fault.Invalid, "the claim of %s: %s", c.Name(), fault.From(err).Message)
		}
	}
	if err := f.twoClaims(r); err != nil {
		return nil, err
	}
	sided := slices.ContainsFunc(f.claims, func(c Claim) bool { return len(c.Left) > 0 })
	for _, spec := range otherSpecs(merkle.Spec{Leaf: r.leaf}) {
		if spec.Positional && !sided {
			break // without sides no claim could be checked
		}
		tree, err := buildRows(ctx, spec, rows, root)
		if err != nil {
			return nil, err
		}
		if tree != nil {
			return tree, f.compareProofs(tree)
		}
	}
	for i := range f.claims { // which one is wrong?
		c := &f.claims[i]
		leaf := r.leaf.Hash(rows[i])
		if !c.leads(plainWalk, leaf, root) && !c.leads(sidedWalk, leaf, root) {
			return nil, fault.Newf(fault.Invalid, "the published proof of %s leads to %s, and not to the root %s: its values or its proof are wrong", c.Name(), merkle.ProcessProof(leaf, c.Proof), root)
		}
	}
	return nil, fault.Newf(fault.Unsupported, "all %d proofs lead to the root %s, but no tree over these claims alone that is supported here has it: the file may lack leaves of the tree, or join them in another way. Its claims can be checked with verify --proofs", len(f.claims), root)
}

// twoClaims refuses a map of claims in which one wallet occurs twice, which
// Uniswap's form cannot mean.
func (f *file) twoClaims(r reading) error {
	if f.root == nil || f.total == "" || len(r.values) != 3 {
		return nil
	}
	seen := make(map[wallet.Address]int, len(f.claims))
	for i, c := range f.claims {
		if c.Wallet == nil {
			continue
		}
		if first, twice := seen[*c.Wallet]; twice && c.Index != nil && f.claims[first].Index != nil {
			return fault.Newf(fault.Invalid, "%s has two claims, with the indexes %s and %s", c.Wallet, f.claims[first].Index.Dec(), c.Index.Dec())
		}
		seen[*c.Wallet] = i
	}
	return nil
}

// compareProofs compares every proof with that of the tree, node by node.
func (f *file) compareProofs(tree *merkle.Tree) error {
	for i, c := range f.claims {
		proof, err := tree.Proof(i)
		if err != nil {
			return err
		}
		for k := range min(len(proof), len(c.Proof)) {
			if proof[k] != c.Proof[k] {
				return fault.Newf(fault.Invalid, "node %d of the published proof of %s is %s, and in the tree of these claims %s", k, c.Name(), c.Proof[k], proof[k])
			}
		}
		if len(proof) != len(c.Proof) {
			return fault.Newf(fault.Invalid, "the published proof of %s has %d nodes, and in the tree of these claims %d", c.Name(), len(c.Proof), len(proof))
		}
	}
	return nil
}
