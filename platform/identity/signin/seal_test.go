package signin_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"banyan/platform/config"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/signin"
)

func TestSeedsAreEncryptedWhenThereIsAKey(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		c := newClock()
		key, other := config.Secret(strings.Repeat("0a", 32)), config.Secret(strings.Repeat("0b", 32))
		open := func(key config.Secret) (*signin.Keys, error) {
			return signin.OpenKeys(t.Context(), db, signin.KeysOptions{SealKey: key, Now: c.Now})
		}
		seeds := func() (all [][]byte) {
			t.Helper()
			if err := db.Read().Select(t.Context(), &all, "SELECT seed FROM signing_key ORDER BY id"); err != nil {
				t.Fatal(err)
			}
			return all
		}
		plain, err := open("")
		if err != nil {
			t.Fatal(err)
		}
		c.Pass(time.Second)
		rotate(t, plain)
		c.Pass(time.Second)
		before := seeds()
		sealed, err := open(key)
		if err != nil {
			t.Fatal(err)
		}
		rotate(t, sealed)
		after := seeds()
		if len(after) != 3 {
			t.Fatalf("there are %d keys", len(after))
		}
		for _, stored := range after {
			if len(stored) != 60 {
				t.Errorf("a seed has %d bytes", len(stored))
			}
			for _, seed := range before {
				if bytes.Contains(stored, seed[:8]) {
					t.Error("a seed is still there as it was")
				}
			}
		}
		again, err := open(key)
		if err != nil || !bytes.Equal(again.JWKS(), sealed.JWKS()) || bytes.Equal(again.JWKS(), plain.JWKS()) {
			t.Errorf("opened again: %v, %s and %s", err, again.JWKS(), sealed.JWKS())
		}
		verifier := identity.NewVerifier(c.Now, identity.Trusted{Issuer: identity.TrunkIssuer, Keys: again})
		verifies(t, verifier, token(t, plain, identity.Caller{Service: "airdrop"}, "reputation"), "reputation", identity.Caller{Service: "airdrop"})
		for _, k := range []struct {
			key  config.Secret
			code fault.Code
			says string
		}{
			{"", fault.Conflict, "identity.seal_key is empty"},
			{other, fault.Conflict, "identity.seal_key does not open"},
			{"0a0a", fault.Invalid, "must be 32 bytes in hex"},
			{config.Secret(strings.Repeat("zz", 32)), fault.Invalid, "must be 32 bytes in hex"},
		} {
			_, err := open(k.key)
			wantFault(t, err, k.code, k.says)
			if err != nil && strings.Contains(err.Error(), strings.Repeat("0b", 32)) {
				t.Errorf("the error has the key in it: %v", err)
			}
		}
		if list, err := again.List(t.Context()); err != nil || len(list) != 3 || !list[0].Sealed || list[0].Retired != nil || list[1].Retired == nil {
			t.Errorf("listed %+v, %v", list, err)
		}
	})
}

// Two rows must not exchange their seeds: who could write to the database could have
// a retired or published key sign.
func TestAnEncryptedSeedBelongsToItsKey(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		c := newClock()
		o := signin.KeysOptions{SealKey: config.Secret(strings.Repeat("0a", 32)), Now: c.Now}
		keys, err := signin.OpenKeys(t.Context(), db, o)
		if err != nil {
			t.Fatal(err)
		}
		rotate(t, keys)
		err = db.Write(t.Context(), func(tx *database.Tx) error {
			_, err := tx.Exec(t.Context(), "UPDATE signing_key SET seed = (SELECT seed FROM signing_key AS other WHERE other.id <> signing_key.id)")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = signin.OpenKeys(t.Context(), db, o)
		wantFault(t, err, fault.Conflict, "does not open")
	})
}

func TestSecurityEventsAreRecordedWithWhatTheyAreAbout(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		s := newSite(t, db, true)
		boss, alice := newPerson(t, "c"), newPerson(t, "a")
		chief, v := s.visitor(t), s.visitor(t)
		chief.signIn(boss)
		v.signIn(alice)
		stranger := s.visitor(t)
		forged := stranger.asked(alice)
		forged["signature"] = "0x" + strings.Repeat("11", 65)
		stranger.wantProblem(401, fault.Unauthenticated, "", "POST", "/api/v1/identity/sign-in", encode(t, forged))
		stranger.wantProblem(401, fault.Unauthenticated, "", "GET", "/whoami", "", "Authorization", "Bearer x")
		if resp, text := chief.do("PUT", "/api/v1/identity/roles/"+alice.wallet.String(), `{"role":"moderator"}`); resp.StatusCode != 204 {
			t.Fatal(text)
		}
		made := made(t, s.tokens, signin.TokenRequest{Subject: "ci", Role: identity.Member})
		if resp, text := chief.do("DELETE", "/api/v1/identity/tokens/"+made.ID, ""); resp.StatusCode != 204 {
			t.Fatal(text)
		}
		v.do("POST", "/api/v1/identity/sign-out", "")
		kid := rotate(t, s.keys)
		if err := s.keys.Revoke(identity.With(t.Context(), asOperator), kid); err != nil {
			t.Fatal(err)
		}
		var got struct {
			Entries []struct {
				What, Who, Whom, Detail string
				Refused                 bool
			}
		}
		chief.get(&got, "GET", "/api/v1/identity/security-log?limit=200", "")
		var lines []string
		for _, e := range got.Entries {
			line := e.What + " by " + e.Who + " to " + e.Whom
			if e.Refused {
				line += " refused"
			}
			lines = append(lines, line)
		}
		log := strings.Join(lines, "\n")
		for _, want := range []string{
			"key-made by the program", "signed-in by " + boss.wallet.String(), "signed-in by " + alice.wallet.String(),
			"signed-in by anonymous to " + alice.wallet.String() + " refused", "token-used by anonymous to /whoami refused",
			"role-set by " + boss.wallet.String() + " to " + alice.wallet.String(), "token-made by cli-test to " + made.ID,
			"token-ended by " + boss.wallet.String() + " to " + made.ID, "signed-out by " + alice.wallet.String(),
			"key-revoked by cli-test to " + kid,
		} {
			if !strings.Contains(log, want) {
				t.Errorf("the log has no %q:\n%s", want, log)
			}
		}
		if _, err := s.events.Verify(t.Context(), ""); err != nil {
			t.Error(err)
		}
	})
}
