package offline

import (
	"fmt"
	"strings"

	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/wallet"
)

// MaxClaims is the most rows of one wallet that an answer has.
const MaxClaims = 1000

// Claim is what one row needs to be claimed.
type Claim struct {
	Address *wallet.Address `json:"address,omitempty"` // nil: the leaves of the tree have no wallet
	Index   *uint64         `json:"index,omitempty"`   // nil where leaves have other values
	Amount  string          `json:"amount,omitempty"`  // in base units, decimal
	Values  []string        `json:"values,omitempty"`  // of leaves that are not wallet, amount and index alone, in the leaf's order
	Leaf    merkle.Hash     `json:"leaf"`
	Proof   []merkle.Hash   `json:"proof"`
	// Sides is where each node of the proof is, "left" or "right", in a tree whose
	// pairs are not sorted.
	Sides []string    `json:"sides,omitempty"`
	Root  merkle.Hash `json:"root"`
	// Claims are all claims of a wallet that has several; the fields above are
	// those of the first one.
	Claims []Claim `json:"claims,omitempty"`
	Rows   int     `json:"rows,omitempty"` // how many the wallet has, where they are more than MaxClaims
}

// ProofQuery names what is looked up in a tree file.
type ProofQuery struct {
	Tree string
	// Key is a wallet, or a leaf: 0x and 64 hex digits.
	Key string
	Row int // from 0, when Key is ""
}

// Proof looks a row up in a tree file. It fails with fault.NotFound when it is
// not on the list.
func (r Runner) Proof(q ProofQuery) (claim Claim, err error) {
	if q.Tree == "" {
		return Claim{}, fault.UsageOf("--tree", "name the tree file")
	}
	var who wallet.Address
	leaf, isLeaf := leafKey(q.Key)
	if q.Key != "" && !isLeaf {
		written, err := wallet.Read(q.Key, 0)
		if err != nil {
			return Claim{}, fault.UsageOf("ADDRESS", fault.From(err).Message)
		}
		who = written.Address
	}
	t, err := merkle.Open(q.Tree)
	if err != nil {
		return Claim{}, err
	}
	defer func() {
		if closeErr := t.Close(); err == nil && closeErr != nil {
			err = closeErr
		}
	}()
	var rows []int
	count := 1
	switch {
	case q.Key == "":
		rows = []int{q.Row}
	case isLeaf:
		rows, err = rowOfLeaf(t, leaf)
	default:
		rows, count, err = RowsOf(t, who)
	}
	if err != nil {
		return Claim{}, fmt.Errorf("%s: %w", q.Tree, err)
	}
	if claim, err = claimOf(t, rows); err != nil {
		return Claim{}, fmt.Errorf("%s: %w", q.Tree, err)
	}
	if count > len(rows) {
		claim.Rows = count
	}
	return claim, nil
}

// leafKey reads a key that is a leaf and no wallet.
func leafKey(key string) (merkle.Hash, bool) {
	leaf, err := merkle.ParseHash(key)
	return leaf, err == nil
}

// RowsOf returns the rows of a wallet, up to MaxClaims of them, and how many
// there are. It fails with fault.NotFound when there is none.
func RowsOf(t *merkle.Tree, who wallet.Address) (rows []int, count int, err error) {
	if at, _ := t.Spec().Leaf.Roles(); at < 0 {
		return nil, 0, fault.Newf(fault.NotFound, "the leaves of this tree are (%s), without a wallet: look a row up by its leaf or its number (--row)", strings.Join(t.Spec().Leaf.Types(), ", "))
	}
	err = t.FindAll(who, func(row int) bool {
		if count++; len(rows) < MaxClaims {
			rows = append(rows, row)
		}
		return true
	})
	if err != nil {
		return nil, 0, err
	}
	if len(rows) == 0 {
		return nil, 0, fault.Newf(fault.NotFound, "%s is not on the list of this tree: check the address, and that the file is of the right campaign", who)
	}
	return rows, count, nil
}

// rowOfLeaf returns the row that has this leaf.
func rowOfLeaf(t *merkle.Tree, leaf merkle.Hash) ([]int, error) {
	for i := range t.Count() {
		is, err := t.Leaf(i)
		if err != nil {
			return nil, err
		}
		if is == leaf {
			return []int{i}, nil
		}
	}
	return nil, fault.Newf(fault.NotFound, "no row of this tree has the leaf %s: check that it was copied whole, and that the file is of the right campaign", leaf)
}

func claimOf(t *merkle.Tree, rows []int) (Claim, error) {
	claims := make([]Claim, 0, len(rows))
	for _, row := range rows {
		c, err := ClaimOf(t, row)
		if err != nil {
			return Claim{}, err
		}
		claims = append(claims, c)
	}
	first := claims[0]
	if len(claims) > 1 {
		first.Claims = claims
	}
	return first, nil
}

// ClaimOf returns the claim of row i.
func ClaimOf(t *merkle.Tree, i int) (Claim, error) {
	e, err := t.At(i)
	if err != nil {
		return Claim{}, err
	}
	leaf, proof, err := t.Prove(make([]merkle.Hash, 0, 32), i) // [] in JSON when it is empty
	if err != nil {
		return Claim{}, err
	}
	left, err := t.LeftSides(i)
	if err != nil {
		return Claim{}, err
	}
	c := Claim{Leaf: leaf, Proof: proof, Sides: merkle.SideNames(left), Root: t.Root()}
	who, amount := t.Spec().Leaf.Roles()
	if who >= 0 {
		c.Address = &e.Wallet
	}
	if amount >= 0 {
		c.Amount = e.Amount.Dec()
	}
	if !t.Typed() {
		c.Index = &e.Index
		return c, nil
	}
	c.Values, err = t.Values(i)
	return c, err
}
