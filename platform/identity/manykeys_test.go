package identity_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"testing"
	"time"

	"banyan/platform/fault"
	"banyan/platform/identity"
)

// deadKeys is a replica that does not answer.
type deadKeys struct{}

func (deadKeys) Holds(string) bool { return false }

func (deadKeys) PublicKey(context.Context, string) (ed25519.PublicKey, error) {
	return nil, fault.Wrap(errors.New("connection refused"), fault.Unavailable, "the keys cannot be fetched")
}

func TestEveryReplicaOfAModuleIsBelieved(t *testing.T) {
	var rings []*identity.Keyring
	for range 3 {
		ring, err := identity.NewKeyring(identity.KeyringOptions{Module: "airdrop"})
		if err != nil {
			t.Fatal(err)
		}
		rings = append(rings, ring)
	}
	verifier := func(keys ...identity.KeySource) *identity.Verifier {
		return identity.NewVerifier(time.Now, identity.Trusted{Issuer: "airdrop", Keys: identity.ManyKeys(keys), OnlyService: "airdrop"})
	}
	for i, ring := range rings {
		token, err := ring.Token(identity.Caller{}, "reputation")
		if err != nil {
			t.Fatal(err)
		}
		caller, err := verify(t.Context(), verifier(rings[0], deadKeys{}, rings[1]), token, "reputation")
		switch {
		case i < 2 && (err != nil || caller.Service != "airdrop"):
			t.Errorf("replica %d: %+v, %v", i, caller, err)
		case i == 2 && !fault.Is(err, fault.Unavailable):
			t.Errorf("a key that the silent replica may have: %v", err)
		}
		if _, err := verify(t.Context(), verifier(rings[0], rings[1]), token, "reputation"); i == 2 && !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("a key that nobody has: %v", err)
		}
	}
}
