//go:build devchain

package chain_test

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"flag"
	"log/slog"
	"math/big"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"banyan/platform/chain"
	"banyan/platform/chain/devchain"
	"banyan/platform/periodic"
	"banyan/platform/testenv/chaintest"
	"banyan/platform/wallet"
)

var reorganisations = flag.Int("reorganisations", 40, "how many reorganisations happen while events are followed")

// emitter is a contract that emits what it is called with: a topic, and 32 bytes.
var emitter = []byte{0x60, 0x20, 0x60, 0x20, 0x60, 0x00, 0x37, 0x60, 0x00, 0x35, 0x60, 0x20, 0x60, 0x00, 0xa1, 0x00}

// source is a chain with a contract whose events are followed.
type source struct {
	*devchain.Chain
	t        *testing.T
	key      *ecdsa.PrivateKey
	contract common.Address
	topic    common.Hash
	emitted  uint64
}

func newSource(t *testing.T) *source {
	t.Helper()
	s := &source{t: t, topic: common.Hash{0xee}}
	var from common.Address
	s.key, from = newKey(t)
	var err error
	if s.Chain, err = devchain.Start(devchain.Options{Funded: []common.Address{from}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	s.contract = crypto.CreateAddress(from, 0)
	s.send(nil, chaintest.Deploying(emitter))
	s.Commit()
	return s
}

func (s *source) send(to *common.Address, data []byte) {
	s.t.Helper()
	nonce, err := s.Client().PendingNonceAt(context.Background(), crypto.PubkeyToAddress(s.key.PublicKey))
	if err != nil {
		s.t.Fatal(err)
	}
	tx, err := types.SignNewTx(s.key, types.LatestSignerForChainID(big.NewInt(devchain.ID)), &types.DynamicFeeTx{
		ChainID: big.NewInt(devchain.ID), Nonce: nonce, To: to, Data: data, Gas: 200_000, GasFeeCap: big.NewInt(1e12), GasTipCap: big.NewInt(1),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	if err := errors.Join(s.Ethereum().TxPool().Add([]*types.Transaction{tx}, true)...); err != nil {
		s.t.Fatal(err)
	}
}

// emit sends an event that no other is like.
func (s *source) emit() {
	s.emitted++
	s.send(&s.contract, append(slices.Clone(s.topic[:]), common.LeftPadBytes(new(big.Int).SetUint64(s.emitted).Bytes(), 32)...))
}

// kept is what somebody who follows the chain has stored.
type kept struct {
	sync.Mutex
	blocks []chain.Block
	events []types.Log
}

func (k *kept) apply(s chain.Step) {
	k.Lock()
	defer k.Unlock()
	k.blocks = slices.DeleteFunc(k.blocks, func(b chain.Block) bool { return b.Number >= s.Drop })
	k.events = slices.DeleteFunc(k.events, func(e types.Log) bool { return e.BlockNumber >= s.Drop })
	k.blocks, k.events = append(k.blocks, s.Blocks...), append(k.events, s.Events...)
	if n := len(k.blocks); n > chain.Depth {
		k.blocks = k.blocks[n-chain.Depth:]
	}
}

func (k *kept) last() (chain.Block, []chain.Block) {
	k.Lock()
	defer k.Unlock()
	if len(k.blocks) == 0 {
		return chain.Block{}, nil
	}
	return k.blocks[len(k.blocks)-1], slices.Clone(k.blocks)
}

// Blocks are switched while they are read; what is stored is always of one chain, and
// in the end of the right one.
func TestEventsOutliveReorganisations(t *testing.T) {
	s := newSource(t)
	for range 70 {
		s.emit()
		s.Commit()
	}
	chains := chain.Open(chain.Settings{Private: true, Agree: 1, Timeout: 10 * time.Second, Nodes: []chain.Node{{ChainID: devchain.ID, URL: s.URL()}}}, slog.New(slog.DiscardHandler))
	defer chains.Close()
	f := chains.Follow(devchain.ID, chain.OneEvent(wallet.Address(s.contract), s.topic))
	var k kept
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	var following sync.WaitGroup
	following.Go(func() {
		for ctx.Err() == nil {
			_, known := k.last()
			step, err := f.Next(ctx, known, 1)
			if err != nil {
				continue // torn, or the end: nothing is stored
			}
			for i, b := range step.Blocks[min(1, len(step.Blocks)):] {
				if b.Parent != step.Blocks[i].Hash && b.Number == step.Blocks[i].Number+1 {
					t.Errorf("block %d is not the child of the one before it", b.Number)
				}
			}
			k.apply(step)
		}
	})
	random := rand.New(rand.NewPCG(64, 300))
	for range *reorganisations {
		chaintest.Reorganise(t, s.Chain, 1+random.IntN(64), func() {
			if random.IntN(3) > 0 {
				s.emit()
			}
		})
		tip := s.Ethereum().BlockChain().CurrentBlock().Hash()
		for {
			if last, _ := k.last(); last.Hash == tip {
				break
			}
			if err := periodic.Sleep(ctx, time.Millisecond); err != nil {
				t.Fatal("the switch is not followed")
			}
		}
		want := chaintest.Events(s.Chain, s.contract)
		k.Lock()
		same := slices.EqualFunc(k.events, want, func(a, b types.Log) bool { return a.BlockHash == b.BlockHash && slices.Equal(a.Data, b.Data) })
		k.Unlock()
		if !same {
			t.Fatalf("%d events are stored, the chain has %d", len(k.events), len(want))
		}
	}
	cancel()
	following.Wait()
}
