package chain

import (
	"context"
	"errors"
	"strings"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/ethclient"

	"banyan/platform/wallet"
)

// Knows reports whether the settings name a node of a chain.
func (c *Chains) Knows(chainID uint64) bool { return c.byID[chainID] != nil }

// ErrReverted is the failure of a call that the contract refuses.
var ErrReverted = errors.New("the contract refuses the call")

// answer is what a contract answers, or that it has refused.
type answer struct {
	out      string
	reverted bool
}

// Call returns what a contract answers, at the newest block. It fails with
// ErrReverted, signature.ErrNoSuchChain, fault.Busy, or what the nodes failed with.
func (c *Chains) Call(ctx context.Context, chainID uint64, to wallet.Address, data []byte) ([]byte, error) {
	return c.CallAt(ctx, chainID, common.Hash{}, to, data)
}

// CallAt is Call after the block of this hash, the newest for none: what several calls
// answer is then of one state. A node may have dropped the states of old blocks.
func (c *Chains) CallAt(ctx context.Context, chainID uint64, block common.Hash, to wallet.Address, data []byte) ([]byte, error) {
	at := common.Address(to)
	a, err := ask(ctx, c, chainID, func(ctx context.Context, eth *ethclient.Client) (answer, error) {
		call := ethereum.CallMsg{To: &at, Data: data, Gas: c.gas}
		var out []byte
		var err error
		if block == (common.Hash{}) {
			out, err = eth.CallContract(ctx, call, nil)
		} else {
			out, err = eth.CallContractAtHash(ctx, call, block)
		}
		if err != nil && strings.Contains(strings.ToLower(err.Error()), "revert") { // the contract's answer, and no failure of the node
			return answer{reverted: true}, nil
		}
		return answer{out: string(out)}, err
	})
	if err == nil && a.reverted {
		err = ErrReverted
	}
	return []byte(a.out), err
}

// CodeSince returns the first block at which an account has code, by halving: each
// answer needs the state of an old block, which many nodes do not keep. It fails as
// Call does; and 0 means that there is no code now.
func (c *Chains) CodeSince(ctx context.Context, chainID uint64, account wallet.Address) (block uint64, err error) {
	return ask(ctx, c, chainID, func(ctx context.Context, eth *ethclient.Client) (uint64, error) {
		head, err := eth.BlockNumber(ctx)
		if err != nil {
			return 0, err
		}
		hasCode := func(at uint64) (bool, error) {
			code, err := eth.CodeAt(ctx, common.Address(account), newBig(at))
			return len(code) > 0, err
		}
		if has, err := hasCode(head); err != nil || !has {
			return 0, err
		}
		least, most := uint64(0), head
		for least < most {
			middle := least + (most-least)/2
			has, err := hasCode(middle)
			if err != nil {
				return 0, err
			}
			if has {
				most = middle
			} else {
				least = middle + 1
			}
		}
		return most, nil
	})
}
