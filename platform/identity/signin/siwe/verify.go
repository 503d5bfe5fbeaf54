package siwe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/crypto"

	"banyan/platform/fault"
	"banyan/platform/signature"
)

// MaxSignature bounds a signature, in bytes. A key's signature has 65; a smart
// wallet's may carry several of them, and its own deployment (ERC-6492).
const MaxSignature = 8 << 10

// Expected is what the message must contain. An empty URI or
// Nonce and a chain id of 0 are not compared: callers that sign people in set
// all of them.
type Expected struct {
	Domain  string // from the configuration, never from the request's Host
	URI     string
	Nonce   string
	ChainID uint64
	Now     time.Time
	// Contracts is asked when the signature is not of the address's own key;
	// nil = smart wallets cannot sign in.
	Contracts signature.Contracts
}

// Verify checks a message as it was received and its signature, and returns the
// message's parts. Fails with fault.Invalid (not a message or
// not a signature), fault.Unauthenticated (not valid) or fault.Unavailable
// (the chain does not answer).
func Verify(ctx context.Context, received string, signed []byte, want Expected) (Message, error) {
	m, err := Parse(received)
	if err != nil {
		return Message{}, err
	}
	if err := m.Matches(want); err != nil {
		return Message{}, err
	}
	if err := m.ValidAt(want.Now); err != nil {
		return Message{}, err
	}
	if err := verifySignature(ctx, m, Digest(received), signed, want.Contracts); err != nil {
		return Message{}, err
	}
	return m, nil
}

// Matches compares what the message says with what the server knows, exactly.
func (m Message) Matches(want Expected) error {
	switch {
	case m.Domain != want.Domain:
		return fault.Newf(fault.Unauthenticated,
			"this message signs in to %s, not to %s: sign only what this site's own sign-in shows", m.Domain, want.Domain)
	case want.URI != "" && m.URI != want.URI:
		return fault.Newf(fault.Unauthenticated, "this message is for %s, not for %s: ask for a new one and sign it as it is", m.URI, want.URI)
	case want.Nonce != "" && m.Nonce != want.Nonce:
		return fault.New(fault.Unauthenticated, "this message's nonce is not one that this site has issued: ask for a new message")
	case want.ChainID != 0 && m.ChainID != want.ChainID:
		return fault.Newf(fault.Unauthenticated, "this message names chain %d, it was made for chain %d: ask for a new one", m.ChainID, want.ChainID)
	}
	return nil
}

// ValidAt checks the message's times: not before NotBefore, and strictly before
// ExpirationTime.
func (m Message) ValidAt(now time.Time) error {
	if m.NotBefore != "" {
		from, err := m.NotBefore.Time()
		if err != nil {
			return fmt.Errorf("read not before: %w", err)
		}
		if now.Before(from) {
			return fault.Newf(fault.Unauthenticated, "this sign-in message is valid only from %s on", m.NotBefore)
		}
	}
	if m.ExpirationTime != "" {
		end, err := m.ExpirationTime.Time()
		if err != nil {
			return fmt.Errorf("read expiration time: %w", err)
		}
		if !now.Before(end) {
			return fault.New(fault.Unauthenticated, "this sign-in message has expired: ask for a new one and sign it within ten minutes")
		}
	}
	return nil
}

// Digest returns the hash that a wallet signs for a text (EIP-191, version 0x45).
func Digest(text string) [32]byte {
	prefix := fmt.Sprintf("\x19Ethereum Signed Message:\n%d", len(text))
	return crypto.Keccak256Hash([]byte(prefix), []byte(text))
}

func verifySignature(ctx context.Context, m Message, digest [32]byte, signed []byte, contracts signature.Contracts) error {
	if len(signed) == 0 || len(signed) > MaxSignature {
		return fault.Newf(fault.Invalid, "a signature has 65 bytes (a smart wallet's up to %d), this has %d", MaxSignature, len(signed))
	}
	signer, recoverErr := signature.Recover(digest, signed)
	if recoverErr == nil && signer == m.Address {
		return nil
	}
	if contracts == nil {
		if recoverErr != nil {
			return fault.Wrap(recoverErr, fault.Unauthenticated,
				"this is not a signature of a wallet's own key; if it is a smart wallet's, sign-in with one needs a chain to ask, and none is configured here")
		}
		return fault.Newf(fault.Unauthenticated,
			"this message was signed by %s, not by %s: choose that account in the wallet and sign again (smart wallets cannot sign in here: no chain is configured)",
			signer, m.Address)
	}
	return askContract(ctx, m, digest, signed, contracts, recoverErr)
}

func askContract(ctx context.Context, m Message, digest [32]byte, signed []byte, contracts signature.Contracts, recoverErr error) error {
	unanswered := func(err error) error {
		if errors.Is(err, signature.ErrNoSuchChain) {
			return fault.Newf(fault.Unauthenticated,
				"this is not a signature of the wallet's own key, and a smart wallet cannot be asked: chain %d is not configured here; switch the wallet's network and sign in again",
				m.ChainID)
		}
		return fault.Wrap(err, fault.Unavailable, "the chain did not answer whether this smart wallet accepts the signature: try again")
	}
	hasCode, err := contracts.HasCode(ctx, m.ChainID, m.Address, signed)
	if err != nil {
		return unanswered(err)
	}
	if !hasCode {
		return fault.Wrap(recoverErr, fault.Unauthenticated,
			"this message was not signed by "+m.Address.String()+": choose that account in the wallet and sign again")
	}
	accepted, _, err := contracts.Accepts(ctx, m.ChainID, m.Address, digest, signed)
	if err != nil {
		return unanswered(err)
	}
	if !accepted {
		return fault.New(fault.Unauthenticated, "the smart wallet "+m.Address.String()+" does not accept this signature: sign again with one of its owners")
	}
	return nil
}
