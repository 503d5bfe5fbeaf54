package chain

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"

	"banyan/platform/periodic"
	"banyan/platform/wallet"
)

const (
	// confirmedWithin bounds the wait for a transaction to be in a block.
	confirmedWithin = 15 * time.Minute
	lookEvery       = 2 * time.Second
)

// Sender sends the transactions of one key on one chain, one after the other.
type Sender struct {
	chains *Chains
	chain  uint64
	key    *ecdsa.PrivateKey
}

// Sender returns the sender of a key; it asks nothing yet.
func (c *Chains) Sender(chainID uint64, key *ecdsa.PrivateKey) *Sender {
	return &Sender{chains: c, chain: chainID, key: key}
}

// From is the key's account.
func (s *Sender) From() wallet.Address {
	return wallet.Address(crypto.PubkeyToAddress(s.key.PublicKey))
}

// Coins is how much of the chain's own coin the account has, in its smallest unit.
func (s *Sender) Coins(ctx context.Context) (*big.Int, error) {
	text, err := ask(ctx, s.chains, s.chain, func(ctx context.Context, eth *ethclient.Client) (string, error) {
		has, err := eth.BalanceAt(ctx, common.Address(s.From()), nil)
		if err != nil {
			return "", err
		}
		return has.String(), nil
	})
	has, _ := new(big.Int).SetString(text, 10)
	return has, err
}

// Sent is a transaction in a block.
type Sent struct {
	Hash  common.Hash
	Block uint64
}

// ErrRefused is the failure of a transaction that the contract refuses, before it is sent
// or in its block.
var ErrRefused = errors.New("the contract refuses the transaction")

// Send sends a transaction, and returns when it is in a block and has succeeded. It is
// tried first: one that the contract would refuse fails with ErrRefused and costs nothing.
// After another failure nobody knows whether it was sent: look before sending it again.
func (s *Sender) Send(ctx context.Context, to wallet.Address, data []byte) (Sent, error) {
	hash, err := ask(ctx, s.chains, s.chain, func(ctx context.Context, eth *ethclient.Client) (common.Hash, error) {
		tx, err := s.signed(ctx, eth, common.Address(to), data)
		if err != nil {
			return common.Hash{}, err
		}
		return tx.Hash(), eth.SendTransaction(ctx, tx)
	})
	if err != nil {
		return Sent{}, err
	}
	return s.confirmed(ctx, hash)
}

func (s *Sender) signed(ctx context.Context, eth *ethclient.Client, to common.Address, data []byte) (*types.Transaction, error) {
	from := common.Address(s.From())
	gas, err := eth.EstimateGas(ctx, ethereum.CallMsg{From: from, To: &to, Data: data})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	nonce, err := eth.PendingNonceAt(ctx, from)
	if err != nil {
		return nil, err
	}
	head, err := eth.HeaderByNumber(ctx, nil)
	if err != nil {
		return nil, err
	}
	tip, err := eth.SuggestGasTipCap(ctx)
	if err != nil {
		return nil, err
	}
	most := new(big.Int).Set(tip)
	if head.BaseFee != nil { // it may double until the transaction has its turn
		most.Add(most, new(big.Int).Lsh(head.BaseFee, 1))
	}
	id := new(big.Int).SetUint64(s.chain)
	return types.SignNewTx(s.key, types.LatestSignerForChainID(id), &types.DynamicFeeTx{
		ChainID: id, Nonce: nonce, To: &to, Data: data, Gas: gas + gas/5, GasFeeCap: most, GasTipCap: tip,
	})
}

// confirmed waits until a transaction is in a block.
func (s *Sender) confirmed(ctx context.Context, hash common.Hash) (Sent, error) {
	ctx, cancel := context.WithTimeout(ctx, confirmedWithin)
	defer cancel()
	for {
		t, err := s.chains.Transaction(ctx, s.chain, hash)
		switch {
		case err == nil && !t.Succeeded:
			return Sent{}, fmt.Errorf("the transaction %s is in block %d: %w", hash, t.Block, ErrRefused)
		case err == nil:
			return Sent{Hash: hash, Block: t.Block}, nil
		}
		if periodic.Sleep(ctx, lookEvery) != nil {
			return Sent{}, fmt.Errorf("the transaction %s is in no block yet: look for it before it is sent again: %w", hash, errors.Join(err, ctx.Err()))
		}
	}
}
