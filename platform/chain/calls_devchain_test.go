//go:build devchain

package chain_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"banyan/platform/chain"
	"banyan/platform/chain/devchain"
	"banyan/platform/testenv/chaintest"
	"banyan/platform/wallet"
)

// callers are accounts that send transactions to contracts.
type callers struct {
	*devchain.Chain
	t        *testing.T
	keys     []*ecdsa.PrivateKey
	contract common.Address // takes whatever it is called with
	reverts  common.Address // reverts
	through  common.Address // calls contract
}

func newCallers(t *testing.T, n int) *callers {
	t.Helper()
	c := &callers{t: t}
	var funded []common.Address
	for range n {
		key, from := newKey(t)
		c.keys, funded = append(c.keys, key), append(funded, from)
	}
	var err error
	if c.Chain, err = devchain.Start(devchain.Options{Funded: funded}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	c.contract, c.reverts, c.through = crypto.CreateAddress(funded[0], 0), crypto.CreateAddress(funded[0], 1), crypto.CreateAddress(funded[0], 2)
	call := append([]byte{0x60, 0, 0x60, 0, 0x60, 0, 0x60, 0, 0x60, 0, 0x73}, c.contract[:]...)
	for _, code := range [][]byte{emitter, {0x60, 0, 0x60, 0, 0xfd}, append(call, 0x5a, 0xf1, 0x00)} {
		c.send(0, nil, chaintest.Deploying(code))
	}
	c.Commit()
	return c
}

func (c *callers) send(from int, to *common.Address, data []byte) {
	c.t.Helper()
	nonce, err := c.Client().PendingNonceAt(context.Background(), crypto.PubkeyToAddress(c.keys[from].PublicKey))
	if err != nil {
		c.t.Fatal(err)
	}
	tx, err := types.SignNewTx(c.keys[from], types.LatestSignerForChainID(big.NewInt(devchain.ID)), &types.DynamicFeeTx{
		ChainID: big.NewInt(devchain.ID), Nonce: nonce, To: to, Data: data, Gas: 200_000, GasFeeCap: big.NewInt(1e12), GasTipCap: big.NewInt(1),
	})
	if err != nil {
		c.t.Fatal(err)
	}
	if err := errors.Join(c.Ethereum().TxPool().Add([]*types.Transaction{tx}, true)...); err != nil {
		c.t.Fatal(err)
	}
}

// truth goes through the chain block by block, with go-ethereum's own types.
func (c *callers) truth(to common.Address, method []byte, from, last uint64) (all []chain.SentCall) {
	c.t.Helper()
	signer := types.LatestSignerForChainID(big.NewInt(devchain.ID))
	for n := from; n <= last; n++ {
		block := c.Ethereum().BlockChain().GetBlockByNumber(n)
		receipts := c.Ethereum().BlockChain().GetReceiptsByHash(block.Hash())
		for i, tx := range block.Transactions() {
			if tx.To() == nil || *tx.To() != to || receipts[i].Status != types.ReceiptStatusSuccessful || !bytes.HasPrefix(tx.Data(), method) {
				continue
			}
			sender, err := types.Sender(signer, tx)
			if err != nil {
				c.t.Fatal(err)
			}
			all = append(all, chain.SentCall{From: wallet.Address(sender), Block: n, Hash: tx.Hash()})
		}
	}
	return all
}

// read reads all calls in steps, and goes on in the middle with another reader.
func read(t *testing.T, chains *chain.Chains, f chain.CallFilter, from, last uint64) (all []chain.SentCall) {
	t.Helper()
	var at chain.Block
	reader := chains.Calls(devchain.ID, f)
	for steps := 0; at.Number < last; steps++ {
		if steps == 2 {
			reader = chains.Calls(devchain.ID, f)
		}
		step, err := reader.Next(t.Context(), at, max(from, at.Number+1), last)
		if err != nil {
			t.Fatal(err)
		}
		if step.Last.Number > last {
			t.Fatalf("read to block %d, behind %d", step.Last.Number, last)
		}
		all, at = append(all, step.Sent...), step.Last
	}
	return all
}

// limited passes requests to a node, and refuses batches of more than most.
func limited(t *testing.T, node string, most int) (url string, refused *atomic.Int64) {
	t.Helper()
	refused = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		var batch []json.RawMessage
		if json.Unmarshal(body, &batch) == nil && len(batch) > most {
			refused.Add(1)
			http.Error(rw, "response too large", http.StatusRequestEntityTooLarge)
			return
		}
		answer, err := http.Post(node, "application/json", bytes.NewReader(body))
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = answer.Body.Close() }()
		rw.Header().Set("Content-Type", "application/json")
		_, _ = io.Copy(rw, answer.Body)
	}))
	t.Cleanup(server.Close)
	return server.URL, refused
}

// Who called a contract is what going through every block and receipt says: who was
// reverted, or called through another contract, is not among them.
func TestCallersAreThoseOfEveryBlock(t *testing.T) {
	c := newCallers(t, 6)
	random := rand.New(rand.NewPCG(3, 14))
	method := []byte{0xa9, 0x05, 0x9c, 0xbb}
	for range 90 {
		for range random.IntN(4) {
			to := []*common.Address{&c.contract, &c.contract, &c.reverts, &c.through}[random.IntN(4)]
			data := [][]byte{nil, method[:3], method, append(slices.Clone(method), 1, 2)}[random.IntN(4)]
			c.send(random.IntN(len(c.keys)), to, data)
		}
		c.Commit()
	}
	url, refused := limited(t, c.URL(), 5)
	for _, node := range []string{c.URL(), url} {
		chains := chain.Open(chain.Settings{Private: true, Agree: 1, Timeout: 10 * time.Second, Nodes: []chain.Node{{ChainID: devchain.ID, URL: node}}}, slog.New(slog.DiscardHandler))
		t.Cleanup(chains.Close)
		for _, f := range []chain.CallFilter{{To: wallet.Address(c.contract)}, {To: wallet.Address(c.contract), Method: method}, {To: wallet.Address(c.reverts)}} {
			want := c.truth(common.Address(f.To), f.Method, 3, 88)
			if f.To == wallet.Address(c.contract) && len(want) < 10 {
				t.Fatalf("%d calls are too few for a test", len(want))
			}
			if got := read(t, chains, f, 3, 88); !slices.Equal(got, want) {
				t.Errorf("%d calls of %s with %x were read, the chain has %d", len(got), f.To, f.Method, len(want))
			}
		}
	}
	if refused.Load() == 0 {
		t.Error("the node has refused nothing: its limit was not met")
	}
}

// Blocks that do not follow on the last one that was read are another chain's.
func TestCallsOfAnotherChainAreRefused(t *testing.T) {
	c := newCallers(t, 1)
	for range 10 {
		c.Commit()
	}
	chains := chain.Open(chain.Settings{Private: true, Agree: 1, Timeout: 10 * time.Second, Nodes: []chain.Node{{ChainID: devchain.ID, URL: c.URL()}}}, slog.New(slog.DiscardHandler))
	defer chains.Close()
	f := chain.CallFilter{To: wallet.Address(c.contract)}
	if _, err := chains.Calls(devchain.ID, f).Next(t.Context(), chain.Block{Number: 4, Hash: common.Hash{1}}, 5, 8); err == nil {
		t.Error("blocks were read that follow on none that is known")
	}
	if _, err := chains.Calls(devchain.ID, f).Next(t.Context(), chain.Block{}, 10, 1000); err == nil {
		t.Error("blocks were read that are not there")
	}
}

// A block is settled when 64 are behind it and the node calls it final.
func TestSettledBlocksAreOld(t *testing.T) {
	c := newCallers(t, 1)
	for c.Ethereum().BlockChain().CurrentBlock().Number.Uint64() < 140 {
		c.Commit()
	}
	chains := chain.Open(chain.Settings{Private: true, Agree: 1, Timeout: 10 * time.Second, Nodes: []chain.Node{{ChainID: devchain.ID, URL: c.URL()}}}, slog.New(slog.DiscardHandler))
	defer chains.Close()
	for number, is := range map[uint64]bool{1: true, 76: true, 77: false, 140: false, 500: false} {
		block, settled, err := chains.Settled(t.Context(), devchain.ID, number)
		if err != nil || settled != 76 || is != (block.Hash != common.Hash{}) {
			t.Errorf("block %d: %+v, settled to %d, %v", number, block, settled, err)
		}
		if h := c.Ethereum().BlockChain().GetHeaderByNumber(number); is && (block.Hash != h.Hash() || block.Time != h.Time || block.Number != number) {
			t.Errorf("block %d is %+v", number, block)
		}
	}
}
