package accesstest

import (
	"crypto/ecdsa"
	"fmt"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/pquerna/otp/totp"

	"banyan/platform/identity"
	"banyan/platform/identity/securitylog"
	"banyan/platform/identity/signin"
	"banyan/platform/identity/signin/siwe"
	"banyan/platform/testenv/databasetest"
	"banyan/platform/testenv/testclock"
	"banyan/platform/wallet"
)

const (
	origin = "http://127.0.0.1:8080"
	life   = time.Hour // of tokens that are to count
)

// world is the identity of a trunk, and those who call it.
type world struct {
	clock    *testclock.Clock
	keys     *signin.Keys
	tokens   *signin.Tokens
	sessions *signin.Sessions
	api      *signin.API
	verifier *identity.Verifier
	module   *identity.Keyring // the intruder's
	forger   *forger
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db, clock := databasetest.SQLite(t, "identity"), testclock.At(time.Now())
	w := &world{clock: clock, forger: newForger(t, clock.Now)}
	var err error
	if w.keys, err = signin.OpenKeys(t.Context(), db, signin.KeysOptions{Now: clock.Now}); err != nil {
		t.Fatal(err)
	}
	if w.sessions, err = signin.NewSessions(w.keys, signin.SessionOptions{Origin: origin, Now: clock.Now}); err != nil {
		t.Fatal(err)
	}
	if w.module, err = identity.NewKeyring(identity.KeyringOptions{Module: intruder, Now: clock.Now}); err != nil {
		t.Fatal(err)
	}
	w.tokens = signin.NewTokens(w.keys, signin.TokensOptions{})
	w.verifier = identity.NewVerifier(clock.Now,
		identity.Trusted{Issuer: identity.TrunkIssuer, Keys: w.keys},
		identity.Trusted{Issuer: intruder, Keys: eitherKey{w.module, w.forger}, OnlyService: intruder})
	w.api = signin.NewAPI(signin.APIOptions{
		Sessions: w.sessions, Tokens: w.tokens, Events: securitylog.Open(db, securitylog.Options{Now: clock.Now}), Verifier: w.verifier,
	})
	for role := range wallets {
		w.grant(t, wallets[role], role)
	}
	return w
}

func (w *world) grant(t *testing.T, to wallet.Address, role identity.Role) {
	t.Helper()
	if err := w.sessions.Grant(t.Context(), identity.Caller{Subject: "test", Role: identity.Operator}, to, role); err != nil {
		t.Fatal(err)
	}
}

// keyOf returns the same key for the same number.
func keyOf(n int) *ecdsa.PrivateKey {
	key, err := crypto.HexToECDSA(fmt.Sprintf("%064x", n))
	if err != nil {
		panic(err) // a number that is no key
	}
	return key
}

func walletOf(key *ecdsa.PrivateKey) wallet.Address {
	return wallet.Address(crypto.PubkeyToAddress(key.PublicKey))
}

// wallets have these roles.
var wallets = map[identity.Role]wallet.Address{
	identity.Member: walletOf(keyOf(1)), identity.Moderator: walletOf(keyOf(2)), identity.Operator: walletOf(keyOf(3)),
}

// demoted is the number of a wallet that was an operator when its session and token
// were made.
const demoted = 4

// cookie signs a wallet in and returns its cookie and the session's CSRF token.
func (w *world) cookie(t *testing.T, key *ecdsa.PrivateKey) (cookie, csrf string) {
	t.Helper()
	browser, err := w.sessions.NewBrowser()
	if err != nil {
		t.Fatal(err)
	}
	asked, err := w.sessions.Begin(browser, walletOf(key), 1)
	if err != nil {
		t.Fatal(err)
	}
	digest := siwe.Digest(asked.Message)
	signature, err := crypto.Sign(digest[:], key)
	if err != nil {
		t.Fatal(err)
	}
	session, secret, err := w.sessions.SignIn(t.Context(), signin.SignIn{Browser: browser, Message: asked.Message, Signature: signature})
	if err != nil {
		t.Fatal(err)
	}
	return "banyan=" + secret, signin.CSRFToken(session)
}

// guarded is the number of a wallet that is an operator and has a second factor.
const guarded = 5

// withheld signs an operator in that has a second factor, and does not give it.
func (w *world) withheld(t *testing.T) (cookie, csrf string) {
	t.Helper()
	w.grant(t, walletOf(keyOf(guarded)), identity.Operator)
	own, _ := w.cookie(t, keyOf(guarded))
	first, err := w.sessions.Lookup(t.Context(), own[len("banyan="):])
	if err != nil {
		t.Fatal(err)
	}
	if err := w.sessions.BeginSecondFactor(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	begun, err := w.sessions.SecondFactorOf(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	code, err := totp.GenerateCode(begun.Beginning.Secret, w.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.sessions.ConfirmSecondFactor(t.Context(), first, code); err != nil {
		t.Fatal(err)
	}
	return w.cookie(t, keyOf(guarded))
}

// token makes a token for the public API.
func (w *world) token(t *testing.T, r signin.TokenRequest) signin.TokenMade {
	t.Helper()
	if r.TTL == 0 {
		r.TTL = life
	}
	made, err := w.tokens.Create(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return made
}
