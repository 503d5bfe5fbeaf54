package published

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/holiman/uint256"

	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/wallet"
)

// claim is an entry of a Uniswap result.
type claim struct {
	address string
	Index   uint64        `json:"index"`
	Amount  string        `json:"amount"`
	Proof   []merkle.Hash `json:"proof"`
}

func (f *file) uniswap(ctx context.Context) (*merkle.Tree, error) {
	slices.SortStableFunc(f.claims, func(a, b claim) int {
		switch {
		case a.Index < b.Index:
			return -1
		case a.Index > b.Index:
			return 1
		}
		return 0
	})
	list := merkle.NewList()
	for i, c := range f.claims {
		e := merkle.Entry{Index: c.Index}
		var err error
		if e.Wallet, err = wallet.Parse(c.address); err != nil {
			return nil, fmt.Errorf("claim of %q: %w", c.address, err)
		}
		amount, err := parseNumber(c.Amount)
		if err != nil {
			return nil, fmt.Errorf("claim of %q: %w", c.address, err)
		}
		if i > 0 && f.claims[i-1].Index == c.Index {
			return nil, fault.Newf(fault.Invalid, "%s and %s have the same index %d", f.claims[i-1].address, c.address, c.Index)
		}
		e.Amount = *amount
		if err := list.AppendIndexed(e); err != nil {
			return nil, err
		}
	}
	for first, again := range list.Duplicates() {
		return nil, fault.Newf(fault.Invalid, "%s has two claims, with the indexes %d and %d", list.At(first).Wallet, list.At(first).Index, list.At(again).Index)
	}
	tree, err := merkle.Build(ctx, merkle.Uniswap, list, merkle.Options{})
	if err != nil {
		return nil, err
	}
	return tree, f.compareClaims(tree)
}

// compareClaims compares the result with the tree built from its claims.
func (f *file) compareClaims(tree *merkle.Tree) error {
	if tree.Root() != *f.MerkleRoot {
		return fault.Newf(fault.Invalid, "the published root is %s, and the claims have the root %s", f.MerkleRoot, tree.Root())
	}
	total, err := parseNumber(f.TokenTotal)
	if err != nil {
		return fmt.Errorf("tokenTotal: %w", err)
	}
	if sum := tree.Total(); !sum.Eq(total) {
		return fault.Newf(fault.Invalid, "the published total is %s, and the claims add up to %s", total.Dec(), sum.Dec())
	}
	for i, c := range f.claims {
		proof, err := tree.Proof(i)
		if err != nil {
			return err
		}
		if !slices.Equal(proof, c.Proof) {
			return fault.Newf(fault.Invalid, "the published proof of %s is not the one of the tree of these claims", c.address)
		}
	}
	return nil
}

// WriteUniswap writes a tree as Uniswap's merkle-distributor does: amounts in
// hex, claims by address. It fails with fault.Unsupported on other formats.
func WriteUniswap(ctx context.Context, out io.Writer, tree *merkle.Tree) error {
	if tree.Format() != merkle.Uniswap {
		return fault.Newf(fault.Unsupported, "Uniswap has no form of trees of the format %s: build it with uniswap", tree.Format())
	}
	w := bufio.NewWriterSize(out, 256<<10)
	total := tree.Total()
	line := fmt.Appendf(nil, `{"merkleRoot":"%s","tokenTotal":"%s","claims":{`, tree.Root(), total.Hex())
	var proof []merkle.Hash
	for k := range tree.Count() {
		i, err := tree.Ranked(k)
		if err != nil {
			return err
		}
		e, err := tree.At(i)
		if err != nil {
			return err
		}
		if proof, err = tree.AppendProof(proof[:0], i); err != nil {
			return err
		}
		line = appendAddress(separate(line, k), e.Wallet)
		line = strconv.AppendUint(append(line, `:{"index":`...), e.Index, 10)
		line = append(append(line, `,"amount":"`...), evenHex(&e.Amount)...)
		line = append(line, `","proof":`...)
		line = append(AppendProof(line, proof), '}')
		if line, err = flush(ctx, w, line); err != nil {
			return err
		}
	}
	if _, err := w.Write(append(line, "}}\n"...)); err != nil {
		return err
	}
	return w.Flush()
}

// AppendProof appends a proof as a JSON array.
func AppendProof(line []byte, proof []merkle.Hash) []byte {
	line = append(line, '[')
	for i, node := range proof {
		line = appendHash(separate(line, i), node)
	}
	return append(line, ']')
}

// evenHex formats whole bytes, as ethers does.
func evenHex(amount *uint256.Int) string {
	digits := strings.TrimPrefix(amount.Hex(), "0x")
	if len(digits)%2 == 1 {
		digits = "0" + digits
	}
	return "0x" + digits
}
