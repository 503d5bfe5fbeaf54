package identity_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"strings"
	"testing"
	"time"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/testenv/testclock"
	"banyan/platform/wallet"
)

func newClock() *testclock.Clock { return testclock.At(time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)) }

// alice is a wallet; nothing here needs its key.
func alice() wallet.Address { return wallet.MustParse("0x8fd379246834eac74b8419ffda202cf8051f7a03") }

// seed makes a keyring's key known to the test.
func seed(b byte) []byte { return bytes.Repeat([]byte{b}, ed25519.SeedSize) }

func newRing(t testing.TB, module string, c *testclock.Clock, seeded byte) *identity.Keyring {
	t.Helper()
	ring, err := identity.NewKeyring(identity.KeyringOptions{Module: module, Now: c.Now, Random: bytes.NewReader(seed(seeded))})
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func token(t testing.TB, issuer identity.Issuer, caller identity.Caller, audience string) string {
	t.Helper()
	text, err := issuer.Token(caller, audience)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// wantFault checks the code and that the message contains this.
func wantFault(t testing.TB, err error, code fault.Code, says string) {
	t.Helper()
	if fault.CodeOf(err) != code || err != nil && !strings.Contains(err.Error(), says) {
		t.Errorf("got %v, want %s saying %q", err, code, says)
	}
}

func verifies(t testing.TB, v *identity.Verifier, token, audience string, want identity.Caller) {
	t.Helper()
	got, err := verify(context.Background(), v, token, audience)
	if err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

// verify returns whose token this is, for this audience.
func verify(ctx context.Context, v *identity.Verifier, token, audience string) (identity.Caller, error) {
	check, err := v.VerifyFor(ctx, token, audience, audience)
	return check.Caller, err
}
