package identity

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"time"
)

// SigningKey is an Ed25519 key that signs tokens. The key is behind a function
// because fmt and loggers print the fields of their arguments, and of a function
// only its address.
type SigningKey struct {
	ID      string
	private func() ed25519.PrivateKey
}

// Seed is a key as it is stored. It is masked wherever it is printed or logged.
type Seed []byte

// Format masks the seed for every verb.
func (Seed) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "(a secret)") }

// MarshalJSON masks the seed in JSON, also in structured logs.
func (Seed) MarshalJSON() ([]byte, error) { return []byte(`"(a secret)"`), nil }

// NewSeed returns a new key from random, crypto/rand.Reader outside tests.
func NewSeed(random io.Reader) (Seed, error) {
	seed := make(Seed, ed25519.SeedSize)
	if _, err := io.ReadFull(random, seed); err != nil {
		return nil, fmt.Errorf("make a signing key: %w", err)
	}
	return seed, nil
}

// KeyFromSeed returns the key of a seed of ed25519.SeedSize bytes.
func KeyFromSeed(seed Seed) SigningKey {
	private := ed25519.NewKeyFromSeed(seed)
	public := private.Public().(ed25519.PublicKey)
	return SigningKey{ID: thumbprint(public), private: func() ed25519.PrivateKey { return private }}
}

// Public returns the key that verifies what k signs.
func (k SigningKey) Public() ed25519.PublicKey { return k.private().Public().(ed25519.PublicKey) }

// thumbprint returns the id of a public key, derived from the key itself (RFC 7638
// with the members of RFC 8037), so that an id never means two keys.
func thumbprint(public ed25519.PublicKey) string {
	x := base64.RawURLEncoding.EncodeToString(public)
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + x + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// VerifyKey is a public key and the time from which it no longer verifies; the
// zero time means that it is in use.
type VerifyKey struct {
	Public ed25519.PublicKey
	Until  time.Time
}

// ValidAt reports whether the key verifies at this time.
func (k VerifyKey) ValidAt(now time.Time) bool { return k.Until.IsZero() || now.Before(k.Until) }

// KeySet is one state of a process's own keys. It is never changed, only
// replaced, so that one KeySet is consistent.
type KeySet struct {
	Signing SigningKey
	Public  map[string]VerifyKey // by key id; the signing key is one of them
}
