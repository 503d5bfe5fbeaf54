package accesstest

import (
	"context"
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"banyan/platform/fault"
	"banyan/platform/identity"
)

// forger has a key that the trunk's and the modules' verifiers know as the
// intruder's, and signs any claims with it.
type forger struct {
	key ed25519.PrivateKey
	now func() time.Time
}

func newForger(t *testing.T, now func() time.Time) *forger {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &forger{key, now}
}

const forgedKey = "forged"

// PublicKey implements identity.KeySource.
func (f *forger) PublicKey(_ context.Context, kid string) (ed25519.PublicKey, error) {
	if kid != forgedKey {
		return nil, fault.New(fault.Unauthenticated, "no such key")
	}
	return f.key.Public().(ed25519.PublicKey), nil
}

// Holds implements identity.KeySource.
func (f *forger) Holds(kid string) bool { return kid == forgedKey }

func (f *forger) token(t *testing.T, issuer, audience string, more jwt.MapClaims) string {
	t.Helper()
	now := f.now()
	claims := jwt.MapClaims{
		"iss": issuer, "aud": audience, "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(life).Unix(), "role": "anonymous",
	}
	for name, value := range more {
		claims[name] = value
	}
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims)
	token.Header["typ"], token.Header["kid"] = "banyan+jwt", forgedKey
	text, err := token.SignedString(f.key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// eitherKey has the keys of a keyring and of a forger, as keys of one module.
type eitherKey struct {
	ring *identity.Keyring
	f    *forger
}

// PublicKey implements identity.KeySource.
func (e eitherKey) PublicKey(ctx context.Context, kid string) (ed25519.PublicKey, error) {
	if e.f.Holds(kid) {
		return e.f.PublicKey(ctx, kid)
	}
	return e.ring.PublicKey(ctx, kid)
}

// Holds implements identity.KeySource.
func (e eitherKey) Holds(kid string) bool { return e.f.Holds(kid) || e.ring.Holds(kid) }
