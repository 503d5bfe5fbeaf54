package chain

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/rpc"

	"banyan/platform/wallet"
)

// CallFilter says which transactions count.
type CallFilter struct {
	To     wallet.Address
	Method []byte // with which the data begins; none: whatever the data is
}

// SentCall is a transaction that an account has signed and sent to a contract, and that was not
// reverted. Calls by other contracts are no transactions of their own and not found.
type SentCall struct {
	From  wallet.Address
	Block uint64
	Hash  common.Hash
}

// CallStep is what a range of blocks has.
type CallStep struct {
	Last Block      // of the range
	Sent []SentCall // in the order of the chain
}

const (
	firstFull = 8  // blocks with all their transactions that are asked for at first
	mostFull  = 64 // and at most

	mostReceipts = 20 // in one batch: each has all the events of its transaction
)

// CallReader reads all transactions of ranges of blocks, step by step. It remembers
// only how many blocks the nodes answer at once.
type CallReader struct {
	chains *Chains
	chain  uint64
	filter CallFilter
	width  uint64
}

// Calls returns a reader; it asks nothing yet.
func (c *Chains) Calls(chainID uint64, f CallFilter) *CallReader {
	return &CallReader{chains: c, chain: chainID, filter: f, width: firstFull}
}

// Next reads from block first on, to block last at most, which has to be settled (see
// Settled). before is the last block of the step before; without a hash there was none.
// It fails as Call does.
func (r *CallReader) Next(ctx context.Context, before Block, first, last uint64) (CallStep, error) {
	ctx = context.WithValue(ctx, manyEvents{}, true)
	width := r.width // the same for each node, so that their steps can be compared
	step, err := askWithin(ctx, r.chains, r.chain, 6*r.chains.timeout, func(ctx context.Context, eth *ethclient.Client) (CallStep, error) {
		for range tries {
			step, err := r.filter.read(ctx, eth, before, first, min(last, first+width-1))
			wide := false
			if err != nil {
				wide, _ = tooWide(err)
			}
			if !wide || width == 1 {
				return step, err
			}
			width = max(1, width/2)
		}
		return CallStep{}, fmt.Errorf("it refuses the transactions of block %d", first)
	}, func(a, b CallStep) (CallStep, bool) {
		if a.Last.Number > b.Last.Number { // the other answers fewer blocks at once
			a, b = b, a
		}
		upTo := slices.DeleteFunc(slices.Clone(b.Sent), func(s SentCall) bool { return s.Block > a.Last.Number })
		return a, (a.Last.Number < b.Last.Number || a.Last == b.Last) && slices.Equal(a.Sent, upTo)
	})
	r.width = width
	if err == nil {
		r.width = min(mostFull, width+width/4+1)
	}
	return step, err
}

// fullBlock is a block with its transactions, as far as they are read. They are not
// go-ethereum's types, which refuse the transactions of other chains.
type fullBlock struct {
	Number       hexutil.Uint64 `json:"number"`
	Hash         common.Hash    `json:"hash"`
	ParentHash   common.Hash    `json:"parentHash"`
	Timestamp    hexutil.Uint64 `json:"timestamp"`
	Transactions []struct {
		Hash  common.Hash     `json:"hash"`
		From  common.Address  `json:"from"`
		To    *common.Address `json:"to"`
		Input hexutil.Bytes   `json:"input"`
	} `json:"transactions"`
}

// outcome is what is read of a receipt.
type outcome struct {
	From        common.Address  `json:"from"`
	BlockNumber *hexutil.Uint64 `json:"blockNumber"`
	Status      *hexutil.Uint64 `json:"status"`
}

// read reads the transactions of blocks that follow on before.
func (f CallFilter) read(ctx context.Context, eth *ethclient.Client, before Block, from, to uint64) (step CallStep, err error) {
	blocks := make([]*fullBlock, to-from+1)
	batch := make([]rpc.BatchElem, len(blocks))
	for i := range blocks {
		batch[i] = rpc.BatchElem{Method: "eth_getBlockByNumber", Args: []any{fmt.Sprintf("0x%x", from+uint64(i)), true}, Result: &blocks[i]}
	}
	if err := inOneBatch(ctx, eth, batch); err != nil {
		return step, err
	}
	step.Last = before
	for i, b := range blocks {
		switch {
		case b == nil:
			return CallStep{}, fmt.Errorf("it does not have block %d: it keeps no old blocks, or is behind", from+uint64(i))
		case uint64(b.Number) != from+uint64(i):
			return CallStep{}, fmt.Errorf("it answers with the block %d for %d", b.Number, from+uint64(i))
		case step.Last.Hash != (common.Hash{}) && b.ParentHash != step.Last.Hash:
			return CallStep{}, fmt.Errorf("its block %d does not follow on block %d: %w", b.Number, step.Last.Number, errTorn)
		}
		step.Last = Block{Number: uint64(b.Number), Hash: b.Hash, Parent: b.ParentHash, Time: uint64(b.Timestamp)}
		for _, t := range b.Transactions {
			if t.To != nil && wallet.Address(*t.To) == f.To && bytes.HasPrefix(t.Input, f.Method) {
				step.Sent = append(step.Sent, SentCall{From: wallet.Address(t.From), Block: uint64(b.Number), Hash: t.Hash})
			}
		}
	}
	step.Sent, err = succeeded(ctx, eth, step.Sent)
	return step, err
}

// succeeded returns the transactions that were not reverted, which their receipts say.
func succeeded(ctx context.Context, eth *ethclient.Client, sent []SentCall) (good []SentCall, err error) {
	for part := range slices.Chunk(sent, mostReceipts) {
		receipts := make([]*outcome, len(part))
		batch := make([]rpc.BatchElem, len(part))
		for i, s := range part {
			batch[i] = rpc.BatchElem{Method: "eth_getTransactionReceipt", Args: []any{s.Hash}, Result: &receipts[i]}
		}
		if err := inOneBatch(ctx, eth, batch); err != nil {
			return nil, err
		}
		for i, r := range receipts {
			if r == nil || r.BlockNumber == nil || uint64(*r.BlockNumber) != part[i].Block || wallet.Address(r.From) != part[i].From {
				return nil, fmt.Errorf("it has no receipt of the transaction %s in block %d: it keeps no old receipts, or is behind", part[i].Hash, part[i].Block)
			}
			if r.Status == nil {
				return nil, fmt.Errorf("the receipt of the transaction %s does not say whether it succeeded: Ethereum's say so from block 4,370,000 on", part[i].Hash)
			}
			if *r.Status == 1 {
				good = append(good, part[i])
			}
		}
	}
	return good, nil
}

// inOneBatch sends requests together; one that fails fails all.
func inOneBatch(ctx context.Context, eth *ethclient.Client, batch []rpc.BatchElem) error {
	if err := eth.Client().BatchCallContext(ctx, batch); err != nil {
		return err
	}
	for _, b := range batch {
		if b.Error != nil {
			return b.Error
		}
	}
	return nil
}
