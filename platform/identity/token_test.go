package identity_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/testenv/testclock"
)

// trunkRing is an in-memory trunk and a verifier that trusts it.
func trunkRing(t testing.TB, c *testclock.Clock) (*identity.Keyring, *identity.Verifier) {
	ring := newRing(t, "", c, 1)
	return ring, identity.NewVerifier(c.Now, identity.Trusted{Issuer: identity.TrunkIssuer, Keys: ring})
}

func TestATokenGivesBackWhoeverItWasMadeFor(t *testing.T) {
	c := newClock()
	ring, v := trunkRing(t, c)
	alice := alice()
	for name, caller := range map[string]identity.Caller{
		"nobody":       {},
		"a member":     {Wallet: alice, Role: identity.Member},
		"an operator":  {Wallet: alice, Role: identity.Operator},
		"an API token": {Subject: "ci-import", Role: identity.Moderator},
		"a module":     {Service: "airdrop"},
	} {
		t.Run(name, func(t *testing.T) {
			text := token(t, ring, caller, "reputation")
			verifies(t, v, text, "reputation", caller)
			verifies(t, v, text, "reputation", caller) // from memory it must be the same
			_, err := verify(context.Background(), v, text, "airdrop")
			wantFault(t, err, fault.Unauthenticated, `the audience of this token is "reputation"`)
		})
	}
}

func TestCallersThatATokenCannotNameAreRefused(t *testing.T) {
	ring, _ := trunkRing(t, newClock())
	alice := alice()
	for name, caller := range map[string]identity.Caller{
		"a wallet and a name":         {Wallet: alice, Subject: "alice"},
		"a name that reads as wallet": {Subject: alice.String()},
		"a an unknown role":           {Wallet: alice, Role: 200},
	} {
		t.Run(name, func(t *testing.T) {
			if text, err := ring.Token(caller, "reputation"); err == nil {
				t.Errorf("got the token %s", text)
			}
		})
	}
}

func TestTokensAreKeptReadyAndRenewedBeforeTheyExpire(t *testing.T) {
	c := newClock()
	ring, v := trunkRing(t, c)
	caller := identity.Caller{Service: "airdrop"}
	first := token(t, ring, caller, "reputation")

	c.Pass(4*time.Minute - time.Second)
	if again := token(t, ring, caller, "reputation"); again != first {
		t.Error("with over a minute left another token was signed")
	}
	c.Pass(time.Second)
	second := token(t, ring, caller, "reputation")
	if second == first {
		t.Error("with a minute left the old token was handed out")
	}
	verifies(t, v, first, "reputation", caller)
	c.Pass(time.Minute + 6*time.Second) // its five minutes and what clocks may differ
	_, err := verify(context.Background(), v, first, "reputation")
	wantFault(t, err, fault.Unauthenticated, "has expired: sign in again or make a new one with `banyan token create`")
	verifies(t, v, second, "reputation", caller)
}

func TestAModulesKeyringSignsForItsModuleOnly(t *testing.T) {
	c := newClock()
	ring := newRing(t, "reputation", c, 2)
	v := identity.NewVerifier(c.Now, identity.Trusted{Issuer: "reputation", Keys: ring, OnlyService: "reputation"})
	alice := identity.Caller{Wallet: alice(), Role: identity.Operator}
	for _, caller := range []identity.Caller{{}, alice, {Service: "reputation"}} {
		verifies(t, v, token(t, ring, caller, "airdrop"), "airdrop", identity.Caller{Service: "reputation"})
	}
	if _, err := ring.Token(identity.Caller{Service: "airdrop"}, "banyan"); err == nil {
		t.Error("it signed for another module")
	}
	if _, err := identity.NewKeyring(identity.KeyringOptions{Module: identity.TrunkIssuer}); err == nil {
		t.Error("a module took the trunk's name")
	}
}

// forge signs whatever a test wants to say.
func forge(t *testing.T, method jwt.SigningMethod, key any, header map[string]any, claims jwt.MapClaims) string {
	t.Helper()
	tok := jwt.NewWithClaims(method, claims)
	for k, v := range header {
		tok.Header[k] = v
		if v == nil {
			delete(tok.Header, k)
		}
	}
	text, err := tok.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestNoOtherTokenCounts(t *testing.T) {
	c := newClock()
	ring, _ := trunkRing(t, c)
	moduleRing := newRing(t, "reputation", c, 2)
	v := identity.NewVerifier(
		c.Now,
		identity.Trusted{Issuer: identity.TrunkIssuer, Keys: ring},
		identity.Trusted{Issuer: "reputation", Keys: moduleRing, OnlyService: "reputation"},
	)
	trunkKey, moduleKey := ed25519.NewKeyFromSeed(seed(1)), ed25519.NewKeyFromSeed(seed(2))
	kid := func(ring *identity.Keyring) string {
		var set struct{ Keys []struct{ Kid string } }
		if err := json.Unmarshal(ring.JWKS(), &set); err != nil || len(set.Keys) != 1 {
			t.Fatalf("the key set is %s: %v", ring.JWKS(), err)
		}
		return set.Keys[0].Kid
	}
	now := c.Now().Unix()
	// change returns good claims with something else in them; nil takes one out.
	change := func(pairs ...any) jwt.MapClaims {
		good := jwt.MapClaims{
			"iss": "banyan", "aud": "banyan", "sub": "ci", "role": "operator",
			"iat": now, "nbf": now, "exp": now + 60,
		}
		for i := 0; i < len(pairs); i += 2 {
			good[pairs[i].(string)] = pairs[i+1]
			if pairs[i+1] == nil {
				delete(good, pairs[i].(string))
			}
		}
		return good
	}
	header := map[string]any{"typ": "banyan+jwt", "kid": kid(ring)}
	moduleHeader := map[string]any{"typ": "banyan+jwt", "kid": kid(moduleRing)}
	trunk := func(claims jwt.MapClaims) string { return forge(t, jwt.SigningMethodEdDSA, trunkKey, header, claims) }
	module := func(claims jwt.MapClaims) string {
		return forge(t, jwt.SigningMethodEdDSA, moduleKey, moduleHeader, claims)
	}
	good := trunk(change())
	verifies(t, v, good, "banyan", identity.Caller{Subject: "ci", Role: identity.Operator})

	parts := strings.Split(good, ".")
	promoted := base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(mustDecode(t, parts[1]), `"ci"`, `"me"`, 1)))
	public := trunkKey.Public().(ed25519.PublicKey)
	for name, tc := range map[string]struct{ token, says string }{
		"nothing":                  {"", "not a token"},
		"a word":                   {"secret", "not a token"},
		"endless":                  {strings.Repeat("x", 5000), "longer than 4096 bytes"},
		"changed claims":           {parts[0] + "." + promoted + "." + parts[2], "signature is invalid"},
		"no signature":             {parts[0] + "." + parts[1] + ".", "signature is invalid"},
		"alg none":                 {forge(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, header, change()), "signature is invalid"},
		"HS256 by the public key":  {forge(t, jwt.SigningMethodHS256, []byte(public), header, change()), "signature is invalid"},
		"another key, same id":     {forge(t, jwt.SigningMethodEdDSA, moduleKey, header, change()), "signature is invalid"},
		"an unknown key":           {forge(t, jwt.SigningMethodEdDSA, trunkKey, map[string]any{"typ": "banyan+jwt", "kid": "x"}, change()), "key that is not, or no longer, valid"},
		"no key id":                {forge(t, jwt.SigningMethodEdDSA, trunkKey, map[string]any{"typ": "banyan+jwt"}, change()), "key that is not, or no longer, valid"},
		"another type":             {forge(t, jwt.SigningMethodEdDSA, trunkKey, map[string]any{"typ": "JWT", "kid": kid(ring)}, change()), "not an access token"},
		"no type":                  {forge(t, jwt.SigningMethodEdDSA, trunkKey, map[string]any{"typ": nil, "kid": kid(ring)}, change()), "not an access token"},
		"a foreign issuer":         {trunk(change("iss", "elsewhere")), "issuer that is not trusted"},
		"no issuer":                {trunk(change("iss", nil)), "issuer that is not trusted"},
		"another audience":         {trunk(change("aud", "airdrop")), `the audience of this token is "airdrop"`},
		"two audiences":            {trunk(change("aud", []string{"banyan", "airdrop"})), "2 audiences"},
		"no audience":              {trunk(change("aud", nil)), "0 audiences"},
		"expired":                  {trunk(change("exp", now-6)), "has expired"},
		"no expiry":                {trunk(change("exp", nil)), "claim of this token is missing"},
		"not valid yet":            {trunk(change("nbf", now+6)), "not valid yet"},
		"no start":                 {trunk(change("nbf", nil)), "claim of this token is missing"},
		"made in the future":       {trunk(change("iat", now+6)), "not valid yet"},
		"an unknown role":          {trunk(change("role", "king")), "an unknown role"},
		"a call without a role":    {trunk(change("aud", "airdrop", "role", nil)), "an unknown role"},
		"a scope of no form":       {trunk(change("scope", "Airdrop*")), "scope of this token cannot be read"},
		"an unknown extension":     {forge(t, jwt.SigningMethodEdDSA, trunkKey, map[string]any{"typ": "banyan+jwt", "kid": kid(ring), "crit": []string{"b64"}, "b64": false}, change()), "critical headers"},
		"no critical extension":    {forge(t, jwt.SigningMethodEdDSA, trunkKey, map[string]any{"typ": "banyan+jwt", "kid": kid(ring), "crit": []string{}}, change()), "critical headers"},
		"a wallet that is none":    {trunk(change("sub", "0x12")), "not a wallet"},
		"a wallet in lower case":   {trunk(change("sub", "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2")), "not a wallet"},
		"a module as a person":     {module(change("iss", "reputation")), "name that module only"},
		"a module as another":      {module(change("iss", "reputation", "sub", "", "role", "anonymous", "service", "airdrop")), "name that module only"},
		"a module with a role":     {module(change("iss", "reputation", "sub", "", "service", "reputation")), "name that module only"},
		"a module as the trunk":    {module(change()), "key that is not, or no longer, valid"},
		"a process of another's":   {trunk(change("act", map[string]any{"sub": "reputation"})), "a process signs its own calls"},
		"a module as the process":  {module(change("iss", "reputation", "sub", "", "role", "anonymous", "service", "reputation", "act", map[string]any{"sub": "banyan"})), "a process signs its own calls"},
		"a trunk key for a module": {trunk(change("iss", "reputation")), "key that is not, or no longer, valid"},
	} {
		t.Run(name, func(t *testing.T) {
			caller, err := verify(context.Background(), v, tc.token, "banyan")
			wantFault(t, err, fault.Unauthenticated, tc.says)
			if caller != (identity.Caller{}) {
				t.Errorf("and yet it named %+v", caller)
			}
		})
	}
}

func mustDecode(t *testing.T, part string) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestTrustCanBeGivenAndTakenWhileRunning(t *testing.T) {
	c := newClock()
	ring := newRing(t, "airdrop", c, 3)
	v := identity.NewVerifier(c.Now)
	text := token(t, ring, identity.Caller{}, "reputation")
	_, err := verify(context.Background(), v, text, "reputation")
	wantFault(t, err, fault.Unauthenticated, "not trusted")

	v.Trust(identity.Trusted{Issuer: "airdrop", Keys: ring, OnlyService: "airdrop"})
	verifies(t, v, text, "reputation", identity.Caller{Service: "airdrop"})

	v.Distrust("airdrop") // what was verified before must not live on
	_, err = verify(context.Background(), v, text, "reputation")
	wantFault(t, err, fault.Unauthenticated, "not trusted")
}

func TestThePublishedKeysHoldNoSecret(t *testing.T) {
	ring := newRing(t, "", newClock(), 7)
	rec := httptest.NewRecorder()
	identity.JWKSHandler(ring).ServeHTTP(rec, httptest.NewRequest("GET", identity.JWKSPath, nil))
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(rec.Body.Bytes(), &set); err != nil || len(set.Keys) != 1 {
		t.Fatalf("got %s, %v", rec.Body, err)
	}
	public := ed25519.NewKeyFromSeed(seed(7)).Public().(ed25519.PublicKey)
	key := set.Keys[0]
	if key["kty"] != "OKP" || key["crv"] != "Ed25519" || key["alg"] != "EdDSA" || key["use"] != "sig" ||
		key["x"] != base64.RawURLEncoding.EncodeToString(public) {
		t.Errorf("got %v", key)
	}
	if _, secret := key["d"]; secret || rec.Header().Get("Content-Type") != "application/jwk-set+json" {
		t.Errorf("got %v as %s", key, rec.Header().Get("Content-Type"))
	}
}

// The example of RFC 8037, appendix A.
func TestKeysAreNamedByTheirThumbprint(t *testing.T) {
	private, err := base64.RawURLEncoding.DecodeString("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")
	if err != nil {
		t.Fatal(err)
	}
	ring, err := identity.NewKeyring(identity.KeyringOptions{Random: bytes.NewReader(private)})
	if err != nil {
		t.Fatal(err)
	}
	if !ring.Holds("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k") {
		t.Errorf("got %s", ring.JWKS())
	}
}

func BenchmarkToken(b *testing.B) {
	ring, _ := trunkRing(b, newClock())
	caller := identity.Caller{Wallet: alice(), Role: identity.Member}
	for b.Loop() {
		if _, err := ring.Token(caller, "reputation"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	ring, v := trunkRing(b, newClock())
	text := token(b, ring, identity.Caller{Wallet: alice(), Role: identity.Member}, "reputation")
	b.Run("again", func(b *testing.B) {
		for b.Loop() {
			if _, err := verify(context.Background(), v, text, "reputation"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			v.Trust(identity.Trusted{Issuer: identity.TrunkIssuer, Keys: ring}) // forgets what was verified
			if _, err := verify(context.Background(), v, text, "reputation"); err != nil {
				b.Fatal(err)
			}
		}
	})
}
