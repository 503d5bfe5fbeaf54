//go:build devchain

package service_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math/big"
	"os"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/service"
	"banyan/platform/chain"
	"banyan/platform/chain/devchain"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/testenv/databasetest"
	"banyan/platform/testenv/seamtest"
	"banyan/platform/wallet"
)

type contract struct {
	ABI      abi.ABI       `json:"abi"`
	Bytecode hexutil.Bytes `json:"bytecode"`
}

// market is the development chain with an exchange on it (testdata/Pools.sol).
type market struct {
	*devchain.Chain
	t                       *testing.T
	factories, pairs, route contract
	factory, router, pair   common.Address
	tokens                  [2]common.Address
}

func (m *market) send(by *writer, to *common.Address, data []byte, value int64) exchangereview.Hash {
	m.t.Helper()
	nonce, err := m.Client().PendingNonceAt(context.Background(), common.Address(by.wallet))
	if err != nil {
		m.t.Fatal(err)
	}
	tx, err := types.SignNewTx(by.key, types.LatestSignerForChainID(big.NewInt(devchain.ID)), &types.DynamicFeeTx{
		ChainID: big.NewInt(devchain.ID), Nonce: nonce, To: to, Data: data, Value: big.NewInt(value), Gas: 3_000_000, GasFeeCap: big.NewInt(1e12), GasTipCap: big.NewInt(1),
	})
	if err != nil {
		m.t.Fatal(err)
	}
	if err := errors.Join(m.Ethereum().TxPool().Add([]*types.Transaction{tx}, true)...); err != nil {
		m.t.Fatal(err)
	}
	m.Commit()
	return exchangereview.Hash(tx.Hash())
}

func (m *market) deploy(by *writer, code []byte) common.Address {
	m.t.Helper()
	hash := m.send(by, nil, code, 0)
	receipt, err := m.Client().TransactionReceipt(context.Background(), common.Hash(hash))
	if err != nil || receipt.Status != 1 {
		m.t.Fatalf("a contract is not deployed: %v", err)
	}
	return receipt.ContractAddress
}

func (m *market) call(by *writer, to common.Address, of abi.ABI, function string, arguments ...any) exchangereview.Hash {
	m.t.Helper()
	data, err := of.Pack(function, arguments...)
	if err != nil {
		m.t.Fatal(err)
	}
	return m.send(by, &to, data, 0)
}

const erc20 = `[{"type":"function","name":"transfer","inputs":[{"name":"to","type":"address"},{"name":"value","type":"uint256"}],"outputs":[{"type":"bool"}]},
	{"type":"function","name":"approve","inputs":[{"name":"spender","type":"address"},{"name":"value","type":"uint256"}],"outputs":[{"type":"bool"}]}]`

// openMarket deploys a factory, its router and a pair of two tokens with reserves.
func openMarket(t *testing.T, maker *writer, people ...*writer) (m *market, token abi.ABI) {
	t.Helper()
	m = &market{t: t}
	funded := []common.Address{common.Address(maker.wallet)}
	for _, p := range people {
		funded = append(funded, common.Address(p.wallet))
	}
	var err error
	if m.Chain, err = devchain.Start(devchain.Options{Funded: funded}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	text, err := os.ReadFile("testdata/Pools.json")
	if err != nil {
		t.Fatal(err)
	}
	var compiled struct{ Factory, Pair, Router contract }
	if err := json.Unmarshal(text, &compiled); err != nil {
		t.Fatal(err)
	}
	m.factories, m.pairs, m.route = compiled.Factory, compiled.Pair, compiled.Router
	if err := json.Unmarshal([]byte(erc20), &token); err != nil {
		t.Fatal(err)
	}
	for i := range m.tokens {
		code, err := devchain.TokenDeployment("Token", "T", 18)
		if err != nil {
			t.Fatal(err)
		}
		m.tokens[i] = m.deploy(maker, code)
	}
	m.factory, m.router = m.deploy(maker, m.factories.Bytecode), m.deploy(maker, m.route.Bytecode)
	m.pair = m.newPair(maker)
	for _, to := range m.tokens {
		m.call(maker, to, token, "transfer", m.pair, big.NewInt(1e15))
		for _, p := range people {
			m.call(maker, to, token, "transfer", common.Address(p.wallet), big.NewInt(1e12))
			m.call(p, to, token, "approve", m.router, big.NewInt(1e12))
		}
	}
	m.call(maker, m.pair, m.pairs.ABI, "sync")
	return m, token
}

func (m *market) newPair(maker *writer) common.Address {
	m.t.Helper()
	m.call(maker, m.factory, m.factories.ABI, "createPair", m.tokens[0], m.tokens[1])
	question, err := m.factories.ABI.Pack("getPair", m.tokens[0], m.tokens[1])
	if err != nil {
		m.t.Fatal(err)
	}
	chains := m.nodes()
	out, err := chains.Call(m.t.Context(), devchain.ID, wallet.Address(m.factory), question)
	if err != nil || len(out) != 32 {
		m.t.Fatalf("getPair: %x, %v", out, err)
	}
	return common.BytesToAddress(out)
}

func (m *market) nodes() *chain.Chains {
	chains := chain.Open(chain.Settings{Nodes: []chain.Node{{ChainID: devchain.ID, URL: m.URL()}}, Private: true, Agree: 1, Timeout: 10 * time.Second, Gas: 1_000_000}, slog.New(slog.DiscardHandler))
	m.t.Cleanup(chains.Close)
	return chains
}

// A swap in a real pool of a listed factory proves the use to the one who swapped, and
// to nobody else; a pool that only names that factory proves nothing; a payment of a
// listed wallet proves less.
func TestASwapOnAChainIsAProofOfUse(t *testing.T) {
	databasetest.Each(t, exchangereview.Name, func(t *testing.T, db *database.DB) {
		maker, a, stranger, desk := numbered(t, 51), numbered(t, 52), numbered(t, 53), numbered(t, 54)
		m, _ := openMarket(t, maker, a, stranger, desk)
		w := open(t, db, seamtest.InProcess)
		w.options.Chains = m.nodes()
		w.restart(t)
		must(w.ImportExchanges(operator, upload(`[{"id": "pools", "name": "Pools", "kind": "dex", "factories": ["`+m.factory.Hex()+`"], "wallets": ["`+desk.wallet.String()+`"]}]`)))(t)
		for _, by := range []*writer{a, stranger} {
			w.publish(t, by, "pools", 4)
		}
		prove := func(by *writer, tx exchangereview.Hash) (exchangereview.Review, error) {
			return w.ProveUse(by.signedIn(), exchangereview.Transaction{Slug: "pools", ChainID: devchain.ID, Tx: tx})
		}
		swap := m.call(a, m.router, m.route.ABI, "swap", m.pair, m.tokens[0], big.NewInt(1e9), common.Address(a.wallet))
		refused(prove(a, swap))(t, fault.Conflict, "12 blocks")
		// A pair that somebody deployed, which says that this factory made it.
		forged := m.deploy(stranger, append(append([]byte{}, m.pairs.Bytecode...), append(common.LeftPadBytes(m.tokens[0].Bytes(), 32), common.LeftPadBytes(m.tokens[1].Bytes(), 32)...)...))
		for _, token := range m.tokens {
			var abi abi.ABI
			if err := json.Unmarshal([]byte(erc20), &abi); err != nil {
				t.Fatal(err)
			}
			m.call(maker, token, abi, "transfer", forged, big.NewInt(1e15))
		}
		m.call(stranger, forged, m.pairs.ABI, "sync")
		fake := m.call(stranger, m.router, m.route.ABI, "swap", forged, m.tokens[0], big.NewInt(1e9), common.Address(stranger.wallet))
		failed := m.call(a, m.router, m.route.ABI, "swap", m.pair, m.tokens[0], big.NewInt(1e18), common.Address(a.wallet))
		at := common.Address(stranger.wallet)
		paid := m.send(desk, &at, nil, 1)
		for range exchangereview.Confirmations {
			m.Commit()
		}
		refused(prove(stranger, swap))(t, fault.Invalid, "does not show")
		refused(prove(stranger, fake))(t, fault.Invalid, "does not show")
		refused(prove(a, failed))(t, fault.Invalid, "failed")
		refused(prove(a, exchangereview.Hash{1}))(t, fault.NotFound, "no block with")
		r := must(prove(a, swap))(t)
		if r.Proof.Kind != exchangereview.ProofSwap || *r.Proof.Contract != wallet.Address(m.pair) || r.Proof.Block == 0 || r.Proof.TimeMS == 0 {
			t.Errorf("%+v", r.Proof)
		}
		if r := must(prove(stranger, paid))(t); r.Proof.Kind != exchangereview.ProofWithdrawal || *r.Proof.Contract != desk.wallet {
			t.Errorf("%+v", r.Proof)
		}
		if r := must(w.RecheckProof(stranger.signedIn(), exchangereview.ProofQuery{Slug: "pools", Wallet: a.wallet}))(t); r.Proof == nil {
			t.Error("the proof does not hold a second time")
		}
		if err := service.VerifySums(t.Context(), db); err != nil {
			t.Error(err)
		}
	})
}
