// Package signature finds out whose signature of a digest it is: of a wallet's own
// key by computing, of a smart wallet by asking its chain.
//
//	v := signature.Verifier{Contracts: chain} // nil: smart wallets cannot be asked
//	checked, err := v.Verify(ctx, signature.Claim{Digest: digest, Signer: w, ChainID: 1}, bytes)
package signature

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/crypto"

	"banyan/platform/fault"
	"banyan/platform/wallet"
)

const (
	keySize     = 65 // r, s, v of a key
	compactSize = 64 // r and s with v in its first bit (EIP-2098)
)

// halfOrder is half the order of secp256k1, rounded down: s above it is the same
// signature written in a second way (EIP-2).
const halfOrder = "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0"

// errNotOfKey is the error for bytes that no key makes, but a smart wallet may.
var errNotOfKey = errors.New("this is not a signature of a wallet's own key")

// Recover returns the address whose key made a signature r‖s‖v of a digest. v is
// 27 or 28, or 0 or 1 as hardware wallets write it; s is the lower one, so that a
// signature has one form. Other bytes fail with fault.Invalid.
func Recover(digest [32]byte, signature []byte) (wallet.Address, error) {
	if len(signature) != keySize {
		return wallet.Address{}, wrongSize(len(signature))
	}
	var s [keySize]byte // the caller's bytes stay as they are
	copy(s[:], signature)
	switch v := &s[64]; *v {
	case 27, 28:
		*v -= 27
	case 0, 1:
	default:
		return wallet.Address{}, malformed(fmt.Sprintf("its last byte, v, is %d, and must be 27 or 28 (0 and 1 are taken, too)", *v))
	}
	limit, err := hex.DecodeString(halfOrder)
	if err != nil {
		return wallet.Address{}, err
	}
	if bytes.Compare(s[32:64], limit) > 0 {
		return wallet.Address{}, malformed("its s is in the upper half of the curve's order (a high s): it is the malleable copy of another signature, which wallets do not make")
	}
	key, err := crypto.Ecrecover(digest[:], s[:])
	if err != nil {
		return wallet.Address{}, malformed("no key has made it")
	}
	return wallet.Address(crypto.Keccak256(key[1:])[12:]), nil
}

func malformed(why string) error {
	return fault.New(fault.Invalid, "the signature is malformed: sign again in your wallet and send its signature unchanged").
		With(fault.Field{Name: "signature", Message: why})
}

func wrongSize(size int) error {
	switch {
	case size == 0:
		return malformed("is missing")
	case size == compactSize:
		return malformed("has 64 bytes: it is in the compact form of EIP-2098, which is not taken; send r, s and v in 65 bytes")
	case size < compactSize:
		return malformed(fmt.Sprintf("has %d bytes, and must have 65: r, s and v", size))
	}
	return errNotOfKey
}

// Contracts asks chains whether smart wallets accept signatures. Implementations
// bound the gas and the time of a call.
type Contracts interface {
	// HasCode reports whether the account is a contract, or will be one once the
	// deployment inside the signature (ERC-6492) has run.
	HasCode(ctx context.Context, chainID uint64, account wallet.Address, signature []byte) (bool, error)
	// Accepts asks the account's isValidSignature (ERC-1271) for this digest, and
	// returns the number of the block at which it was asked.
	Accepts(ctx context.Context, chainID uint64, account wallet.Address, digest [32]byte, signature []byte) (accepted bool, block uint64, err error)
}

// ErrNoSuchChain is the error of Contracts for a chain that they cannot ask.
var ErrNoSuchChain = errors.New("this chain is not configured")

// Verifier verifies signatures. Contracts may be nil.
type Verifier struct{ Contracts Contracts }

// Claim says what was signed, and by whom.
type Claim struct {
	Digest  [32]byte
	Signer  wallet.Address
	ChainID uint64 // that a smart wallet is asked on
	What    string // that was signed, for messages: "this attestation"
}

// Checked says how a signature was found to be the signer's.
type Checked struct {
	Block uint64 // at which the smart wallet was asked; 0 = the signer's own key signed
}

// Verify fails with fault.Invalid for bytes that are no signature, with
// fault.Forbidden when somebody else signed, with fault.Unsupported when it can only be
// a smart wallet's and no chain is configured, and with fault.Unavailable when the
// chain does not answer.
func (v Verifier) Verify(ctx context.Context, c Claim, signature []byte) (Checked, error) {
	by, err := Recover(c.Digest, signature)
	if err == nil && by == c.Signer {
		return Checked{}, nil
	}
	if v.Contracts == nil {
		return Checked{}, c.withoutChain(by, err, len(signature))
	}
	deployed, askErr := v.Contracts.HasCode(ctx, c.ChainID, c.Signer, signature)
	if askErr != nil {
		return Checked{}, c.unanswered(askErr, by, err)
	}
	if !deployed {
		return Checked{}, c.bySomebodyElse(by, err, fmt.Sprintf("and there is no smart wallet at %s on chain %d", c.Signer, c.ChainID))
	}
	accepted, block, askErr := v.Contracts.Accepts(ctx, c.ChainID, c.Signer, c.Digest, signature)
	if askErr != nil {
		return Checked{}, c.unanswered(askErr, by, err)
	}
	if !accepted {
		return Checked{}, fault.Newf(fault.Forbidden, "the smart wallet %s does not accept this signature on chain %d: sign again with its owners", c.Signer, c.ChainID)
	}
	return Checked{Block: block}, nil
}

func (c Claim) unanswered(err error, by wallet.Address, recoverErr error) error {
	if errors.Is(err, ErrNoSuchChain) { // what is malformed is named: it is hardly a smart wallet's
		return c.bySomebodyElse(by, recoverErr, fmt.Sprintf("and if that is a smart wallet, it cannot be asked: no node of chain %d is configured here (chain.nodes)", c.ChainID))
	}
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Busy) {
		return err
	}
	return fault.Wrap(err, fault.Unavailable, fmt.Sprintf("chain %d did not say whether the smart wallet %s accepts this signature: try again", c.ChainID, c.Signer))
}

func (c Claim) withoutChain(by wallet.Address, err error, size int) error {
	if errors.Is(err, errNotOfKey) {
		return fault.Newf(fault.Unsupported, "the signature of %s has %d bytes, so no key made it: if it is a smart wallet's, checking it needs a chain to ask, and none is configured here", c.What, size)
	}
	return c.bySomebodyElse(by, err, "if that is a smart wallet, checking it needs a chain to ask, and none is configured here")
}

func (c Claim) bySomebodyElse(by wallet.Address, err error, more string) error {
	if errors.Is(err, errNotOfKey) {
		return fault.Newf(fault.Forbidden, "%s was not signed by the key of %s, %s", c.What, c.Signer, more)
	}
	if err != nil {
		return err
	}
	return fault.Newf(fault.Forbidden, "%s was signed by %s, not by %s, or it was changed afterwards: sign it with that account and send it unchanged; %s", c.What, by, c.Signer, more)
}
