package identity

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// signingKey is an Ed25519 key that signs tokens. However it is printed or
// logged, only its id shows.
type signingKey struct {
	id      string
	private ed25519.PrivateKey
}

func newSigningKey(random io.Reader) (signingKey, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(random, seed); err != nil {
		return signingKey{}, fmt.Errorf("make a signing key: %w", err)
	}
	return keyFromSeed(seed), nil
}

func keyFromSeed(seed []byte) signingKey {
	private := ed25519.NewKeyFromSeed(seed)
	return signingKey{id: thumbprint(private.Public().(ed25519.PublicKey)), private: private}
}

func (k signingKey) public() ed25519.PublicKey { return k.private.Public().(ed25519.PublicKey) }

// Format prints the id for every verb, so that no %v or %+v shows the key.
func (k signingKey) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "key "+k.id) }

// LogValue is the id.
func (k signingKey) LogValue() slog.Value { return slog.StringValue("key " + k.id) }

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
