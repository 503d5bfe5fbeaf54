package signin_test

import (
	"strings"
	"testing"
	"time"

	"banyan/platform/identity"
	"banyan/platform/identity/signin"
	"banyan/platform/testenv/databasetest"
)

// TestWhoMayCallEachEndpoint calls every endpoint as every kind of caller. What must
// come of it follows from whom the endpoint is for, so a new one is among them.
func TestWhoMayCallEachEndpoint(t *testing.T) {
	s := newSite(t, databasetest.SQLite(t, "identity"), true)
	boss, alice := newPerson(t, "c"), newPerson(t, "a")
	bearer := func(r signin.TokenRequest) func(*visitor) []string {
		return func(*visitor) []string { return []string{"Authorization", "Bearer " + made(t, s.tokens, r).Token} }
	}
	session := func(p person) func(*visitor) []string {
		return func(v *visitor) []string { v.signIn(p); return nil }
	}
	operator := signin.TokenRequest{Wallet: boss.wallet, Role: identity.Operator}
	scoped := func(scope identity.Scope) signin.TokenRequest {
		return signin.TokenRequest{Wallet: boss.wallet, Role: identity.Operator, Scope: scope}
	}
	const everybody, in, operators, inSession = "everybody", "who is signed in", "operators", "operators in a session"
	admitted := func(names ...string) func(access, method string) int {
		return func(access, _ string) int {
			if strings.Contains(strings.Join(names, "|")+"|", access+"|") {
				return 0
			}
			return 403
		}
	}
	for who, c := range map[string]struct {
		with func(*visitor) []string
		want func(access, method string) int // the status that refuses; 0 = it is not refused
	}{
		"nobody": {func(*visitor) []string { return nil }, func(access, _ string) int {
			if access == everybody {
				return 0
			}
			return 401
		}},
		"a member":                             {session(alice), admitted(everybody, in)},
		"an operator":                          {session(boss), admitted(everybody, in, operators, inSession)},
		"a member's token":                     {bearer(signin.TokenRequest{Wallet: alice.wallet, Role: identity.Operator}), admitted(everybody, in)},
		"an operator's token":                  {bearer(operator), admitted(everybody, in, operators)},
		"an operator's token that is bounded":  {bearer(signin.TokenRequest{Wallet: boss.wallet, Role: identity.Moderator}), admitted(everybody, in)},
		"a client that is an operator":         {bearer(signin.TokenRequest{Subject: "ci", Role: identity.Operator}), admitted(everybody, in, operators)},
		"an operator's token for this":         {bearer(scoped("identity")), admitted(everybody, in, operators)},
		"an operator's token for other things": {bearer(scoped("airdrop")), func(string, string) int { return 403 }},
		"an operator's token for reads": {bearer(scoped("identity:read")), func(access, method string) int {
			if method != "GET" || access == inSession {
				return 403
			}
			return 0
		}},
		"an operator's session without proof": {func(v *visitor) []string { v.signIn(boss); v.csrf = ""; return nil }, func(access, method string) int {
			if method != "GET" && access != everybody {
				return 403
			}
			return 0
		}},
	} {
		t.Run(who, func(t *testing.T) {
			for endpoint, access := range signin.Access() {
				method, path := endpoint[0], strings.NewReplacer("{id}", strings.Repeat("0", 32), "{wallet}", alice.wallet.String()).Replace(endpoint[1])
				if who == "an operator's session without proof" && strings.HasSuffix(path, "/sign-out") {
					continue // for everybody, and yet refused: another site must not end a session
				}
				if who == "a client that is an operator" && strings.HasSuffix(path, "/sign-out-everywhere") {
					continue // it has no wallet that could be signed out
				}
				s.clock.Pass(time.Second) // of a wallet's fifty tokens the newest is kept
				v := s.visitor(t)
				headers := c.with(v)
				resp, text := v.do(method, path, "{}", headers...)
				refused := 0
				if resp.StatusCode == 401 || resp.StatusCode == 403 {
					refused = resp.StatusCode
				}
				if want := c.want(access, method); refused != want {
					t.Errorf("%s %s, for %s: %s %s, want %d", method, path, access, resp.Status, text, want)
				}
			}
		})
	}
}
