package offline

import (
	"fmt"

	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/wallet"
)

// Claim is what one wallet needs to claim.
type Claim struct {
	Address wallet.Address `json:"address"`
	Index   uint64         `json:"index"`
	Amount  string         `json:"amount"` // in base units, decimal
	Leaf    merkle.Hash    `json:"leaf"`
	Proof   []merkle.Hash  `json:"proof"`
	Root    merkle.Hash    `json:"root"`
}

// Proof looks a wallet up in a tree file. Fails with fault.NotFound when it is
// not on the list.
func (r Runner) Proof(tree, address string) (claim Claim, err error) {
	if tree == "" {
		return Claim{}, fault.UsageOf("--tree", "name the tree file")
	}
	written, err := wallet.Read(address, 0)
	if err != nil {
		return Claim{}, fault.UsageOf("ADDRESS", fault.From(err).Message)
	}
	who := written.Address
	t, err := merkle.Open(tree)
	if err != nil {
		return Claim{}, err
	}
	defer func() {
		if closeErr := t.Close(); err == nil && closeErr != nil {
			err = closeErr
		}
	}()
	at, found, err := t.Find(who)
	if err != nil {
		return Claim{}, fmt.Errorf("%s: %w", tree, err)
	}
	if !found {
		return Claim{}, fault.Newf(fault.NotFound, "%s is not on the list of this tree", who)
	}
	if claim, err = ClaimOf(t, at); err != nil {
		return Claim{}, fmt.Errorf("%s: %w", tree, err)
	}
	return claim, nil
}

// ClaimOf returns the claim of row i.
func ClaimOf(t *merkle.Tree, i int) (Claim, error) {
	e, err := t.At(i)
	if err != nil {
		return Claim{}, err
	}
	leaf, err := t.Leaf(i)
	if err != nil {
		return Claim{}, err
	}
	proof, err := t.AppendProof(make([]merkle.Hash, 0, 32), i) // [] in JSON when it is empty
	if err != nil {
		return Claim{}, err
	}
	return Claim{Address: e.Wallet, Index: e.Index, Amount: e.Amount.Dec(), Leaf: leaf, Proof: proof, Root: t.Root()}, nil
}
