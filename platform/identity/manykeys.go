package identity

import (
	"context"
	"crypto/ed25519"

	"banyan/platform/fault"
)

// ManyKeys is the KeySource of the replicas of one process, each of which has a key
// of its own.
type ManyKeys []KeySource

// Holds implements KeySource.
func (m ManyKeys) Holds(kid string) bool {
	for _, source := range m {
		if source.Holds(kid) {
			return true
		}
	}
	return false
}

// PublicKey asks the replica that has the key, or all of them in turn. Fails
// with fault.Unauthenticated when every replica answered and none has it, and
// with fault.Unavailable when one that did not answer may have it.
func (m ManyKeys) PublicKey(ctx context.Context, kid string) (ed25519.PublicKey, error) {
	for _, source := range m {
		if source.Holds(kid) {
			return source.PublicKey(ctx, kid)
		}
	}
	var failed error
	for _, source := range m {
		key, err := source.PublicKey(ctx, kid)
		if err == nil {
			return key, nil
		}
		if failed == nil || !fault.Is(err, fault.Unauthenticated) {
			failed = err
		}
	}
	return nil, failed
}
