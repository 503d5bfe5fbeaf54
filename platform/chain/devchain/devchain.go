//go:build devchain

package devchain

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/txpool"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/eth"
	"github.com/ethereum/go-ethereum/eth/catalyst"
	"github.com/ethereum/go-ethereum/eth/ethconfig"
	"github.com/ethereum/go-ethereum/eth/filters"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/log"
	"github.com/ethereum/go-ethereum/node"
	"github.com/ethereum/go-ethereum/p2p"
	"github.com/ethereum/go-ethereum/params"
	"github.com/ethereum/go-ethereum/rpc"

	"banyan/platform/periodic"
)

// ID is the number of the chain, which development chains share (EIP-155).
const ID = 1337

// Options say how the chain begins.
type Options struct {
	Funded []common.Address // have ether from the start
	// Amsterdam has the prices of that fork, which is not set for mainnet: state that
	// is added costs six times more.
	Amsterdam bool
}

// Chain is a chain in this process. The methods may be called at the same time.
type Chain struct {
	node   *node.Node
	eth    *eth.Ethereum
	beacon *catalyst.SimulatedBeacon
	client *ethclient.Client

	sealing sync.Mutex
}

// Start starts a chain with one empty block, and its JSON-RPC on a free port of
// 127.0.0.1.
func Start(o Options) (*Chain, error) {
	log.SetDefault(log.NewLogger(log.DiscardHandler())) // the node logs every block
	settings := node.DefaultConfig
	settings.DataDir, settings.P2P = "", p2p.Config{NoDiscovery: true}
	settings.HTTPHost, settings.HTTPPort, settings.HTTPModules = "127.0.0.1", 0, []string{"eth", "net", "web3", "debug"}
	stack, err := node.New(&settings)
	if err != nil {
		return nil, fmt.Errorf("make a development chain: %w", err)
	}
	c := &Chain{node: stack}
	if err := c.start(o); err != nil {
		return nil, errors.Join(fmt.Errorf("start a development chain: %w", err), stack.Close())
	}
	return c, nil
}

func (c *Chain) start(o Options) (err error) {
	if c.eth, err = eth.New(c.node, chainSettings(o)); err != nil {
		return err
	}
	if err := stopFreezing(c.eth.ChainDb()); err != nil {
		return err
	}
	c.node.RegisterAPIs([]rpc.API{{Namespace: "eth", Service: filters.NewFilterAPI(filters.NewFilterSystem(c.eth.APIBackend, filters.Config{}))}})
	if err := c.node.Start(); err != nil {
		return err
	}
	if c.beacon, err = catalyst.NewSimulatedBeacon(0, common.Address{}, c.eth); err != nil {
		return err
	}
	c.client = ethclient.NewClient(c.node.Attach())
	c.Commit()
	return nil
}

func chainSettings(o Options) *ethconfig.Config {
	forks := *params.AllDevChainProtocolChanges
	forks.ChainID = big.NewInt(ID)
	// Pinned: what go-ethereum's development chain turns on next would change every
	// figure of gas.
	forks.AmsterdamTime, forks.BogotaTime = nil, nil
	if o.Amsterdam {
		forks.AmsterdamTime = new(uint64)
	}
	accounts := maps.Clone(core.SystemContractAllocs())
	for _, a := range o.Funded {
		accounts[a] = types.Account{Balance: new(big.Int).Lsh(big.NewInt(1), 100)}
	}
	s := ethconfig.Defaults
	s.Genesis = &core.Genesis{Config: &forks, GasLimit: 400_000_000, BaseFee: big.NewInt(params.InitialBaseFee), Difficulty: new(big.Int), Alloc: accounts}
	s.SyncMode, s.TxPool.NoLocals, s.RPCTxFeeCap = ethconfig.FullSync, true, 0
	s.Miner.GasCeil, s.Miner.GasPrice, s.EngineMaxReorgDepth = s.Genesis.GasLimit, big.NewInt(1), 0
	s.TxPool.AccountSlots, s.TxPool.AccountQueue = 20_000, 20_000
	s.TxPool.GlobalSlots, s.TxPool.GlobalQueue = 40_000, 40_000
	s.DatabaseCache, s.TrieCleanCache, s.TrieDirtyCache, s.SnapshotCache = 64, 32, 32, 32 // MB: it has little to keep
	return &s
}

// URL is the address of the chain's JSON-RPC.
func (c *Chain) URL() string { return c.node.HTTPEndpoint() }

// Client is a client in this process.
func (c *Chain) Client() *ethclient.Client { return c.client }

// Ethereum is the node's service, for what its JSON-RPC does not offer.
func (c *Chain) Ethereum() *eth.Ethereum { return c.eth }

// Beacon seals the blocks.
func (c *Chain) Beacon() *catalyst.SimulatedBeacon { return c.beacon }

// Commit seals a block of the transactions that wait, and returns its hash.
func (c *Chain) Commit() common.Hash {
	c.sealing.Lock()
	defer c.sealing.Unlock()
	return c.beacon.Commit()
}

// Run seals a block whenever transactions wait, until ctx ends: what a visitor sends
// is confirmed within a second.
func (c *Chain) Run(ctx context.Context) error {
	periodic.Run(ctx, time.Second, func(context.Context) {
		if waiting, _ := c.eth.TxPool().Pending(txpool.PendingFilter{}); len(waiting) > 0 {
			c.Commit()
		}
	})
	return nil
}

// Close ends the chain; nothing of it is kept.
func (c *Chain) Close() error {
	c.client.Close()
	return errors.Join(c.beacon.Stop(), c.node.Close())
}
