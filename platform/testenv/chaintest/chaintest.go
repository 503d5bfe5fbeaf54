// Package chaintest has nodes and smart wallets for tests.
package chaintest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm/runtime"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"
)

// Node answers JSON-RPC for a chain of accounts with code, and runs calls in
// go-ethereum's virtual machine.
type Node struct {
	ID    uint64
	Block uint64 // the newest, the only one at which it runs calls
	Code  map[common.Address][]byte
	Asked atomic.Int64                     // requests until now
	Else  atomic.Pointer[http.HandlerFunc] // answers instead
}

// Key stands in the path of each URL that Start returns.
const Key = "a-secret-key"

// Start serves the node until the test ends, and returns its URL.
func (n *Node) Start(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(n)
	t.Cleanup(server.Close)
	return server.URL + "/" + Key
}

// ServeHTTP answers one request of JSON-RPC.
func (n *Node) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	n.Asked.Add(1)
	if h := n.Else.Load(); h != nil {
		(*h)(w, req)
		return
	}
	var call struct {
		ID     json.RawMessage   `json:"id"`
		Method string            `json:"method"`
		Params []json.RawMessage `json:"params"`
	}
	if err := json.NewDecoder(req.Body).Decode(&call); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	result, err := n.answer(call.Method, call.Params)
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		_ = json.NewEncoder(w).Encode(map[string]any{"jsonrpc": "2.0", "id": call.ID, "error": map[string]any{"code": -32000, "message": err.Error()}})
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"jsonrpc": "2.0", "id": call.ID, "result": result})
}

func (n *Node) answer(method string, params []json.RawMessage) (any, error) {
	switch method {
	case "eth_chainId":
		return hexutil.Uint64(n.ID), nil
	case "eth_getCode":
		var account common.Address
		if err := json.Unmarshal(params[0], &account); err != nil {
			return nil, err
		}
		return hexutil.Bytes(n.Code[account]), nil
	case "eth_blockNumber":
		return hexutil.Uint64(n.Block), nil
	case "eth_call":
		var at hexutil.Uint64
		if err := json.Unmarshal(params[1], &at); err != nil || uint64(at) != n.Block {
			return nil, fmt.Errorf("the block of the call is %s (%w), and not %d", params[1], err, n.Block)
		}
		var call struct {
			To    *common.Address `json:"to"`
			Input hexutil.Bytes   `json:"input"`
			Gas   hexutil.Uint64  `json:"gas"`
		}
		if err := json.Unmarshal(params[0], &call); err != nil {
			return nil, err
		}
		out, err := n.run(call.To, call.Input, uint64(call.Gas))
		return hexutil.Bytes(out), err
	}
	return nil, fmt.Errorf("the method %s does not exist", method)
}

func (n *Node) run(to *common.Address, input []byte, gas uint64) ([]byte, error) {
	if gas == 0 {
		return nil, errors.New("the call has no limit of gas")
	}
	db, err := state.New(types.EmptyRootHash, state.NewDatabaseForTesting())
	if err != nil {
		return nil, err
	}
	for account, code := range n.Code {
		db.SetCode(account, code, 0)
	}
	config := &runtime.Config{State: db, GasLimit: gas, BlockNumber: big.NewInt(1), ChainConfig: params.MergedTestChainConfig, Random: &common.Hash{}}
	if to == nil {
		out, _, _, err := runtime.Create(input, config)
		return out, err
	}
	out, _, err := runtime.Call(*to, input, config)
	return out, err
}

// OwnedWallet is the code of a smart wallet whose isValidSignature accepts the
// signatures that one key makes.
func OwnedWallet(owner common.Address) []byte {
	code := []byte{
		0x60, 0x04, 0x35, 0x60, 0x00, 0x52, // memory 0: the digest
		0x60, 0xa4, 0x35, 0x60, 0xf8, 0x1c, 0x60, 0x20, 0x52, // 32: v
		0x60, 0x64, 0x35, 0x60, 0x40, 0x52, // 64: r
		0x60, 0x84, 0x35, 0x60, 0x60, 0x52, // 96: s
		0x60, 0x20, 0x60, 0x00, 0x60, 0x80, 0x60, 0x00, 0x60, 0x01, 0x5a, 0xfa, 0x50, // ecrecover
		0x60, 0x00, 0x51, 0x73, // who signed, and PUSH20
	}
	code = append(code, owner[:]...)
	code = append(code, 0x14) // EQ: 1 or 0
	code = append(code, 0x7f, 0x16, 0x26, 0xba, 0x7e)
	code = append(code, make([]byte, 28)...)
	return append(code, 0x02, 0x60, 0x00, 0x52, 0x60, 0x20, 0x60, 0x00, 0xf3) // times the magic value, returned
}

// Deploying returns the code that a transaction runs to deploy code.
func Deploying(code []byte) []byte {
	head := []byte{0x60, byte(len(code)), 0x60, 0x0c, 0x60, 0x00, 0x39, 0x60, byte(len(code)), 0x60, 0x00, 0xf3}
	return append(head, code...)
}

// Factory is the code of a contract that deploys what it is called with, at an address that follows from it.
var Factory = []byte{
	0x36, 0x60, 0x00, 0x60, 0x00, 0x37, // CALLDATACOPY(0, 0, CALLDATASIZE)
	0x60, 0x00, 0x36, 0x60, 0x00, 0x60, 0x00, 0xf5, 0x00, // CREATE2(0, 0, CALLDATASIZE, 0), STOP
}

// DeployedAt returns where a contract with the code Factory deploys code.
func DeployedAt(factory common.Address, code []byte) common.Address {
	return crypto.CreateAddress2(factory, [32]byte{}, crypto.Keccak256(code))
}

// Wrap returns a signature with the deployment of its wallet (ERC-6492).
func Wrap(t *testing.T, factory common.Address, preparation, signature []byte) []byte {
	t.Helper()
	var arguments abi.Arguments
	for _, name := range []string{"address", "bytes", "bytes"} {
		of, err := abi.NewType(name, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		arguments = append(arguments, abi.Argument{Type: of})
	}
	packed, err := arguments.Pack(factory, preparation, signature)
	if err != nil {
		t.Fatal(err)
	}
	return append(packed, bytes.Repeat([]byte{0x64, 0x92}, 16)...)
}
