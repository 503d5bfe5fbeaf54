//go:build devchain

package chaintest

import (
	"math/big"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"banyan/platform/chain/devchain"
)

// Pass has time pass on a chain: an empty block is sealed that much after the last.
func Pass(t testing.TB, c *devchain.Chain, d time.Duration) {
	t.Helper()
	if err := c.Ethereum().TxPool().Sync(); err != nil { // what the last block has is not waiting any more
		t.Fatal(err)
	}
	if err := c.Beacon().AdjustTime(d); err != nil {
		t.Fatal(err)
	}
}

// Reorganise replaces the last depth blocks of a chain by depth+1 others in one
// switch, as readers of its JSON-RPC see it at the end. fill is called before each
// new block is sealed.
func Reorganise(t testing.TB, c *devchain.Chain, depth int, fill func()) {
	t.Helper()
	chain := c.Ethereum().BlockChain()
	old := chain.CurrentBlock()
	parent := chain.GetBlockByNumber(new(big.Int).Sub(old.Number, big.NewInt(int64(depth))).Uint64())
	setCanonical := func(b *types.Block) {
		if _, err := chain.SetCanonical(b); err != nil {
			t.Fatal(err)
		}
	}
	setCanonical(parent)
	if err := c.Ethereum().TxPool().Sync(); err != nil {
		t.Fatal(err)
	}
	c.Beacon().Rollback() // what was dropped waits again
	for range depth + 1 {
		fill()
		c.Commit()
	}
	tip := chain.GetBlockByHash(chain.CurrentBlock().Hash())
	setCanonical(chain.GetBlockByHash(old.Hash()))
	setCanonical(tip)
	if err := c.Ethereum().TxPool().Sync(); err != nil {
		t.Fatal(err)
	}
	c.Beacon().Rollback() // what the old blocks had waits again
}

// Events are those of a contract that the chain has now, from its receipts: a node's index
// of events may stay behind a chain that was switched twice, until the next block.
func Events(c *devchain.Chain, of common.Address) (all []types.Log) {
	blocks := c.Ethereum().BlockChain()
	for n := range blocks.CurrentBlock().Number.Uint64() + 1 {
		for _, receipt := range blocks.GetReceiptsByHash(blocks.GetCanonicalHash(n)) {
			for _, e := range receipt.Logs {
				if e.Address == of {
					all = append(all, *e)
				}
			}
		}
	}
	return all
}
