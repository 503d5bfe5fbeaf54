package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"banyan/platform/identity"
	"banyan/web/webtest"
)

func TestStaffSignInWithAnAccountThatTheyLinked(t *testing.T) {
	s := webtest.WithProvider(t)
	alice := webtest.Key(t, "alice")
	if err := s.Sessions.Grant(t.Context(), identity.Caller{Subject: "test", Role: identity.Operator}, webtest.AddressOf(alice), identity.Operator); err != nil {
		t.Fatal(err)
	}
	s.Provider.Person(map[string]any{"sub": "1", "email": "<alice>@example.org", "email_verified": true})
	v := newVisitor(t, s)
	contains(t, v.get("/sign-in?next=/operator", 200), "Sign in at Example login", "/sign-in/provider?next=%2foperator")
	page := v.get("/sign-in/provider?next=/operator", 200) // there and back
	contains(t, page, "&lt;alice&gt;@example.org", "First sign in with your wallet")
	if status, _ := v.post("/sign-in/provider/link", "application/x-www-form-urlencoded", ""); status != 401 {
		t.Errorf("nobody linked it: %d", status)
	}
	v.signIn(alice)
	contains(t, v.get("/sessions", 200), "Link an account at Example login")
	contains(t, v.get("/sign-in/provider/link", 200), "Is it yours?", webtest.AddressOf(alice).String())
	if status, _ := v.post("/sign-in/provider/link", "application/x-www-form-urlencoded", ""); status != 403 {
		t.Errorf("without the session's token: %d", status)
	}
	if status, page := v.form("/sign-in/provider/link", url.Values{}); status != 200 || !strings.Contains(page, "signs this wallet in from now on") || !strings.Contains(page, s.Provider.URL) {
		t.Errorf("link: %d", status)
	}

	other := newVisitor(t, s)
	contains(t, other.get("/sign-in/provider?next=/operator/access", 200), "Roles and tokens")
	contains(t, other.get("/sessions", 200), "By a staff account")
	if page := other.get("/sessions", 200); strings.Contains(page, "Link an account at") {
		t.Error("an account links another")
	}
	for _, away := range []string{"https://evil.example", "//evil.example", `/\evil.example`, "/\t/evil.example"} {
		elsewhere := newVisitor(t, s)
		elsewhere.client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
			if !strings.HasPrefix(s.URL, "http://"+r.URL.Host) && !strings.HasPrefix(s.Provider.URL, "http://"+r.URL.Host) {
				t.Errorf("next %q leads to %s", away, r.URL)
			}
			return nil
		}
		elsewhere.get("/sign-in/provider?next="+url.QueryEscape(away), 200)
	}
	if status, page := other.form("/sign-in/provider/unlink", url.Values{"issuer": {s.Provider.URL}, "subject": {"1"}}); status != 200 || !strings.Contains(page, "data-sign-in") {
		t.Errorf("unlink: %d", status) // it was the account's own session
	}
	s.Provider.Down(true)
	contains(t, newVisitor(t, s).get("/sign-in", 200), "Choose a wallet")

	without := newVisitor(t, webtest.Full(t))
	without.get("/sign-in/provider", http.StatusNotFound)
	if strings.Contains(without.get("/sign-in", 200), "staff account") {
		t.Error("an account is offered where there is no provider")
	}
}
