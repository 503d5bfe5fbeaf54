// Package signer finds the wallet that signed a digest.
package signer

import (
	"bytes"
	"encoding/hex"

	"github.com/ethereum/go-ethereum/crypto"

	"banyan/modules/exchangereview"
	"banyan/platform/fault"
	"banyan/platform/wallet"
)

// halfOrder is half the order of secp256k1, rounded down: s above it is the
// same signature written in a second way (EIP-2).
const halfOrder = "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0"

// Recover returns the address that signed a digest. It fails with
// fault.Invalid when the signature is malformed.
func Recover(digest exchangereview.Hash, s exchangereview.Signature) (wallet.Address, error) {
	wrong := func(why string) (wallet.Address, error) {
		return wallet.Address{}, fault.New(fault.Invalid, "the signature is malformed: sign again in your wallet and send its signature unchanged").
			With(fault.Field{Name: "signature", Message: why})
	}
	switch v := &s[64]; *v {
	case 27, 28:
		*v -= 27
	case 0, 1:
	default:
		return wrong("its last byte must be 27 or 28")
	}
	limit, err := hex.DecodeString(halfOrder)
	if err != nil {
		return wallet.Address{}, err
	}
	if bytes.Compare(s[32:64], limit) > 0 {
		return wrong("its s is in the upper half, a high s, which is the malleable copy of another signature")
	}
	key, err := crypto.Ecrecover(digest[:], s[:])
	if err != nil {
		return wrong("no key has made it")
	}
	return wallet.Address(crypto.Keccak256(key[1:])[12:]), nil
}
