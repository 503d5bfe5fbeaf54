package web

import (
	"context"
	"crypto/ecdsa"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"

	"banyan/platform/fault"
	"banyan/platform/wallet"
)

// DemoChain is a chain on which the demo wallet has ether.
type DemoChain interface {
	// Number is the chain's (EIP-155).
	Number() uint64
	// Send sends a transaction of a key's account, and returns its hash.
	Send(ctx context.Context, key *ecdsa.PrivateKey, to wallet.Address, data []byte) (hash [32]byte, err error)
	// Receipt reports whether a transaction is in a block, and whether it succeeded.
	Receipt(ctx context.Context, hash [32]byte) (found, succeeded bool, err error)
}

// onChain answers requests about the demo's chain; done is false for others.
func (d *DemoWallet) onChain(ctx context.Context, q walletRequest) (result any, done bool, err error) {
	switch q.Method {
	case "wallet_switchEthereumChain":
		result, err = nil, d.switchChain(q.Params)
	case "eth_sendTransaction":
		result, err = d.send(ctx, q.Params)
	case "eth_getTransactionReceipt":
		result, err = d.receipt(ctx, q.Params)
	default:
		return nil, false, nil
	}
	return result, true, err
}

func (d *DemoWallet) switchChain(params []json.RawMessage) error {
	var to struct {
		ChainID string `json:"chainId"`
	}
	if len(params) != 1 || json.Unmarshal(params[0], &to) != nil {
		return fault.New(fault.Invalid, "wallet_switchEthereumChain takes an object with chainId")
	}
	number, err := strconv.ParseUint(strings.TrimPrefix(to.ChainID, "0x"), 16, 64)
	if err != nil || number != d.home && (d.onDemoChain == nil || number != d.onDemoChain.Number()) {
		return fault.Newf(fault.Invalid, "the demo wallet does not know the chain %s", to.ChainID)
	}
	d.chain.Store(number)
	return nil
}

func (d *DemoWallet) send(ctx context.Context, params []json.RawMessage) (any, error) {
	if d.onDemoChain == nil || d.chain.Load() != d.onDemoChain.Number() {
		return nil, fault.New(fault.Unsupported, "the demo wallet has no ether on this chain: it sends on the demo's own chain only")
	}
	var tx struct {
		From  string         `json:"from"`
		To    wallet.Address `json:"to"`
		Data  string         `json:"data"`
		Value string         `json:"value"`
	}
	if len(params) != 1 || json.Unmarshal(params[0], &tx) != nil {
		return nil, fault.New(fault.Invalid, "eth_sendTransaction takes an object with from, to and data")
	}
	data, err := hex.DecodeString(strings.TrimPrefix(tx.Data, "0x"))
	if err != nil || strings.Trim(tx.Value, "0x") != "" {
		return nil, fault.New(fault.Invalid, "the demo wallet sends transactions with data in hex, and without ether")
	}
	if from, err := wallet.Parse(tx.From); err != nil || from != d.address {
		return nil, fault.New(fault.Invalid, "the demo wallet holds only "+d.address.String())
	}
	hash, err := d.onDemoChain.Send(ctx, d.key, tx.To, data)
	return "0x" + hex.EncodeToString(hash[:]), err
}

func (d *DemoWallet) receipt(ctx context.Context, params []json.RawMessage) (any, error) {
	var text string
	if len(params) != 1 || json.Unmarshal(params[0], &text) != nil {
		return nil, fault.New(fault.Invalid, "eth_getTransactionReceipt takes the hash of a transaction")
	}
	hash, err := hex.DecodeString(strings.TrimPrefix(text, "0x"))
	if err != nil || len(hash) != 32 {
		return nil, fault.New(fault.Invalid, "eth_getTransactionReceipt takes the hash of a transaction")
	}
	if d.onDemoChain == nil {
		return nil, nil
	}
	found, succeeded, err := d.onDemoChain.Receipt(ctx, [32]byte(hash))
	if err != nil || !found {
		return nil, err
	}
	status := "0x0"
	if succeeded {
		status = "0x1"
	}
	return map[string]string{"transactionHash": text, "status": status}, nil
}
