package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"banyan/platform/identity"
	"banyan/platform/identity/securitylog"
	"banyan/platform/identity/signin"
	"banyan/web/webtest"
)

func TestOperatorsSeeTheSecurityLogAndGiveRoles(t *testing.T) {
	s := webtest.Full(t)
	v, alice := newVisitor(t, s), webtest.Key(t, "alice")
	contains(t, v.get("/operator/security-log", 200), "data-sign-in") // followed the redirect
	v.signIn(s.Operator)
	s.Events.Note(t.Context(), securitylog.Event{What: "others", Who: "<mallory>", Refused: true, Detail: "tried"})
	page := v.get("/operator/security-log", 200)
	contains(t, page, "signed-in", webtest.AddressOf(s.Operator).String(), "&lt;mallory&gt;", "refused", `data-entry="1"`)
	if page = v.get("/operator/security-log?what=signed-in", 200); strings.Contains(page, "mallory") {
		t.Error("another kind is shown")
	}
	contains(t, v.get("/operator/security-log?who=nobody", 200), "Nothing like that")
	contains(t, v.get("/operator", 200), "/operator/security-log", "/operator/access")

	of := url.Values{"wallet": {webtest.AddressOf(alice).String()}, "role": {"moderator"}}
	if status, page := v.form("/operator/access/role", of); status != 200 || !strings.Contains(page, "is moderator, from its next request on") {
		t.Errorf("set a role: %d", status)
	}
	contains(t, v.get("/operator/access", 200), webtest.AddressOf(alice).String(), "moderator")
	of.Set("role", "king")
	if status, page := v.form("/operator/access/role", of); status != 400 || !strings.Contains(page, "no role") {
		t.Errorf("set a role that is none: %d", status)
	}

	made, err := s.Tokens.Create(t.Context(), signin.TokenRequest{Subject: "ci", Role: identity.Operator, Scope: "airdrop"})
	if err != nil {
		t.Fatal(err)
	}
	contains(t, v.get("/operator/access", 200), `data-token="`+made.ID+`"`, "ci", "airdrop", "never")
	bearer := []string{"Authorization", "Bearer " + made.Token}
	whole, err := s.Tokens.Create(t.Context(), signin.TokenRequest{Subject: "ci", Role: identity.Operator})
	if err != nil {
		t.Fatal(err)
	}
	of.Set("role", "operator")
	program := newVisitor(t, s)
	for _, token := range [][]string{bearer, {"Authorization", "Bearer " + whole.Token}} {
		if status, _ := program.post("/operator/access/role", "application/x-www-form-urlencoded", of.Encode(), token...); status != http.StatusForbidden {
			t.Errorf("a token gave a role: %d", status)
		}
	}
	if status, page := v.form("/operator/access/tokens/"+made.ID+"/end", url.Values{}); status != 200 || !strings.Contains(page, "The token is ended") || strings.Contains(page, `data-token="`+made.ID) {
		t.Errorf("end a token: %d", status)
	}
	contains(t, v.get("/operator/access?ended=true", 200), `data-token="`+made.ID+`"`)
	if status, page := v.form("/operator/access/sign-out", of); status != 200 || !strings.Contains(page, "0 sessions and 0 tokens ended") {
		t.Errorf("sign a wallet out: %d", status)
	}

	other := newVisitor(t, s)
	other.signIn(alice)
	other.get("/operator/security-log", http.StatusForbidden)
	other.get("/operator/access", http.StatusForbidden)
	if status, _ := other.form("/operator/access/role", of); status != http.StatusForbidden {
		t.Errorf("a moderator gave a role: %d", status)
	}
	if status, _ := newVisitor(t, s).post("/operator/access/role", "application/x-www-form-urlencoded", of.Encode()); status != http.StatusUnauthorized {
		t.Errorf("nobody gave a role: %d", status)
	}
}

func TestPeopleEndTheirTokensAndSignOutEverywhere(t *testing.T) {
	s := webtest.Full(t)
	phone, desk, alice := newVisitor(t, s), newVisitor(t, s), webtest.Key(t, "alice")
	phone.signIn(alice)
	desk.signIn(alice)
	ask := signin.TokenRequest{Wallet: webtest.AddressOf(alice), Subject: "laptop", Role: identity.Member}
	first, err := s.Tokens.Create(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	ask.Subject = "phone-app"
	if _, err := s.Tokens.Create(t.Context(), ask); err != nil {
		t.Fatal(err)
	}
	contains(t, desk.get("/sessions", 200), "laptop", "phone-app", "Sign out everywhere")
	if status, page := desk.form("/tokens/"+first.ID+"/end", url.Values{}); status != 200 || strings.Contains(page, "laptop") || !strings.Contains(page, "phone-app") {
		t.Errorf("end a token: %d", status)
	}
	if status, _ := desk.post("/sign-out-everywhere", "application/x-www-form-urlencoded", ""); status != http.StatusForbidden {
		t.Errorf("without the session's token: %d", status)
	}
	if status, _ := desk.form("/sign-out-everywhere", url.Values{}); status != 200 {
		t.Errorf("sign out everywhere: %d", status)
	}
	for name, v := range map[string]*visitor{"the phone": phone, "the desk": desk} {
		if v.csrf() != "" {
			t.Errorf("%s is still signed in", name)
		}
	}
	ctx := identity.With(t.Context(), identity.Caller{Subject: "test", Role: identity.Operator})
	if left, _, err := s.Tokens.List(ctx, signin.TokenQuery{Wallet: webtest.AddressOf(alice)}); err != nil || len(left) != 0 {
		t.Errorf("left are %+v, %v", left, err)
	}
}
