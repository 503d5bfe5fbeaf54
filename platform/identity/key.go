package identity

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"time"
)

// signingKey is an Ed25519 key that signs tokens. The key is behind a function
// because fmt and loggers print the fields of whatever they are given, and of
// a function they can only print where it is.
type signingKey struct {
	id      string
	private func() ed25519.PrivateKey
}

// keySeed is a key as it is stored. However it is printed or logged, it does
// not show.
type keySeed []byte

// Format prints nothing of it, for every verb.
func (keySeed) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "(a secret)") }

// MarshalJSON keeps it out of JSON, which structured logs are.
func (keySeed) MarshalJSON() ([]byte, error) { return []byte(`"(a secret)"`), nil }

func newSeed(random io.Reader) (keySeed, error) {
	seed := make(keySeed, ed25519.SeedSize)
	if _, err := io.ReadFull(random, seed); err != nil {
		return nil, fmt.Errorf("make a signing key: %w", err)
	}
	return seed, nil
}

func keyFromSeed(seed keySeed) signingKey {
	private := ed25519.NewKeyFromSeed(seed)
	public := private.Public().(ed25519.PublicKey)
	return signingKey{id: thumbprint(public), private: func() ed25519.PrivateKey { return private }}
}

func (k signingKey) public() ed25519.PublicKey { return k.private().Public().(ed25519.PublicKey) }

// thumbprint names a public key by what it is (RFC 7638 with the members of
// RFC 8037), so that an id never means two keys.
func thumbprint(public ed25519.PublicKey) string {
	x := base64.RawURLEncoding.EncodeToString(public)
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + x + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// verifyKey is a public key and when it stops to count; the zero time means it
// is in use.
type verifyKey struct {
	public ed25519.PublicKey
	until  time.Time
}

func (k verifyKey) holds(now time.Time) bool { return k.until.IsZero() || now.Before(k.until) }

// keyset is one state of a process's own keys. It is never changed, only
// replaced: whoever holds one sees keys that belong together.
type keyset struct {
	signing signingKey
	public  map[string]verifyKey // by key id; the signing key is one of them
}
