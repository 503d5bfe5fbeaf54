package signin_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/securitylog"
	"banyan/platform/identity/signin/siwe"
	"banyan/platform/testenv/testclock"
	"banyan/platform/wallet"
)

func newClock() *testclock.Clock { return testclock.At(time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)) }

// person is a wallet with its key.
type person struct {
	key    *ecdsa.PrivateKey
	wallet wallet.Address
}

// newPerson is the same one for the same digit.
func newPerson(t testing.TB, digit string) person {
	t.Helper()
	key, err := crypto.HexToECDSA(strings.Repeat(digit, 64))
	if err != nil {
		t.Fatal(err)
	}
	return person{key: key, wallet: wallet.Address(crypto.PubkeyToAddress(key.PublicKey))}
}

// sign is personal_sign.
func (p person) sign(t testing.TB, message string) []byte {
	t.Helper()
	digest := siwe.Digest(message)
	signature, err := crypto.Sign(digest[:], p.key)
	if err != nil {
		t.Fatal(err)
	}
	signature[64] += 27
	return signature
}

func eventsIn(db *database.DB, c *testclock.Clock) *securitylog.Log {
	return securitylog.Open(db, securitylog.Options{Now: c.Now})
}

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

// wantFault checks the code and that the person is told this.
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
