package identity_test

import (
	"testing"

	"banyan/platform/fault"
	"banyan/platform/identity"
)

// TestAKeyringSignsForItsModuleAlone: what leaves the process names the
// module, whoever the caller was.
func TestAKeyringSignsForItsModuleAlone(t *testing.T) {
	const module = "airdrop"
	person := identity.Caller{Wallet: alice(), Role: identity.Operator}
	ring := newRing(t, module, newClock(), 3)
	v := identity.NewVerifier(newClock().Now, identity.Trusted{Issuer: module, Keys: ring, OnlyService: module})
	for _, caller := range []identity.Caller{{}, person, {Subject: "cli", Role: identity.Operator}, {Service: module}} {
		token, err := ring.Token(caller, "reputation")
		if err != nil {
			t.Fatal(err)
		}
		if verified, err := verify(t.Context(), v, token, "reputation"); err != nil || verified != (identity.Caller{Service: module}) {
			t.Errorf("asked to act for %s it says %+v, %v", caller.Name(), verified, err)
		}
		if _, err := verify(t.Context(), v, token, "exchange-review"); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("a token for reputation is accepted by exchange-review: %v", err)
		}
	}
	for _, other := range []string{"trunk", "reputation"} {
		if _, err := ring.Token(identity.Caller{Service: other}, "reputation"); err == nil {
			t.Errorf("the keyring of %s signed for %s", module, other)
		}
	}
}
