//go:build devchain

package devchain_test

import (
	"context"
	"math/big"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"

	"banyan/platform/chain/devchain"
	"banyan/platform/periodic"
)

// What is sent to the chain's JSON-RPC is confirmed, and paid from what the account
// had from the start, with either prices.
func TestATransactionIsConfirmed(t *testing.T) {
	for name, amsterdam := range map[string]bool{"mainnet's forks": false, "Amsterdam": true} {
		t.Run(name, func(t *testing.T) {
			key, err := crypto.GenerateKey()
			if err != nil {
				t.Fatal(err)
			}
			from := crypto.PubkeyToAddress(key.PublicKey)
			c, err := devchain.Start(devchain.Options{Funded: []common.Address{from}, Amsterdam: amsterdam})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := c.Close(); err != nil {
					t.Error(err)
				}
			}()
			if forks := c.Ethereum().BlockChain().Config(); (forks.AmsterdamTime != nil) != amsterdam || forks.BogotaTime != nil {
				t.Errorf("the forks are %v", forks)
			}
			client, err := ethclient.DialContext(t.Context(), c.URL())
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			tx, err := types.SignNewTx(key, types.LatestSignerForChainID(big.NewInt(devchain.ID)), &types.DynamicFeeTx{
				ChainID: big.NewInt(devchain.ID), To: &common.Address{7}, Value: big.NewInt(5), Gas: 1_000_000, GasFeeCap: big.NewInt(1e12), GasTipCap: big.NewInt(1),
			})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			running := make(chan error, 1)
			go func() { running <- c.Run(ctx) }()
			if err := client.SendTransaction(ctx, tx); err != nil {
				t.Fatal(err)
			}
			for {
				if has, err := client.BalanceAt(ctx, common.Address{7}, nil); err != nil {
					t.Fatal(err)
				} else if has.Cmp(big.NewInt(5)) == 0 {
					break
				}
				if err := periodic.Sleep(ctx, 20*time.Millisecond); err != nil {
					t.Fatal(err)
				}
			}
			cancel()
			if err := <-running; err != nil {
				t.Error(err)
			}
		})
	}
}
