package chain

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/ethclient"

	"banyan/platform/wallet"
)

// ErrNoTransaction is the failure of a question about a transaction that is in no
// block of the chain.
var ErrNoTransaction = errors.New("there is no such transaction in a block")

// Transaction is a transaction in a block of the chain, and what it did.
type Transaction struct {
	From, To  wallet.Address // To is zero of one that makes a contract
	Pays      bool           // whether it moves the chain's own coin
	Succeeded bool
	Block     uint64
	BlockHash [32]byte
	TimeMS    int64  // of the block
	Head      uint64 // the newest block then: of several nodes that agree, the lowest
	Events    []Event
}

// Event is what a contract logged.
type Event struct {
	Contract wallet.Address
	Topics   [][32]byte
	Data     []byte
	Index    uint64 // in its block
}

// Transaction returns a transaction and its events. Fails with ErrNoTransaction,
// signature.ErrNoSuchChain, fault.Busy, or what the nodes failed with.
func (c *Chains) Transaction(ctx context.Context, chainID uint64, hash [32]byte) (Transaction, error) {
	type found struct {
		Transaction
		missing bool
	}
	t, err := askFor(ctx, c, chainID, func(ctx context.Context, eth *ethclient.Client) (found, error) {
		t, err := readTransaction(ctx, eth, hash)
		if errors.Is(err, ErrNoTransaction) { // the node's answer, and no failure of it
			return found{missing: true}, nil
		}
		return found{Transaction: t}, err
	}, func(a, b found) (found, bool) {
		a.Head = min(a.Head, b.Head)
		b.Head = a.Head
		return a, reflect.DeepEqual(a, b)
	})
	if err == nil && t.missing {
		err = ErrNoTransaction
	}
	return t.Transaction, err
}

// The answers of nodes, as far as they are read. They are not go-ethereum's types,
// which refuse the transactions of other chains.
type (
	receiptJSON struct {
		From        common.Address  `json:"from"`
		To          *common.Address `json:"to"`
		Status      hexutil.Uint64  `json:"status"`
		BlockNumber *hexutil.Uint64 `json:"blockNumber"`
		BlockHash   common.Hash     `json:"blockHash"`
		Logs        []logJSON       `json:"logs"`
	}
	logJSON struct {
		Address  common.Address `json:"address"`
		Topics   []common.Hash  `json:"topics"`
		Data     hexutil.Bytes  `json:"data"`
		LogIndex hexutil.Uint64 `json:"logIndex"`
	}
	valueJSON struct {
		Value *hexutil.Big `json:"value"`
	}
	blockJSON struct {
		Hash      common.Hash    `json:"hash"`
		Timestamp hexutil.Uint64 `json:"timestamp"`
	}
)

// readTransaction reads a receipt. It counts only if the chain has its block at that
// height: nodes answer about blocks that were dropped, too.
func readTransaction(ctx context.Context, eth *ethclient.Client, hash [32]byte) (t Transaction, err error) {
	head, err := eth.BlockNumber(ctx)
	if err != nil {
		return t, err
	}
	var receipt *receiptJSON
	var value *valueJSON
	var block *blockJSON
	if err := eth.Client().CallContext(ctx, &receipt, "eth_getTransactionReceipt", common.Hash(hash)); err != nil {
		return t, err
	}
	if receipt == nil || receipt.BlockNumber == nil {
		return t, ErrNoTransaction
	}
	if err := eth.Client().CallContext(ctx, &value, "eth_getTransactionByHash", common.Hash(hash)); err != nil {
		return t, err
	}
	if err := eth.Client().CallContext(ctx, &block, "eth_getBlockByNumber", *receipt.BlockNumber, false); err != nil {
		return t, err
	}
	if value == nil || value.Value == nil || block == nil || block.Hash != receipt.BlockHash {
		return t, ErrNoTransaction
	}
	const mostSeconds = 1 << 40 // the year 36812: a later one is no time
	if block.Timestamp > mostSeconds {
		return t, fmt.Errorf("its block %d has no time", *receipt.BlockNumber)
	}
	t = Transaction{
		From: wallet.Address(receipt.From), Pays: value.Value.ToInt().Sign() > 0, Succeeded: receipt.Status == 1,
		Block: uint64(*receipt.BlockNumber), BlockHash: receipt.BlockHash, TimeMS: int64(block.Timestamp) * 1000, Head: max(head, uint64(*receipt.BlockNumber)),
	}
	if receipt.To != nil {
		t.To = wallet.Address(*receipt.To)
	}
	for _, l := range receipt.Logs {
		e := Event{Contract: wallet.Address(l.Address), Data: l.Data, Index: uint64(l.LogIndex)}
		for _, topic := range l.Topics {
			e.Topics = append(e.Topics, topic)
		}
		t.Events = append(t.Events, e)
	}
	return t, nil
}
