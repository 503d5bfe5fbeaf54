package signin_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/signin"
	"banyan/platform/testenv/databasetest"
	"banyan/platform/wallet"
)

var asOperator = identity.Caller{Subject: "cli-test", Role: identity.Operator}

// made makes a token by the command line's way.
func made(t testing.TB, tokens *signin.Tokens, r signin.TokenRequest) signin.TokenMade {
	t.Helper()
	out, err := tokens.Create(identity.With(t.Context(), asOperator), r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// elsewhere are the tokens as another process of the same database has them.
func elsewhere(t testing.TB, db *database.DB, s *site) *signin.Tokens {
	t.Helper()
	keys, _ := openKeys(t, databasetest.Again(t, db), s.clock)
	return newTokens(keys)
}

func TestAWalletsTokenHasTheRoleOfTheMoment(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		s := newSite(t, db, true)
		boss, alice := newPerson(t, "c"), newPerson(t, "a")
		chief := s.visitor(t)
		chief.signIn(boss)
		grant := func(role string) {
			t.Helper()
			if resp, text := chief.do("PUT", "/api/v1/identity/roles/"+alice.wallet.String(), `{"role":"`+role+`"}`); resp.StatusCode != http.StatusNoContent {
				t.Fatalf("got %s %s", resp.Status, text)
			}
		}
		grant("operator")
		v := s.visitor(t)
		ask := v.asked(alice)
		ask["token"], ask["subject"] = true, "laptop"
		var in signedIn
		v.get(&in, "POST", "/api/v1/identity/sign-in", encode(t, ask))
		if in.Role != "operator" {
			t.Fatalf("got %+v", in)
		}
		bearer := []string{"Authorization", "Bearer " + in.Token}
		client := s.visitor(t)
		client.wantCaller(alice.wallet.String()+" operator", bearer...)
		path := "/api/v1/identity/roles/" + alice.wallet.String()
		client.wantProblem(403, fault.Forbidden, "and not with a token", "PUT", path, `{"role":"operator"}`, bearer...)

		grant("member")
		client.wantCaller(alice.wallet.String()+" member", bearer...)
		client.wantProblem(403, fault.Forbidden, "needs the role operator", "PUT", path, `{"role":"operator"}`, bearer...)
		client.wantProblem(403, fault.Forbidden, "needs the role operator", "GET", "/api/v1/identity/security-log", "", bearer...)

		// Another process makes the change: what was read before holds for two seconds.
		keys, _ := openKeys(t, databasetest.Again(t, db), s.clock)
		there, err := signin.NewSessions(keys, signin.SessionOptions{Origin: s.URL, Now: s.clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		for _, role := range []identity.Role{identity.Moderator, identity.Member} {
			if err := there.Grant(t.Context(), asOperator, alice.wallet, role); err != nil {
				t.Fatal(err)
			}
			s.clock.Pass(2 * time.Second)
			client.wantCaller(alice.wallet.String()+" "+role.String(), bearer...)
		}
	})
}

func TestATokenIsRefusedWhenItIsEnded(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		s := newSite(t, db, true)
		v := s.visitor(t)
		mine := made(t, s.tokens, signin.TokenRequest{Subject: "ci", Role: identity.Operator, TTL: 90 * 24 * time.Hour})
		bearer := []string{"Authorization", "Bearer " + mine.Token}
		v.wantCaller("ci operator", bearer...)
		if err := s.tokens.Revoke(identity.With(t.Context(), asOperator), mine.ID); err != nil {
			t.Fatal(err)
		}
		v.wantProblem(401, fault.Unauthenticated, "was ended", "GET", "/whoami", "", bearer...)
		wantFault(t, s.tokens.Revoke(identity.With(t.Context(), asOperator), mine.ID), fault.NotFound, "no such token")

		other := made(t, s.tokens, signin.TokenRequest{Subject: "ci", Role: identity.Operator})
		bearer = []string{"Authorization", "Bearer " + other.Token}
		v.wantCaller("ci operator", bearer...)
		if err := elsewhere(t, db, s).Revoke(identity.With(t.Context(), asOperator), other.ID); err != nil {
			t.Fatal(err)
		}
		s.clock.Pass(2 * time.Second)
		v.wantProblem(401, fault.Unauthenticated, "was ended", "GET", "/whoami", "", bearer...)

		// One that has no row, as those of an earlier release, cannot be ended.
		now := s.clock.Now()
		for name, id := range map[string]string{"without an id": "", "with an id of its own": strings.Repeat("0", 32)} {
			text, _, err := s.keys.Sign(identity.Grant{ID: id, Caller: identity.Caller{Subject: "ci"}, From: now, Until: now.Add(time.Hour)})
			if err != nil {
				t.Fatal(err)
			}
			t.Run(name, func(t *testing.T) {
				v.t = t
				v.wantProblem(401, fault.Unauthenticated, "ended", "GET", "/whoami", "", "Authorization", "Bearer "+text)
			})
		}
	})
}

func TestSignOutEverywhereEndsSessionsAndTokens(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		s := newSite(t, db, true)
		alice, bob := newPerson(t, "a"), newPerson(t, "b")
		phone, desk, other := s.visitor(t), s.visitor(t), s.visitor(t)
		phone.signIn(alice)
		desk.signIn(alice)
		other.signIn(bob)
		token := made(t, s.tokens, signin.TokenRequest{Wallet: alice.wallet, Role: identity.Operator})
		bearer := []string{"Authorization", "Bearer " + token.Token}
		client := s.visitor(t)
		client.wantCaller(alice.wallet.String()+" member", bearer...)

		everywhere := "/api/v1/identity/sign-out-everywhere"
		other.wantProblem(403, fault.Forbidden, "only the wallet itself", "POST", everywhere+"?wallet="+alice.wallet.String(), "")
		s.visitor(t).wantProblem(401, fault.Unauthenticated, "sign in", "POST", everywhere, "")
		var done signin.Ended
		resp := desk.get(&done, "POST", everywhere, "")
		if done.Sessions != 2 || done.Tokens != 1 || len(resp.Cookies()) != 1 || resp.Cookies()[0].MaxAge >= 0 {
			t.Errorf("got %+v and %v", done, resp.Cookies())
		}
		phone.wantCaller("anonymous anonymous")
		desk.wantCaller("anonymous anonymous")
		other.wantCaller(bob.wallet.String() + " member")
		client.wantProblem(401, fault.Unauthenticated, "was ended", "GET", "/whoami", "", bearer...)
	})
}

func TestTokensAreListedForTheirWalletAndForOperators(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		s := newSite(t, db, true)
		alice, boss := newPerson(t, "a"), newPerson(t, "c")
		ci := made(t, s.tokens, signin.TokenRequest{Subject: "ci", Role: identity.Member, Scope: "airdrop reputation:read"})
		s.clock.Pass(time.Second)
		own := made(t, s.tokens, signin.TokenRequest{Wallet: alice.wallet, Subject: "laptop", Role: identity.Member})
		v, chief := s.visitor(t), s.visitor(t)
		v.signIn(alice)
		chief.signIn(boss)
		type answer struct {
			Tokens []signin.Token
			Next   string
		}
		list := func(v *visitor, query string) (out answer) {
			t.Helper()
			v.get(&out, "GET", "/api/v1/identity/tokens"+query, "")
			return out
		}
		if got := list(v, "").Tokens; len(got) != 1 || got[0].ID != own.ID || got[0].Subject != "laptop" || *got[0].Wallet != alice.wallet ||
			got[0].CreatedBy != "cli-test" || !got[0].Expires.Equal(own.Expires) || got[0].Used != nil {
			t.Errorf("alice sees %+v", got)
		}
		v.wantProblem(403, fault.Forbidden, "only the wallet itself", "GET", "/api/v1/identity/tokens?of=everybody", "")
		v.wantProblem(404, fault.NotFound, "no such token", "DELETE", "/api/v1/identity/tokens/"+ci.ID, "")
		first := list(chief, "?of=everybody&limit=1")
		second := list(chief, "?of=everybody&limit=1&cursor="+first.Next)
		if len(first.Tokens) != 1 || first.Tokens[0].ID != own.ID || len(second.Tokens) != 1 || second.Next != "" || second.Tokens[0].ID != ci.ID ||
			strings.Join(second.Tokens[0].Scope, " ") != "airdrop reputation:read" {
			t.Errorf("the operator sees %+v, then %+v", first, second)
		}
		if resp, text := chief.do("DELETE", "/api/v1/identity/tokens/"+own.ID, ""); resp.StatusCode != http.StatusNoContent {
			t.Errorf("got %s %s", resp.Status, text)
		}
		if got := list(v, "").Tokens; len(got) != 0 {
			t.Errorf("after the end alice sees %+v", got)
		}
		if got := list(v, "?ended=true").Tokens; len(got) != 1 || got[0].Revoked == nil {
			t.Errorf("with those that ended alice sees %+v", got)
		}
	})
}

func TestAWalletHasFiftyTokensAtMost(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		s := newSite(t, db, true)
		alice := newPerson(t, "a")
		ask := signin.TokenRequest{Wallet: alice.wallet, Role: identity.Member}
		oldest := made(t, s.tokens, ask)
		s.clock.Pass(time.Millisecond)
		next := made(t, s.tokens, ask)
		for range 49 {
			s.clock.Pass(time.Millisecond)
			made(t, s.tokens, ask)
		}
		v := s.visitor(t)
		v.wantProblem(401, fault.Unauthenticated, "was ended", "GET", "/whoami", "", "Authorization", "Bearer "+oldest.Token)
		v.wantCaller(alice.wallet.String()+" member", "Authorization", "Bearer "+next.Token)
	})
}

func TestATokenIsForItsScopeOnly(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		s := newSite(t, db, true)
		v := s.visitor(t)
		with := func(scope identity.Scope) []string {
			m := made(t, s.tokens, signin.TokenRequest{Subject: "ci", Role: identity.Operator, Scope: scope})
			return []string{"Authorization", "Bearer " + m.Token}
		}
		v.wantProblem(403, fault.Forbidden, "not for pages", "GET", "/whoami", "", with("reputation")...)
		v.wantProblem(403, fault.Forbidden, "not for reads of identity", "GET", "/api/v1/identity/me", "", with("reputation")...)
		var me struct{ Scope []string }
		if v.get(&me, "GET", "/api/v1/identity/me", "", with("identity:read")...); len(me.Scope) != 1 || me.Scope[0] != "identity:read" {
			t.Errorf("me is %+v", me)
		}
		v.wantProblem(403, fault.Forbidden, "not for writes of identity", "POST", "/api/v1/identity/sign-out-everywhere", "", with("identity:read")...)
	})
}

func TestATokenMadeWhereRolesAreBoundedStaysBounded(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		s := newSite(t, db, true)
		boss := newPerson(t, "c")
		token := made(t, s.tokens, signin.TokenRequest{Wallet: boss.wallet, Role: identity.Member})
		s.visitor(t).wantCaller(boss.wallet.String()+" member", "Authorization", "Bearer "+token.Token)
	})
}

// A page of another site can make a browser send its cookie, but not the session's
// token, and not another media type than those of forms.
func TestAPIWritesByCookieNeedTheSessionsTokenAndAMediaType(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		s := newSite(t, db, true)
		v := s.visitor(t)
		csrf := v.signIn(newPerson(t, "a")).CSRF
		v.csrf = ""
		const path = "/api/v1/reputation/whoami"
		with := func(headers ...string) []string { return append(headers, signin.CSRFHeader, csrf) }
		for _, method := range []string{"POST", "PUT", "DELETE", "PATCH"} {
			v.wantProblem(403, fault.Forbidden, signin.CSRFHeader, method, path, `{}`)
			v.wantProblem(403, fault.Forbidden, signin.CSRFHeader, method, path, `{}`, signin.CSRFHeader, strings.Repeat("A", len(csrf)))
			v.wantProblem(415, fault.Unsupported, "form", method, path, `{}`, with("Content-Type", "text/plain; charset=utf-8")...)
			v.wantProblem(415, fault.Unsupported, "form", method, path, `{}`, with("Content-Type", "application/x-www-form-urlencoded")...)
			v.wantProblem(415, fault.Unsupported, "form", method, path, `{}`, with("Content-Type", "multipart/form-data; boundary=x")...)
			v.wantProblem(415, fault.Unsupported, "no media type", method, path, `{}`, with("Content-Type", "")...)
			if resp, text := v.do(method, path, `{}`, with()...); resp.StatusCode != http.StatusOK {
				t.Errorf("%s with both: %s %s", method, resp.Status, text)
			}
		}
		if resp, _ := v.do("GET", path, ""); resp.StatusCode != http.StatusOK {
			t.Errorf("a GET needs no token: %s", resp.Status)
		}
		v.wantProblem(403, fault.Forbidden, signin.CSRFHeader, "POST", "/api/v1/identity/sign-out", "")
		v.signIn(newPerson(t, "b")) // whoever has a session may begin another one
	})
}

func TestTheUseOfATokenIsRecordedEachMinute(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		s := newSite(t, db, true)
		m := made(t, s.tokens, signin.TokenRequest{Subject: "ci", Role: identity.Member, TTL: time.Hour})
		v := s.visitor(t)
		used := func() *time.Time {
			t.Helper()
			list, _, err := s.tokens.List(identity.With(context.Background(), asOperator), signin.TokenQuery{Wallet: wallet.Address{}})
			if err != nil || len(list) != 1 {
				t.Fatalf("got %+v, %v", list, err)
			}
			return list[0].Used
		}
		if at := used(); at != nil {
			t.Errorf("unused, and used at %v", at)
		}
		first := s.clock.Now()
		for _, pass := range []time.Duration{0, 30 * time.Second, 30 * time.Second} {
			s.clock.Pass(pass)
			v.wantCaller("ci member", "Authorization", "Bearer "+m.Token)
			want := first
			if s.clock.Now().Sub(first) >= time.Minute {
				want = s.clock.Now()
			}
			if at := used(); at == nil || !at.Equal(want) {
				t.Errorf("used at %v, want %v", at, want)
			}
		}
	})
}
