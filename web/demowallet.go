package web

import (
	"crypto/ecdsa"
	"encoding/hex"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/ethereum/go-ethereum/accounts"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/signer/core/apitypes"

	"banyan/platform/fault"
	"banyan/platform/loopback"
	"banyan/platform/wallet"
	"banyan/web/ui"
)

// DemoWallet is a wallet for trying Banyan without a browser extension. It
// signs whatever a page on this machine asks with a key made for one
// demonstration, so it may exist only where there is nothing to lose; only
// `banyan demo` makes one.
type DemoWallet struct {
	key     *ecdsa.PrivateKey
	address wallet.Address
	home    uint64        // the chain on which it begins
	chain   atomic.Uint64 // the one it is on; a page may change it
	// onDemoChain is where it has ether; nil = nowhere.
	onDemoChain DemoChain
}

// NewDemoWallet holds key and says it is on this chain. It sends transactions on own
// only, which may be nil.
func NewDemoWallet(key *ecdsa.PrivateKey, chain uint64, own DemoChain) *DemoWallet {
	d := &DemoWallet{key: key, address: wallet.Address(crypto.PubkeyToAddress(key.PublicKey)), home: chain, onDemoChain: own}
	d.chain.Store(chain)
	return d
}

// walletRequest is an EIP-1193 request.
type walletRequest struct {
	Method string            `json:"method"`
	Params []json.RawMessage `json:"params"`
}

// forThisMachine lets requests of a demo's own pages through. A site that makes
// its name lead to this machine (DNS rebinding) is of one origin with the demo
// to the browser, and could sign with its wallet; such a request names that site
// as its host. A form of another site cannot have the type JSON.
func forThisMachine(h ui.Handler) ui.Handler {
	return func(rw http.ResponseWriter, r *http.Request) error {
		r.Header.Set("Accept", "application/json") // the answers, errors too, are for a script
		if !loopback.Host((&url.URL{Host: r.Host}).Hostname()) {
			return fault.New(fault.Misdirected, "the demo wallet signs on this machine only: open the demo at the address that it printed, like http://127.0.0.1:8080")
		}
		if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != "application/json" {
			return fault.New(fault.Unsupported, "a wallet request has the Content-Type application/json")
		}
		return h(rw, r)
	}
}

// sign answers the requests of demo-wallet.js.
func (d *DemoWallet) sign(rw http.ResponseWriter, r *http.Request) error {
	var q walletRequest
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		return fault.Wrap(err, fault.Invalid, "a wallet request is JSON with a method and params")
	}
	result, done, err := d.onChain(r.Context(), q)
	if !done {
		result, err = d.request(q)
	}
	if err != nil {
		return err
	}
	return ui.WriteJSON(rw, struct {
		Result any `json:"result"`
	}{result})
}

func (d *DemoWallet) request(q walletRequest) (any, error) {
	switch q.Method {
	case "eth_accounts", "eth_requestAccounts":
		return []string{d.address.String()}, nil
	case "eth_chainId":
		return "0x" + strconv.FormatUint(d.chain.Load(), 16), nil
	case "personal_sign": // [message, account]
		message, account, err := twoTexts(q.Params)
		if err != nil {
			return nil, err
		}
		text, err := hex.DecodeString(strings.TrimPrefix(message, "0x"))
		if err != nil {
			return nil, fault.New(fault.Invalid, "personal_sign takes the message as hex digits after 0x")
		}
		return d.signHash(accounts.TextHash(text), account)
	case "eth_signTypedData_v4": // [account, document]
		account, document, err := twoTexts(q.Params)
		if err != nil {
			return nil, err
		}
		var data apitypes.TypedData
		if err := json.Unmarshal([]byte(document), &data); err != nil {
			return nil, fault.Wrap(err, fault.Invalid, "eth_signTypedData_v4 takes an EIP-712 document as JSON text")
		}
		hash, _, err := apitypes.TypedDataAndHash(data)
		if err != nil {
			return nil, fault.Wrap(err, fault.Invalid, "this is not a complete EIP-712 document")
		}
		return d.signHash(hash, account)
	}
	return nil, fault.New(fault.Unsupported, "the demo wallet only names its account and signs messages and reviews")
}

func (d *DemoWallet) signHash(hash []byte, account string) (string, error) {
	if address, err := wallet.Parse(account); err != nil || address != d.address {
		return "", fault.New(fault.Invalid, "the demo wallet holds only "+d.address.String())
	}
	signature, err := crypto.Sign(hash, d.key)
	if err != nil {
		return "", err
	}
	signature[64] += 27 // wallets write the recovery id as 27 or 28
	return "0x" + hex.EncodeToString(signature), nil
}

func twoTexts(params []json.RawMessage) (first, second string, err error) {
	if len(params) >= 2 && json.Unmarshal(params[0], &first) == nil && json.Unmarshal(params[1], &second) == nil {
		return first, second, nil
	}
	return "", "", fault.New(fault.Invalid, "a signing request has two strings as params")
}
