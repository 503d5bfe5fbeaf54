//go:build devchain

package contracts_test

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rpc"
	"github.com/holiman/uint256"

	"banyan/modules/airdrop/contracts"
	"banyan/platform/chain/devchain"
	"banyan/platform/merkle"
	"banyan/platform/testenv/chaintest"
	"banyan/platform/wallet"
)

// world is a chain with an owner who pays for everything.
type world struct {
	*devchain.Chain
	t     testing.TB
	key   *ecdsa.PrivateKey
	owner common.Address
	token common.Address // DemoToken; all of it is the owner's
}

func newWorld(t testing.TB, o devchain.Options) *world {
	t.Helper()
	w := &world{t: t, key: newKey(t, "owner")}
	w.owner = crypto.PubkeyToAddress(w.key.PublicKey)
	o.Funded = append(o.Funded, w.owner)
	var err error
	if w.Chain, err = devchain.Start(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	token := read(t, "../../../platform/chain/devchain/DemoToken.json")
	w.token = w.deploy(token, "Demo", "DEMO", uint8(18), new(big.Int).Lsh(big.NewInt(1), 200))
	return w
}

// newKey returns the key that belongs to a name.
func newKey(t testing.TB, name string) *ecdsa.PrivateKey {
	t.Helper()
	key, err := crypto.ToECDSA(crypto.Keccak256([]byte(name)))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func load(t testing.TB, name string) contracts.Contract {
	t.Helper()
	c, err := contracts.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// read reads a contract that only tests have.
func read(t testing.TB, file string) contracts.Contract {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(file))
	if err != nil {
		t.Fatal(err)
	}
	c, err := contracts.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func pack(t testing.TB, of abi.ABI, method string, arguments ...any) []byte {
	t.Helper()
	data, err := of.Pack(method, arguments...)
	if err != nil {
		t.Fatalf("%s: %v", method, err)
	}
	return data
}

// sign signs a transaction of the owner.
func (w *world) sign(nonce uint64, to *common.Address, data []byte) *types.Transaction {
	w.t.Helper()
	tx, err := types.SignNewTx(w.key, types.LatestSignerForChainID(big.NewInt(devchain.ID)), &types.DynamicFeeTx{
		ChainID: big.NewInt(devchain.ID), Nonce: nonce, To: to, Data: data, Gas: 16_000_000, GasFeeCap: big.NewInt(1e12), GasTipCap: big.NewInt(1),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return tx
}

// sendAll sends transactions of the owner and seals blocks until they are in.
func (w *world) sendAll(to *common.Address, all ...[]byte) []*types.Receipt {
	w.t.Helper()
	nonce, err := w.Client().PendingNonceAt(w.t.Context(), w.owner)
	if err != nil {
		w.t.Fatal(err)
	}
	txs := make([]*types.Transaction, len(all))
	for i, data := range all {
		txs[i] = w.sign(nonce+uint64(i), to, data)
	}
	if err := errors.Join(w.Ethereum().TxPool().Add(txs, true)...); err != nil {
		w.t.Fatal(err)
	}
	receipts := make([]*types.Receipt, len(txs))
	for i, tx := range txs {
		for tries := 0; receipts[i] == nil; tries++ {
			if receipts[i], err = w.Client().TransactionReceipt(w.t.Context(), tx.Hash()); err == nil {
				break
			}
			if !errors.Is(err, ethereum.NotFound) && !strings.Contains(err.Error(), "indexing") || tries > len(all)+100 {
				w.t.Fatalf("transaction %d: %v", i, err)
			}
			w.Commit()
		}
	}
	return receipts
}

// send sends one that must succeed.
func (w *world) send(to common.Address, data []byte) *types.Receipt {
	w.t.Helper()
	r := w.sendAll(&to, data)[0]
	if r.Status != types.ReceiptStatusSuccessful {
		w.t.Fatalf("the transaction fails: %v", w.call(w.owner, to, data))
	}
	return r
}

func (w *world) deploy(c contracts.Contract, arguments ...any) common.Address {
	w.t.Helper()
	data, err := c.Deployment(arguments...)
	if err != nil {
		w.t.Fatal(err)
	}
	r := w.sendAll(nil, data)[0]
	if r.Status != types.ReceiptStatusSuccessful {
		_, err := w.Client().CallContract(context.Background(), ethereum.CallMsg{From: w.owner, Data: data}, nil)
		w.t.Fatalf("the deployment fails: %v", err)
	}
	return r.ContractAddress
}

// call returns how a call of the head's state fails, nil when it does not.
func (w *world) call(from, to common.Address, data []byte) error {
	_, err := w.Client().CallContract(w.t.Context(), ethereum.CallMsg{From: from, To: &to, Data: data}, nil)
	return err
}

// ask returns the one value that a view returns.
func ask[T any](w *world, c contracts.Contract, at common.Address, method string, arguments ...any) T {
	w.t.Helper()
	out, err := w.Client().CallContract(w.t.Context(), ethereum.CallMsg{To: &at, Data: pack(w.t, c.ABI, method, arguments...)}, nil)
	if err != nil {
		w.t.Fatalf("%s: %v", method, err)
	}
	declared := c.ABI
	values, err := declared.Unpack(method, out)
	if err != nil {
		w.t.Fatalf("%s: %v", method, err)
	}
	return values[0].(T)
}

func (w *world) balance(token, of common.Address) *big.Int {
	w.t.Helper()
	return ask[*big.Int](w, read(w.t, "../../../platform/chain/devchain/DemoToken.json"), token, "balanceOf", of)
}

// refuses checks that a call reverts with the contract's error of this name, or with
// this text.
func (w *world) refuses(c contracts.Contract, from, to common.Address, data []byte, want string) {
	w.t.Helper()
	w.failed(c, w.call(from, to, data), want)
}

// failed checks how a call has failed; want "" is not at all.
func (w *world) failed(c contracts.Contract, err error, want string) {
	w.t.Helper()
	switch {
	case err == nil && want == "":
		return
	case err == nil:
		w.t.Errorf("the call succeeds, want %s", want)
		return
	case want == "":
		w.t.Errorf("the call fails: %v", err)
		return
	}
	var with rpc.DataError
	if errors.As(err, &with) {
		text, _ := with.ErrorData().(string)
		if reason := common.FromHex(text); len(reason) >= 4 {
			if e, err := c.ABI.ErrorByID([4]byte(reason[:4])); err == nil {
				if e.Name != want {
					w.t.Errorf("the call reverts with %s, want %s", e.Name, want)
				}
				return
			}
		}
	}
	if !strings.Contains(err.Error(), want) {
		w.t.Errorf("the call fails with %v, want %s", err, want)
	}
}

// tries deploys in the state of one call, gives the contract tokens in another, and
// calls it there: nothing is sealed, so that thousands of them take no time. Without
// data the deployment itself must fail.
func (w *world) tries(c contracts.Contract, deployment, data []byte, want string) {
	w.t.Helper()
	code, err := w.Client().CallContract(w.t.Context(), ethereum.CallMsg{From: w.owner, Data: deployment}, nil)
	if err != nil || data == nil {
		w.failed(c, err, want)
		return
	}
	at := common.Address{0xd1, 0x57}
	slot := crypto.Keccak256Hash(common.LeftPadBytes(at[:], 32), make([]byte, 32)) // of the mapping of balances
	err = w.Client().Client().CallContext(w.t.Context(), nil, "eth_call",
		map[string]any{"from": w.owner, "to": at, "input": hexutil.Bytes(data)}, "latest",
		map[common.Address]any{
			at:      map[string]any{"code": hexutil.Bytes(code)},
			w.token: map[string]any{"stateDiff": map[common.Hash]common.Hash{slot: common.BigToHash(big.NewInt(1e18))}},
		})
	w.failed(c, err, want)
}

// delegate gives the account of a key the code of another (EIP-7702).
func (w *world) delegate(key *ecdsa.PrivateKey, to common.Address) {
	w.t.Helper()
	authorization, err := types.SignSetCode(key, types.SetCodeAuthorization{ChainID: *uint256.NewInt(devchain.ID), Address: to})
	if err != nil {
		w.t.Fatal(err)
	}
	nonce, err := w.Client().PendingNonceAt(w.t.Context(), w.owner)
	if err != nil {
		w.t.Fatal(err)
	}
	tx, err := types.SignNewTx(w.key, types.LatestSignerForChainID(big.NewInt(devchain.ID)), &types.SetCodeTx{
		ChainID: uint256.NewInt(devchain.ID), Nonce: nonce, To: w.owner, Gas: 1_000_000, GasFeeCap: uint256.NewInt(1e12), GasTipCap: uint256.NewInt(1),
		AuthList: []types.SetCodeAuthorization{authorization},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := errors.Join(w.Ethereum().TxPool().Add([]*types.Transaction{tx}, true)...); err != nil {
		w.t.Fatal(err)
	}
	w.Commit()
}

// now is the time of the head, in seconds.
func (w *world) now() uint64 {
	w.t.Helper()
	head, err := w.Client().HeaderByNumber(w.t.Context(), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return head.Time
}

// advance seals an empty block at a time.
func (w *world) advance(to uint64) {
	w.t.Helper()
	chaintest.Pass(w.t, w.Chain, time.Duration(to-w.now())*time.Second)
	if now := w.now(); now != to {
		w.t.Fatalf("the head is of %d, want %d", now, to)
	}
}

// row is a row of a list with its proof, as the contracts take it.
type row struct {
	Index   *big.Int
	Account common.Address
	Amount  *big.Int
	Proof   [][32]byte
}

// tree builds a tree, whose indexes are the rows' places.
func tree(t testing.TB, format merkle.Format, entries []merkle.Entry) *merkle.Tree {
	t.Helper()
	list := merkle.NewList()
	for _, e := range entries {
		if err := list.Append(e.Wallet, e.Amount); err != nil {
			t.Fatal(err)
		}
	}
	built, err := merkle.Build(t.Context(), format, list, merkle.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return built
}

func rowAt(t testing.TB, of *merkle.Tree, i int) row {
	t.Helper()
	e, err := of.At(i)
	if err != nil {
		t.Fatal(err)
	}
	proof, err := of.Proof(i)
	if err != nil {
		t.Fatal(err)
	}
	r := row{Index: new(big.Int).SetUint64(e.Index), Account: common.Address(e.Wallet), Amount: e.Amount.ToBig()}
	for _, h := range proof {
		r.Proof = append(r.Proof, h)
	}
	return r
}

// people are wallets with amounts that follow from a name.
func people(name string, n int) []merkle.Entry {
	all := make([]merkle.Entry, n)
	for i := range all {
		h := crypto.Keccak256([]byte(name), big.NewInt(int64(i)).Bytes())
		all[i] = merkle.Entry{Wallet: wallet.Address(h[:20]), Amount: *uint256.NewInt(1 + uint64(h[20])<<8 + uint64(h[21]))}
	}
	return all
}
