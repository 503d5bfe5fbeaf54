package signin_test

import (
	"net/http"
	"testing"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/signin"
)

// TestUsersAreThoseWithASessionATokenOrARole, a page at a time, each once.
func TestUsersAreThoseWithASessionATokenOrARole(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		s := newSite(t, db, true)
		boss, alice, bob, carol := newPerson(t, "c"), newPerson(t, "a"), newPerson(t, "b"), newPerson(t, "d")
		chief, second := s.visitor(t), s.visitor(t)
		chief.signIn(boss)
		second.signIn(alice)
		again := s.visitor(t)
		again.signIn(alice)
		made(t, s.tokens, signin.TokenRequest{Wallet: bob.wallet, Role: identity.Member})
		if resp, text := chief.do("PUT", "/api/v1/identity/roles/"+carol.wallet.String(), `{"role":"moderator"}`); resp.StatusCode != http.StatusNoContent {
			t.Fatalf("got %s %s", resp.Status, text)
		}
		found := map[string]signin.User{}
		for cursor := ""; ; {
			var page struct {
				Users []signin.User `json:"users"`
				Next  string        `json:"next"`
			}
			chief.get(&page, "GET", "/api/v1/identity/users?limit=2&cursor="+cursor, "")
			for _, u := range page.Users {
				if _, twice := found[u.Wallet.String()]; twice {
					t.Errorf("%s is listed twice", u.Wallet)
				}
				found[u.Wallet.String()] = u
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		for who, want := range map[person]signin.User{
			boss:  {Role: "operator", Fixed: true, Sessions: 1},
			alice: {Role: "member", Sessions: 2},
			bob:   {Role: "member", Tokens: 1},
			carol: {Role: "moderator"},
		} {
			got := found[who.wallet.String()]
			if got.Role != want.Role || got.Fixed != want.Fixed || got.Sessions != want.Sessions || got.Tokens != want.Tokens || (got.Seen != nil) != (want.Sessions > 0) {
				t.Errorf("%s is listed as %+v, want %+v", who.wallet, got, want)
			}
		}
		if len(found) != 4 {
			t.Errorf("%d users are listed, want 4", len(found))
		}
		one, next, err := s.sessions.Users(t.Context(), asOperator, signin.UserQuery{Wallet: alice.wallet})
		if err != nil || len(one) != 1 || one[0].Wallet != alice.wallet || next != "" {
			t.Errorf("only alice: %+v %q %v", one, next, err)
		}
		if _, _, err := s.sessions.Users(t.Context(), identity.Caller{Wallet: alice.wallet, Role: identity.Moderator}, signin.UserQuery{}); !fault.Is(err, fault.Forbidden) {
			t.Errorf("a moderator lists users: %v", err)
		}
	})
}

// TestAnOperatorInASessionMakesATokenThatWorks, within its bounds.
func TestAnOperatorInASessionMakesATokenThatWorks(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		s := newSite(t, db, true)
		chief := s.visitor(t)
		chief.signIn(newPerson(t, "c"))
		var out signin.TokenMade
		chief.get(&out, "POST", "/api/v1/identity/tokens", `{"subject":"ci","role":"operator","ttl_seconds":60}`)
		if out.Subject != "ci" || out.Role != "operator" || len(out.Scope) > 0 || out.Token == "" {
			t.Fatalf("made %+v", out)
		}
		s.visitor(t).wantCaller("ci operator", "Authorization", "Bearer "+out.Token)
		for name, body := range map[string]string{
			"no role":           `{"subject":"ci"}`,
			"no holder":         `{"role":"member"}`,
			"a wallet's name":   `{"subject":"0xme","role":"member"}`,
			"another scope":     `{"subject":"ci","role":"member","scope":["a b"]}`,
			"longer than long":  `{"subject":"ci","role":"member","ttl_seconds":7776001}`,
			"the day before":    `{"subject":"ci","role":"member","ttl_seconds":-1}`,
			"an unknown field":  `{"subject":"ci","role":"member","forever":true}`,
			"an overflowing it": `{"subject":"ci","role":"member","ttl_seconds":9223372036854775807}`,
		} {
			if resp, text := chief.do("POST", "/api/v1/identity/tokens", body); resp.StatusCode != http.StatusBadRequest {
				t.Errorf("%s: got %s %s", name, resp.Status, text)
			}
		}
	})
}
