package signin

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"banyan/platform/fault"
	"banyan/platform/identity"
)

// A sign-in message carries its own proof: its nonce is 16 random digits and a MAC
// over the whole text, with these digits as its nonce, and over the browser that
// asked for it. So nothing is stored for somebody who only asks, and a text that is
// signed is, byte for byte, one that was issued to that browser.
const (
	saltDigits  = 16
	proofDigits = 32 // of a MAC of 128 bits
)

// proofKey is the MAC key that belongs to a signing key. All processes of one
// database have the same; after a rotation the former one is valid as long as its
// signing key, which is longer than a message's life.
type proofKey struct {
	key   []byte
	until time.Time // zero = in use
}

func newProofKey(seed identity.Seed, until time.Time) (proofKey, error) {
	key, err := hkdf.Key(sha256.New, seed, nil, "banyan sign-in message", sha256.Size)
	if err != nil {
		return proofKey{}, fmt.Errorf("derive the key of sign-in messages: %w", err)
	}
	return proofKey{key, until}, nil
}

func (p proofKey) of(browser []byte, text string) string {
	mac := hmac.New(sha256.New, p.key)
	mac.Write(browser) // of one length, a hash
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil)[:proofDigits/2])
}

// prove returns the proof of a text for a browser.
func (k *Keys) prove(browser []byte, text string) string {
	return (*k.proofs.Load())[0].of(browser, text)
}

// proves reports whether the proof of a text is one of ours. A process that has
// not read another's new key yet reads the keys again.
func (k *Keys) proves(ctx context.Context, browser []byte, text, proof string) (bool, error) {
	if k.knowsProof(browser, text, proof) {
		return true, nil
	}
	if err := k.lookAgain(ctx); err != nil {
		return false, fault.Wrap(err, fault.Unavailable, "the keys that prove a sign-in message cannot be read at the moment: try again soon")
	}
	return k.knowsProof(browser, text, proof), nil
}

func (k *Keys) knowsProof(browser []byte, text, proof string) bool {
	now, known := k.now(), false
	for _, p := range *k.proofs.Load() {
		if (p.until.IsZero() || now.Before(p.until)) && hmac.Equal([]byte(p.of(browser, text)), []byte(proof)) {
			known = true
		}
	}
	return known
}
