package signin_test

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/signin"
	"banyan/platform/testenv/databasetest"
	"banyan/platform/testenv/testclock"
)

func each(t *testing.T, test func(t *testing.T, db *database.DB)) {
	t.Helper()
	databasetest.Each(t, "identity", test)
}

func openKeys(t testing.TB, db *database.DB, c *testclock.Clock) (*signin.Keys, *identity.Verifier) {
	t.Helper()
	keys, err := signin.OpenKeys(context.Background(), db, signin.KeysOptions{Now: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	return keys, identity.NewVerifier(c.Now, identity.Trusted{Issuer: identity.TrunkIssuer, Keys: keys})
}

func newTokens(keys *signin.Keys) *signin.Tokens {
	return signin.NewTokens(keys, signin.TokensOptions{})
}

func rotate(t *testing.T, keys *signin.Keys) string {
	t.Helper()
	kid, err := keys.Rotate(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return kid
}

func create(t *testing.T, keys *signin.Keys, ttl time.Duration) string {
	t.Helper()
	made, err := newTokens(keys).Create(context.Background(), signin.TokenRequest{Subject: "ci", Role: identity.Operator, TTL: ttl})
	if err != nil {
		t.Fatal(err)
	}
	return made.Token
}

func TestKeysSurviveARestart(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		c := newClock()
		keys, _ := openKeys(t, db, c)
		text := token(t, keys, identity.Caller{Service: "airdrop"}, "reputation")
		again, v := openKeys(t, databasetest.Again(t, db), c)
		verifies(t, v, text, "reputation", identity.Caller{Service: "airdrop"})
		if !bytes.Equal(keys.JWKS(), again.JWKS()) {
			t.Errorf("the published keys differ: %s and %s", keys.JWKS(), again.JWKS())
		}
	})
}

func TestManyProcessesStartWithOneKey(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		c := newClock()
		other := databasetest.Again(t, db)
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				of := db
				if i%2 == 1 {
					of = other
				}
				if _, err := signin.OpenKeys(context.Background(), of, signin.KeysOptions{Now: c.Now}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		keys, _ := openKeys(t, db, c)
		if n := strings.Count(string(keys.JWKS()), "kid"); n != 1 {
			t.Errorf("there are %d keys: %s", n, keys.JWKS())
		}
	})
}

func TestRotationSignsNobodyOut(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		c := newClock()
		keys, v := openKeys(t, db, c)
		call := token(t, keys, identity.Caller{Service: "airdrop"}, "reputation")
		long := create(t, keys, 48*time.Hour)
		who := identity.Caller{Subject: "ci"}

		rotate(t, keys)
		fresh := token(t, keys, identity.Caller{Service: "airdrop"}, "reputation")
		if fresh == call {
			t.Error("after the rotation a token of the old key was handed out")
		}
		verifies(t, v, call, "reputation", identity.Caller{Service: "airdrop"})
		verifies(t, v, fresh, "reputation", identity.Caller{Service: "airdrop"})
		verifies(t, v, long, "banyan", who)

		c.Pass(47 * time.Hour)
		rotate(t, keys) // must not forget the first key: one of its tokens still lives
		verifies(t, v, long, "banyan", who)
		_, reopened := openKeys(t, databasetest.Again(t, db), c)
		verifies(t, reopened, long, "banyan", who)

		c.Pass(2 * time.Hour)
		rotate(t, keys)
		if n := strings.Count(string(keys.JWKS()), "kid"); n != 2 { // the new one, and the one that may still be in use elsewhere
			t.Errorf("%d keys are published: %s", n, keys.JWKS())
		}
		_, err := verify(context.Background(), v, long, "banyan")
		wantFault(t, err, fault.Unauthenticated, "")
	})
}

func TestAProcessLearnsOfAnothersRotation(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		c := newClock()
		here, hereV := openKeys(t, db, c)
		there, thereV := openKeys(t, databasetest.Again(t, db), c)
		rotate(t, there)

		caller := identity.Caller{Service: "airdrop"}
		verifies(t, hereV, token(t, there, caller, "reputation"), "reputation", caller) // an unknown key: looked up
		old := token(t, here, caller, "reputation")
		verifies(t, thereV, old, "reputation", caller)

		rotate(t, there)
		again := token(t, there, caller, "reputation")
		_, err := verify(context.Background(), hereV, again, "reputation") // so soon it is not looked up: ids could be made up
		wantFault(t, err, fault.Unauthenticated, "not, or no longer, valid")
		c.Pass(time.Second)
		verifies(t, hereV, again, "reputation", caller)

		rotate(t, there)
		if err := here.Reload(context.Background()); err != nil {
			t.Fatal(err)
		}
		if token(t, here, caller, "reputation") == old {
			t.Error("after reading the keys again the old one still signs")
		}
	})
}

func TestATokenIsNotMadeWithAKeyThatIsRetiredMeanwhile(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		c := newClock()
		here, v := openKeys(t, db, c)
		there, _ := openKeys(t, databasetest.Again(t, db), c)
		rotate(t, there)
		ask := signin.TokenRequest{Subject: "ci", Role: identity.Member}
		_, err := newTokens(here).Create(context.Background(), ask)
		wantFault(t, err, fault.Conflict, "ask for the token again")
		made, err := newTokens(here).Create(context.Background(), ask)
		if err != nil {
			t.Fatal(err)
		}
		verifies(t, v, made.Token, "banyan", identity.Caller{Subject: "ci"})
	})
}

func TestRevokingAKeyEndsItsTokensAtOnce(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		c := newClock()
		keys, v := openKeys(t, db, c)
		leaked := rotate(t, keys)
		text := create(t, keys, time.Hour)
		verifies(t, v, text, "banyan", identity.Caller{Subject: "ci"})

		if err := keys.Revoke(context.Background(), leaked); err != nil {
			t.Fatal(err)
		}
		_, err := verify(context.Background(), v, text, "banyan") // it had been verified already
		wantFault(t, err, fault.Unauthenticated, "not, or no longer, valid")
		verifies(t, v, create(t, keys, time.Hour), "banyan", identity.Caller{Subject: "ci"})
		wantFault(t, keys.Revoke(context.Background(), leaked), fault.NotFound, "no signing key")
	})
}

func TestTokensForAPIClients(t *testing.T) {
	c := newClock()
	keys, v := openKeys(t, databasetest.SQLite(t, "identity"), c)
	made, err := newTokens(keys).Create(context.Background(), signin.TokenRequest{Subject: "ci@example.org", Role: identity.Operator})
	if err != nil {
		t.Fatal(err)
	}
	if !made.Expires.Equal(c.Now().Add(time.Hour)) || made.Role != "operator" || made.Subject != "ci@example.org" {
		t.Errorf("got %+v", made)
	}
	verifies(t, v, made.Token, "banyan", identity.Caller{Subject: "ci@example.org"})
	_, err = verify(context.Background(), v, made.Token, "reputation")
	wantFault(t, err, fault.Unauthenticated, "the audience of this token is")

	for name, r := range map[string]signin.TokenRequest{
		"no subject":      {Role: identity.Member},
		"a wallet":        {Subject: newPerson(t, "a").wallet.String(), Role: identity.Member},
		"a line break":    {Subject: "ci\nx", Role: identity.Member},
		"a long subject":  {Subject: strings.Repeat("x", 65), Role: identity.Member},
		"no role":         {Subject: "ci"},
		"an unknown role": {Subject: "ci", Role: 9},
		"no life":         {Subject: "ci", Role: identity.Member, TTL: -time.Hour},
		"a long life":     {Subject: "ci", Role: identity.Member, TTL: 91 * 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newTokens(keys).Create(context.Background(), r)
			wantFault(t, err, fault.Invalid, "")
		})
	}
}
