package published

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/holiman/uint256"

	"banyan/platform/fault"
	"banyan/platform/merkle"
)

// WriteUniswap writes a tree as Uniswap's merkle-distributor does: amounts in
// whole bytes of hex, claims in the order of the wallets' EIP-55 text. It fails
// with fault.Unsupported on other formats, and where a wallet has two claims.
func WriteUniswap(ctx context.Context, out io.Writer, tree *merkle.Tree) error {
	if tree.Format() != merkle.Uniswap {
		return fault.Newf(fault.Unsupported, "Uniswap has no form of trees of the format %s: build it with uniswap", tree.Format())
	}
	rows, err := bySpelling(tree)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(out, 256<<10)
	total := tree.Total()
	line := fmt.Appendf(nil, `{"merkleRoot":"%s","tokenTotal":"%s","claims":{`, tree.Root(), evenHex(&total))
	var proof []merkle.Hash
	for k, i := range rows {
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

// bySpelling returns the rows in the order of their wallets' EIP-55 text.
func bySpelling(tree *merkle.Tree) ([]int, error) {
	type named struct {
		text string
		row  int
	}
	all := make([]named, tree.Count())
	for k := range all {
		row, err := tree.Ranked(k)
		if err != nil {
			return nil, err
		}
		e, err := tree.At(row)
		if err != nil {
			return nil, err
		}
		all[k] = named{e.Wallet.String(), row}
		if k > 0 && all[k].text == all[k-1].text {
			return nil, fault.Newf(fault.Unsupported, "%s has several claims, and Uniswap's form has one for each wallet: export as csv or shards", all[k].text)
		}
	}
	slices.SortFunc(all, func(a, b named) int { return cmp.Compare(a.text, b.text) })
	rows := make([]int, len(all))
	for k, n := range all {
		rows[k] = n.row
	}
	return rows, nil
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
