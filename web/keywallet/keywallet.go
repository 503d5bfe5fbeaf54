// Package keywallet signs as a browser's wallet does, for people whose key the program
// has itself: those of the demo and of a load.
package keywallet

import (
	"crypto/ecdsa"
	"encoding/json"
	"fmt"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/signer/core/apitypes"

	"banyan/platform/wallet"
)

// New makes a key that nobody else has, with its address.
func New() (*ecdsa.PrivateKey, wallet.Address, error) {
	key, err := crypto.GenerateKey()
	if err != nil {
		return nil, wallet.Address{}, fmt.Errorf("make a wallet: %w", err)
	}
	return key, wallet.Address(crypto.PubkeyToAddress(key.PublicKey)), nil
}

// Sign does what a wallet does for eth_signTypedData_v4: it returns r‖s‖v over a
// document of EIP-712, whatever Go type that has.
func Sign(key *ecdsa.PrivateKey, document any) ([]byte, error) {
	text, err := json.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("encode the document to sign: %w", err)
	}
	var typed apitypes.TypedData
	if err := json.Unmarshal(text, &typed); err != nil {
		return nil, fmt.Errorf("read the document to sign: %w", err)
	}
	digest, _, err := apitypes.TypedDataAndHash(typed)
	if err != nil {
		return nil, fmt.Errorf("hash the document to sign: %w", err)
	}
	signature, err := crypto.Sign(digest, key)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	signature[64] += 27 // wallets write the recovery id as 27 or 28
	return signature, nil
}
