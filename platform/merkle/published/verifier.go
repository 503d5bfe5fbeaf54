package published

import (
	"strconv"
	"sync"

	"banyan/platform/merkle"
)

func decimal(n uint64) string { return strconv.FormatUint(n, 10) }

// mostExplained bounds how many claims of a file are explained from the
// beginning; the others are tried with what was found then.
const mostExplained = 24

// Explainer explains failing claims of one file. Most of them fail for one
// reason, so that what was found for one is tried on the next first. It is safe
// for concurrent use.
type Explainer struct {
	format merkle.Format // what was expected
	root   merkle.Hash

	mu    sync.Mutex
	found []Recipe
	left  int
}

// NewExplainer returns an explainer of claims that do not lead to root in format;
// "" where nobody knows the format.
func NewExplainer(format merkle.Format, root merkle.Hash) *Explainer {
	return &Explainer{format: format, root: root, left: mostExplained}
}

// Explain says what a claim's proof does lead to, "" when nothing is known. at is
// its place in the file.
func (e *Explainer) Explain(c *Claim, at uint64) (finding Finding, found bool) {
	if own, ok := e.ownRoot(c, at); ok {
		return own, true
	}
	e.mu.Lock()
	known := e.found
	e.mu.Unlock()
	for _, r := range known {
		if r.Holds(c, e.root, at) {
			return r.Finding(), true
		}
	}
	e.mu.Lock()
	may := e.left > 0
	e.left--
	e.mu.Unlock()
	if !may {
		return Finding{}, false
	}
	if r, ok := Explain(c, e.root, at); ok {
		e.mu.Lock()
		e.found = append(e.found, r)
		e.mu.Unlock()
		return r.Finding(), true
	}
	return fromLeaf(c, e.root)
}

// ownRoot reports a claim whose proof leads to the root that stands in it, which
// is not the one that was asked for.
func (e *Explainer) ownRoot(c *Claim, at uint64) (finding Finding, found bool) {
	if c.Root == nil || *c.Root == e.root || e.format == "" {
		return Finding{}, false
	}
	claimed, err := c.Bind(e.format, &at)
	if err != nil {
		return Finding{}, false
	}
	if !claimed.Verify(e.format, *c.Root) {
		return Finding{}, false
	}
	spec := e.format.Spec()
	return Finding{
		Format: e.format, Choices: spec.Choices(), Solidity: spec.Leaf.Solidity(),
		Text: "it leads to the root " + c.Root.String() + ", which stands in the claim: it is of another tree, or the root that was given is",
	}, true
}

// fromLeaf reports a claim whose proof leads from the leaf that stands in it.
func fromLeaf(c *Claim, root merkle.Hash) (Finding, bool) {
	if c.Leaf == nil {
		return Finding{}, false
	}
	switch {
	case c.leads(plainWalk, *c.Leaf, root):
		return Finding{Text: "it does from the leaf " + c.Leaf.String() + " that stands in the claim, so that the tree is right, and the leaf is made of other values, or in a way that is not known here"}, true
	case c.leads(sidedWalk, *c.Leaf, root):
		return Finding{Text: "it does from the leaf " + c.Leaf.String() + " that stands in the claim, with pairs hashed left before right; the leaf is made of other values, or in a way that is not known here"}, true
	case merkle.ProcessProof(root, c.Proof) == *c.Leaf:
		return Finding{Text: "it leads from the root that was given to the leaf that stands in the claim: root and leaf are swapped"}, true
	}
	return Finding{}, false
}

// right reports whether a recipe is that of a right claim.
func (r Recipe) right() bool {
	return r.shift == 0 && r.text == 0 && (r.walk == plainWalk || r.walk == sidedWalk)
}
