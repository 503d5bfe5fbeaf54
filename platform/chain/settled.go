package chain

import (
	"context"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/rpc"
)

// Settled returns a block by its number, and the newest block that no reorganisation
// replaces any more: one that the node calls final and that is 64 blocks old. Block is
// zero when number is newer than that. Of nodes that agree, settled is the oldest's. It
// fails as Call does.
func (c *Chains) Settled(ctx context.Context, chainID, number uint64) (block Block, settled uint64, err error) {
	type found struct {
		block   Block
		settled uint64
	}
	a, err := askFor(ctx, c, chainID, func(ctx context.Context, eth *ethclient.Client) (f found, err error) {
		head, err := eth.HeaderByNumber(ctx, nil)
		if err != nil {
			return f, err
		}
		step := Step{Head: head.Number.Uint64(), Final: head.Number.Uint64()}
		if final, err := eth.HeaderByNumber(ctx, big.NewInt(int64(rpc.FinalizedBlockNumber))); err == nil {
			step.Final = final.Number.Uint64()
		}
		if f.settled = step.settled(); number > f.settled {
			return f, nil
		}
		h, err := eth.HeaderByNumber(ctx, newBig(number))
		if err != nil {
			return f, err
		}
		f.block = Block{Number: number, Hash: h.Hash(), Parent: h.ParentHash, Time: h.Time}
		return f, nil
	}, func(a, b found) (found, bool) {
		a.settled = min(a.settled, b.settled)
		if a.block.Hash == (common.Hash{}) || b.block.Hash == (common.Hash{}) { // one is behind
			a.block = Block{}
			return a, true
		}
		return a, a.block == b.block
	})
	if err != nil {
		return Block{}, 0, fmt.Errorf("read block %d: %w", number, err)
	}
	return a.block, a.settled, nil
}
