//go:build devchain

package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"

	"banyan/platform/chain/devchain"
)

func callOf(to common.Address, data []byte) ethereum.CallMsg {
	return ethereum.CallMsg{To: &to, Data: data}
}

// chainWallet is an extension that sends transactions on a development chain. It begins
// on another chain, so that pages have to ask for theirs.
type chainWallet struct {
	extension
	site  *paidSite
	calls bool // it offers wallet_sendCalls
	seals bool // what it sends is in a block at once

	mu    sync.Mutex
	chain uint64
	asked []string               // methods
	sent  map[string]common.Hash // by the id of its calls
}

// install puts the wallet into every page that the tab opens from now on.
func (x *chainWallet) install(t *testing.T, ctx context.Context) {
	t.Helper()
	do(t, ctx, chromedp.ExposeFunc("testWallet", func(ctx context.Context, q request) (any, error) {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.asked = append(x.asked, q.Method)
		return x.answer(ctx, q)
	}))
	_, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: injected})
	if err != nil {
		t.Fatalf("inject the wallet: %v", err)
	}
}

func (x *chainWallet) answer(ctx context.Context, q request) (any, error) {
	switch q.Method {
	case "eth_chainId":
		return hexutil.Uint64(max(1, x.chain)), nil
	case "wallet_switchEthereumChain":
		var to struct {
			ChainID string `json:"chainId"`
		}
		if err := json.Unmarshal(q.Params[0], &to); err != nil {
			return nil, err
		}
		number, err := strconv.ParseUint(strings.TrimPrefix(to.ChainID, "0x"), 16, 64)
		x.chain = number
		return nil, err
	case "wallet_getCapabilities":
		if !x.calls {
			break
		}
		return map[string]any{hexutil.EncodeUint64(devchain.ID): map[string]any{"atomic": map[string]string{"status": "supported"}}}, nil
	case "eth_sendTransaction":
		return x.send(q.Params[0])
	case "wallet_sendCalls":
		return x.sendCalls(q.Params[0])
	case "wallet_getCallsStatus":
		return x.status(ctx, q.Params[0])
	case "eth_getTransactionReceipt", "eth_getCode", "eth_call":
		params := make([]any, len(q.Params))
		for i, p := range q.Params {
			params[i] = p
		}
		var answer json.RawMessage
		err := x.site.Client().Client().CallContext(ctx, &answer, q.Method, params...)
		return answer, err
	}
	return x.extension.answer(q)
}

// call is what wallets send.
type call struct {
	From  string         `json:"from"`
	To    common.Address `json:"to"`
	Data  string         `json:"data"`
	Value string         `json:"value"`
}

func (x *chainWallet) send(params json.RawMessage) (any, error) {
	var tx call
	if err := json.Unmarshal(params, &tx); err != nil {
		return nil, err
	}
	return x.sendOne(tx)
}

func (x *chainWallet) sendOne(tx call) (common.Hash, error) {
	if x.declines.Load() {
		return common.Hash{}, fmt.Errorf("the person declined")
	}
	if x.chain != devchain.ID {
		return common.Hash{}, fmt.Errorf("the wallet is on the chain %d", x.chain)
	}
	message := callOf(tx.To, common.FromHex(tx.Data))
	message.From = crypto.PubkeyToAddress(x.key.PublicKey)
	if _, err := x.site.Client().EstimateGas(context.Background(), message); err != nil {
		return common.Hash{}, err
	}
	hash := x.site.pool(x.key, &tx.To, common.FromHex(tx.Data))
	if x.seals {
		x.site.Commit()
	}
	return hash, nil
}

func (x *chainWallet) sendCalls(params json.RawMessage) (any, error) {
	var all struct {
		Version string `json:"version"`
		ChainID string `json:"chainId"`
		From    string `json:"from"`
		Calls   []call `json:"calls"`
	}
	if err := json.Unmarshal(params, &all); err != nil {
		return nil, err
	}
	if all.Version != "2.0.0" || all.ChainID != hexutil.EncodeUint64(devchain.ID) || len(all.Calls) != 1 || all.From == "" {
		return nil, fmt.Errorf("wallet_sendCalls has %s", params)
	}
	hash, err := x.sendOne(all.Calls[0])
	if err != nil {
		return nil, err
	}
	if x.sent == nil {
		x.sent = make(map[string]common.Hash)
	}
	id := fmt.Sprintf("0xca11%d", len(x.sent))
	x.sent[id] = hash
	return map[string]string{"id": id}, nil
}

func (x *chainWallet) status(ctx context.Context, params json.RawMessage) (any, error) {
	var id string
	if err := json.Unmarshal(params, &id); err != nil {
		return nil, err
	}
	receipt, err := x.site.Client().TransactionReceipt(ctx, x.sent[id])
	if err != nil {
		return map[string]any{"status": 100}, nil //nolint:nilerr // it is in no block yet
	}
	return map[string]any{"status": 200, "receipts": []map[string]string{{"transactionHash": receipt.TxHash.Hex(), "status": hexutil.EncodeUint64(receipt.Status)}}}, nil
}
