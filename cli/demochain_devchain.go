//go:build devchain

package cli

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"banyan/platform/chain/devchain"
	"banyan/platform/wallet"
)

// ownChain is a development chain with a team that has tokens.
type ownChain struct {
	*devchain.Chain
	team *ecdsa.PrivateKey
}

// startDemoChain starts a chain on which the visitor's wallet has ether.
func startDemoChain(visitor wallet.Address) (demoChain, error) {
	team, err := crypto.GenerateKey()
	if err != nil {
		return nil, err
	}
	c, err := devchain.Start(devchain.Options{Funded: []common.Address{common.Address(visitor), crypto.PubkeyToAddress(team.PublicKey)}})
	if err != nil {
		return nil, err
	}
	return &ownChain{Chain: c, team: team}, nil
}

func (c *ownChain) Number() uint64 { return devchain.ID }

func (c *ownChain) Team() wallet.Address {
	return wallet.Address(crypto.PubkeyToAddress(c.team.PublicKey))
}

// Token implements demo.Chain.
func (c *ownChain) Token(ctx context.Context, name, symbol string, decimals uint8) (wallet.Address, error) {
	data, err := devchain.TokenDeployment(name, symbol, decimals)
	if err != nil {
		return wallet.Address{}, err
	}
	hash, err := c.sign(ctx, c.team, nil, data)
	if err != nil {
		return wallet.Address{}, err
	}
	receipt, err := c.confirmed(ctx, hash)
	if err != nil {
		return wallet.Address{}, err
	}
	return wallet.Address(receipt.ContractAddress), nil
}

// Call implements demo.Chain.
func (c *ownChain) Call(ctx context.Context, to wallet.Address, data string) error {
	at := common.Address(to)
	hash, err := c.sign(ctx, c.team, &at, common.FromHex(data))
	if err != nil {
		return err
	}
	_, err = c.confirmed(ctx, hash)
	return err
}

// Send implements web.DemoChain.
func (c *ownChain) Send(ctx context.Context, key *ecdsa.PrivateKey, to wallet.Address, data []byte) ([32]byte, error) {
	at := common.Address(to)
	hash, err := c.sign(ctx, key, &at, data)
	return hash, err
}

// Receipt implements web.DemoChain.
func (c *ownChain) Receipt(ctx context.Context, hash [32]byte) (found, succeeded bool, err error) {
	receipt, err := c.Client().TransactionReceipt(ctx, hash)
	if err != nil { // also while the node indexes: it is asked again
		return false, false, nil //nolint:nilerr // it is not there yet
	}
	return true, receipt.Status == types.ReceiptStatusSuccessful, nil
}

func (c *ownChain) sign(ctx context.Context, key *ecdsa.PrivateKey, to *common.Address, data []byte) (common.Hash, error) {
	from := crypto.PubkeyToAddress(key.PublicKey)
	nonce, err := c.Client().PendingNonceAt(ctx, from)
	if err != nil {
		return common.Hash{}, err
	}
	gas, err := c.Client().EstimateGas(ctx, ethereum.CallMsg{From: from, To: to, Data: data})
	if err != nil {
		return common.Hash{}, fmt.Errorf("the contract refuses the transaction: %w", err)
	}
	tx, err := types.SignNewTx(key, types.LatestSignerForChainID(big.NewInt(devchain.ID)), &types.DynamicFeeTx{
		ChainID: big.NewInt(devchain.ID), Nonce: nonce, To: to, Data: data, Gas: gas + gas/5, GasFeeCap: big.NewInt(1e12), GasTipCap: big.NewInt(1),
	})
	if err != nil {
		return common.Hash{}, err
	}
	return tx.Hash(), c.Client().SendTransaction(ctx, tx)
}

// confirmed seals a block and returns the receipt of a transaction in it.
func (c *ownChain) confirmed(ctx context.Context, hash common.Hash) (*types.Receipt, error) {
	for range 100 {
		c.Commit()
		receipt, err := c.Client().TransactionReceipt(ctx, hash)
		if err != nil {
			continue
		}
		if receipt.Status != types.ReceiptStatusSuccessful {
			return nil, fmt.Errorf("the transaction %s failed", hash)
		}
		return receipt, nil
	}
	return nil, errors.Join(ctx.Err(), fmt.Errorf("the transaction %s is in no block", hash))
}
