package browser

import (
	"context"
	"crypto/ecdsa"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/ethereum/go-ethereum/accounts"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/signer/core/apitypes"

	"banyan/web/webtest"
)

// injected announces a wallet as an extension does (EIP-6963), before the
// page's own scripts run. It signs in the test.
const injected = `(() => {
  const provider = { request: (q) => window.testWallet(q).catch((e) => { throw Object.assign(new Error(e.message), { code: /declined/.test(e.message) ? 4001 : -32603 }) }), on() {}, removeListener() {} };
  const info = { uuid: "11111111-2222-4333-8444-555555555555", name: "Test wallet", icon: "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'><rect width='9' height='9' rx='2' fill='teal'/></svg>", rdns: "test.wallet" };
  const announce = () => window.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail: Object.freeze({ info, provider }) }));
  window.addEventListener("eip6963:requestProvider", announce);
  announce();
})()`

// extension is the wallet of a test.
type extension struct {
	key      *ecdsa.PrivateKey
	declines atomic.Bool // the person refuses to sign
	// chains: it signs only documents that name a chain, as some extensions do.
	chains atomic.Bool
}

type request struct {
	Method string            `json:"method"`
	Params []json.RawMessage `json:"params"`
}

// install puts the wallet into every page that the tab opens from now on.
func (x *extension) install(t *testing.T, ctx context.Context) {
	t.Helper()
	do(t, ctx, chromedp.ExposeFunc("testWallet", func(_ context.Context, q request) (any, error) { return x.answer(q) }))
	_, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: injected})
	if err != nil {
		t.Fatalf("inject the wallet: %v", err)
	}
}

func (x *extension) answer(q request) (any, error) {
	text := func(i int) (s string) {
		if i < len(q.Params) && json.Unmarshal(q.Params[i], &s) == nil {
			return s
		}
		return ""
	}
	switch q.Method {
	case "eth_accounts", "eth_requestAccounts":
		return []string{webtest.AddressOf(x.key).String()}, nil
	case "eth_chainId":
		return "0x1", nil
	case "personal_sign":
		message, err := hex.DecodeString(strings.TrimPrefix(text(0), "0x"))
		if err != nil {
			return nil, err
		}
		return x.sign(accounts.TextHash(message))
	case "eth_signTypedData_v4":
		var document apitypes.TypedData
		if err := json.Unmarshal([]byte(text(1)), &document); err != nil {
			return nil, err
		}
		if x.chains.Load() && document.Domain.ChainId == nil {
			return nil, fmt.Errorf("Error - ChainId Mismatch") // as Trust Wallet's extension says it
		}
		hash, _, err := apitypes.TypedDataAndHash(document)
		if err != nil {
			return nil, err
		}
		return x.sign(hash)
	}
	return nil, fmt.Errorf("the test wallet has no method %s", q.Method)
}

func (x *extension) sign(hash []byte) (string, error) {
	if x.declines.Load() {
		return "", fmt.Errorf("the person declined")
	}
	signature, err := crypto.Sign(hash, x.key)
	if err != nil {
		return "", err
	}
	signature[64] += 27
	return "0x" + hex.EncodeToString(signature), nil
}
