package signin_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/securitylog"
	"banyan/platform/identity/signin"
	"banyan/platform/identity/signin/oidc"
	"banyan/platform/testenv/databasetest"
	"banyan/platform/testenv/oidctest"
)

// staffSite is two processes with one database behind one address, which take turns.
type staffSite struct {
	*site
	provider *oidctest.Provider
}

func newStaffSite(t *testing.T, db *database.DB) *staffSite {
	t.Helper()
	c := newClock()
	var turn atomic.Int64
	var processes [2]http.Handler
	s := &staffSite{site: &site{clock: c}, provider: oidctest.New(t, c.Now)}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		processes[turn.Add(1)%2].ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	for n := range processes {
		keys, verifier := openKeys(t, databasetest.Again(t, db), c)
		s.keys, s.events, s.tokens = keys, eventsIn(db, c), newTokens(keys)
		var err error
		s.sessions, err = signin.NewSessions(keys, signin.SessionOptions{
			Origin: s.URL, Idle: time.Hour, Absolute: 24 * time.Hour, Now: c.Now, Callback: s.URL + signin.CallbackPath, ProviderAge: 8 * time.Hour,
			Provider: oidc.New(oidc.Options{
				Issuer: s.provider.URL, ClientID: oidctest.ClientID, ClientSecret: oidctest.ClientSecret, Scopes: []string{"email"},
				RoleClaim: "groups", Roles: map[string]identity.Role{"operators": identity.Operator}, Now: c.Now,
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		api := signin.NewAPI(signin.APIOptions{Sessions: s.sessions, Tokens: s.tokens, Events: s.events, Verifier: verifier})
		router := chi.NewRouter()
		router.Use(api.Authenticate)
		api.Mount(router)
		pages(router, api.Accounts())
		processes[n] = router
	}
	return s
}

// pages are what the program's pages do with accounts.
func pages(router chi.Router, a *signin.Accounts) {
	handle := func(f func(w http.ResponseWriter, r *http.Request) (string, error)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			text, err := f(w, r)
			if err != nil {
				fault.WriteProblem(w, err, "")
				return
			}
			_, _ = io.WriteString(w, text)
		}
	}
	router.Get("/whoami", handle(func(_ http.ResponseWriter, r *http.Request) (string, error) {
		caller := identity.From(r.Context())
		return caller.Name() + " " + caller.Role.String(), nil
	}))
	router.Get("/start", handle(func(w http.ResponseWriter, r *http.Request) (string, error) { return "", a.Lead(w, r, "/reviews") }))
	router.Get(signin.CallbackPath, handle(func(w http.ResponseWriter, r *http.Request) (string, error) {
		next, linked, err := a.Return(w, r)
		if linked {
			return "signed in, go to " + next, err
		}
		return "not linked", err
	}))
	router.Post("/link", handle(func(w http.ResponseWriter, r *http.Request) (string, error) {
		if err := signin.CheckCSRF(r); err != nil {
			return "", err
		}
		account, err := a.Link(w, r)
		return "linked " + account.Name, err
	}))
}

func (v *visitor) wants(status int, says, method, path string, headers ...string) {
	v.t.Helper()
	resp, text := v.do(method, path, "", headers...)
	if resp.StatusCode != status || !strings.Contains(text, says) {
		v.t.Errorf("%s %s: %s %s, want %d saying %q", method, path, resp.Status, text, status, says)
	}
}

// link signs in with the wallet and links the account that the provider names next.
func (s *staffSite) link(t *testing.T, p person) {
	t.Helper()
	v := s.visitor(t)
	in := v.signIn(p)
	v.wants(200, "not linked", "GET", "/start")
	v.wants(200, "linked ", "POST", "/link", signin.CSRFHeader, in.CSRF)
}

func (s *staffSite) grant(t *testing.T, p person, role identity.Role) {
	t.Helper()
	if err := s.sessions.Grant(context.Background(), identity.Caller{Subject: "test", Role: identity.Operator}, p.wallet, role); err != nil {
		t.Fatal(err)
	}
}

func TestAnAccountIsLinkedOnceAndThenSignsItsWalletIn(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		s, alice := newStaffSite(t, db), newPerson(t, "a")
		s.grant(t, alice, identity.Moderator)
		s.provider.Person(map[string]any{"sub": "1", "email": "alice@example.org", "email_verified": true})
		v := s.visitor(t)
		v.wants(200, "not linked", "GET", "/start")
		v.wantCaller("anonymous anonymous") // the provider's word alone is nobody here
		v.wants(401, "sign in with your wallet", "POST", "/link")
		in := v.signIn(alice)
		v.wants(403, "another session or another site", "POST", "/link")
		v.wants(200, "linked alice@example.org", "POST", "/link", signin.CSRFHeader, in.CSRF)
		v.wants(409, "no account to link", "POST", "/link", signin.CSRFHeader, in.CSRF) // what was carried is gone

		s.clock.Pass(time.Second) // the newest is listed first
		other := s.visitor(t)
		other.wants(200, "signed in, go to /reviews", "GET", "/start")
		other.wantCaller(alice.wallet.String() + " moderator")
		list, err := s.sessions.List(t.Context(), identity.Caller{Role: identity.Operator}, alice.wallet)
		if err != nil || len(list) != 2 || !list[0].ByProvider || list[1].ByProvider || !list[0].Expires.Equal(s.clock.Now().Add(8*time.Hour)) {
			t.Errorf("the sessions are %+v, %v", list, err)
		}
		linked, err := s.sessions.LinkedAccounts(t.Context(), identity.Caller{Wallet: alice.wallet}, alice.wallet)
		if err != nil || len(linked) != 1 || linked[0].Name != "alice@example.org" || linked[0].Used == nil {
			t.Errorf("linked are %+v, %v", linked, err)
		}
		// Each change of the session is by the session, so signing out ends it.
		if resp, _ := other.do("POST", "/api/v1/identity/sign-out", "", signin.CSRFHeader, csrfOf(other)); resp.StatusCode != http.StatusNoContent {
			t.Errorf("sign out: %s", resp.Status)
		}
		other.wantCaller("anonymous anonymous")

		other.wants(200, "signed in", "GET", "/start")
		for range 8 { // it is in use all the time
			s.clock.Pass(time.Hour - time.Second)
			other.wantCaller(alice.wallet.String() + " moderator")
		}
		s.clock.Pass(8 * time.Second)
		other.wantCaller("anonymous anonymous")

		other.wants(200, "signed in", "GET", "/start")
		mallory := identity.Caller{Wallet: newPerson(t, "b").wallet, Role: identity.Member}
		wantFault(t, s.sessions.UnlinkAccount(t.Context(), mallory, alice.wallet, s.provider.URL, "1"), fault.Forbidden, "only the wallet itself")
		wantFault(t, s.sessions.UnlinkAccount(t.Context(), mallory, mallory.Wallet, s.provider.URL, "1"), fault.NotFound, "not linked")
		if err := s.sessions.UnlinkAccount(t.Context(), identity.Caller{Wallet: alice.wallet}, alice.wallet, s.provider.URL, "1"); err != nil {
			t.Fatal(err)
		}
		other.wantCaller("anonymous anonymous")
		other.wants(200, "not linked", "GET", "/start")
		for what, count := range map[string]int{"account-linked": 1, "account-unlinked": 1} {
			entries, _, err := s.events.List(t.Context(), securitylog.Query{What: what, Limit: 10})
			if err != nil || len(entries) != count || entries[0].Who != alice.wallet.String() {
				t.Errorf("of %s the log has %+v, %v", what, entries, err)
			}
		}
	})
}

func csrfOf(v *visitor) string {
	var me struct{ CSRF string }
	v.get(&me, "GET", "/api/v1/identity/me", "")
	return me.CSRF
}

func TestTheRoleOfAClaimEndsWithItsSession(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		s, alice := newStaffSite(t, db), newPerson(t, "a")
		boss := map[string]any{"sub": "1", "email": "alice@example.org", "email_verified": true, "groups": []string{"operators"}}
		s.provider.Person(boss)
		s.link(t, alice) // the claim gives the role that linking needs
		by := s.visitor(t)
		by.wants(200, "signed in", "GET", "/start")
		by.wantCaller(alice.wallet.String() + " operator")
		wallet := s.visitor(t)
		if in := wallet.signIn(alice); in.Role != "member" {
			t.Errorf("by the wallet it is %s", in.Role)
		}
		s.provider.Person(map[string]any{"sub": "1", "name": "Alice"})
		by.wantCaller(alice.wallet.String() + " operator") // it was read at the sign-in
		by.wants(200, "signed in", "GET", "/start")
		by.wantCaller(alice.wallet.String() + " member")
		s.grant(t, alice, identity.Moderator)
		by.wantCaller(alice.wallet.String() + " moderator")

		for _, session := range listed(t, s, alice) {
			if session.ByProvider {
				wantFault(t, s.sessions.BeginSecondFactor(t.Context(), session), fault.Forbidden, "signed in with the wallet")
			}
		}

		// An account is linked by the wallet, with its second factor, and by nobody else.
		s.provider.Person(map[string]any{"sub": "2", "groups": "operators"})
		in, secret := signIn(t, s.sessions, alice)
		a, _ := enrolled(t, s.sessions, in, s.clock)
		held := s.visitor(t)
		csrf := held.signIn(alice).CSRF
		held.wants(200, "not linked", "GET", "/start")
		held.wants(403, "second factor", "POST", "/link", signin.CSRFHeader, csrf)
		by.wants(200, "not linked", "GET", "/start")
		by.wants(403, "signed in with the wallet", "POST", "/link", signin.CSRFHeader, csrfOf(by))
		by.wantCaller(alice.wallet.String() + " member") // the second factor is asked for here, too
		for _, session := range listed(t, s, alice) {
			if session.ByProvider {
				if err := s.sessions.GiveSecondFactor(t.Context(), session, a.code(t, 0)); err != nil {
					t.Fatal(err)
				}
			}
		}
		by.wantCaller(alice.wallet.String() + " moderator")
		wantRole(t, s.sessions, secret, identity.Moderator, signin.FactorGiven)
	})
}

func listed(t *testing.T, s *staffSite, p person) []signin.Session {
	t.Helper()
	list, err := s.sessions.List(t.Context(), identity.Caller{Wallet: p.wallet}, p.wallet)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestAnAccountIsLinkedToOneWalletOfTheStaff(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		s, alice, bob := newStaffSite(t, db), newPerson(t, "a"), newPerson(t, "b")
		s.grant(t, alice, identity.Moderator)
		s.provider.Person(map[string]any{"sub": "1"})
		s.link(t, alice)
		v := s.visitor(t)
		csrf := v.signIn(bob).CSRF
		s.provider.Person(map[string]any{"sub": "2"})
		v.wants(200, "not linked", "GET", "/start")
		v.wants(403, "for moderators and operators", "POST", "/link", signin.CSRFHeader, csrf)
		s.grant(t, bob, identity.Moderator)
		s.clock.Pass(10 * time.Minute)
		v.wants(409, "ten minutes ago", "POST", "/link", signin.CSRFHeader, csrf)
		s.provider.Person(map[string]any{"sub": "1"})
		v.wants(200, "signed in", "GET", "/start")
		v.wantCaller(alice.wallet.String() + " moderator")
		for n := range 6 {
			s.provider.Person(map[string]any{"sub": "of bob " + string(rune('a'+n))})
			w := s.visitor(t)
			csrf := w.signIn(bob).CSRF
			w.wants(200, "not linked", "GET", "/start")
			if n < 5 {
				w.wants(200, "linked", "POST", "/link", signin.CSRFHeader, csrf)
				continue
			}
			w.wants(409, "at most 5 accounts", "POST", "/link", signin.CSRFHeader, csrf)
		}
	})
}

// A browser that follows nothing shows what it is led to.
func (v *visitor) stopsAt() {
	v.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
}

func (v *visitor) ledTo(path string) string {
	v.t.Helper()
	resp, text := v.do("GET", path, "")
	at, err := resp.Location()
	if err != nil {
		v.t.Fatalf("%s: %s %s", path, resp.Status, text)
	}
	return at.String()
}

func TestASignInAtTheProviderBelongsToOneBrowserAndWorksOnce(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		s, alice := newStaffSite(t, db), newPerson(t, "a")
		s.grant(t, alice, identity.Moderator)
		s.provider.Person(map[string]any{"sub": "1"})
		s.link(t, alice)

		// The answer of an attacker's sign-in is of no use in another browser, which
		// would else be signed in as the attacker.
		mallory, victim := s.visitor(t), s.visitor(t)
		mallory.stopsAt()
		at := mallory.ledTo("/start")
		back, err := url.Parse(mallory.at(at))
		if err != nil {
			t.Fatal(err)
		}
		answer := back.RequestURI()
		victim.wants(401, "begun in another browser", "GET", answer)
		victim.do("GET", "/start", "")
		victim.stopsAt()
		victim.ledTo("/start") // has a cookie of its own now
		victim.wants(401, "another browser", "GET", answer)
		victim.wantCaller(alice.wallet.String() + " moderator") // by its own sign-in

		mallory.wants(200, "signed in", "GET", answer)
		mallory.wants(401, "begun in another browser", "GET", answer) // its cookie is gone

		// Kept cookies make it work no second time, either.
		jar, _ := cookiejar.New(nil)
		again := &visitor{t: t, site: s.site, http: &http.Client{Jar: jar}}
		again.stopsAt()
		provider := again.ledTo("/start")
		here, _ := url.Parse(s.URL)
		kept := jar.Cookies(here)
		back, _ = url.Parse(again.at(provider))
		again.wants(200, "signed in", "GET", back.RequestURI())
		jar.SetCookies(here, kept)
		again.wants(401, "works once", "GET", back.RequestURI())
		s.provider.Lax()
		jar.SetCookies(here, kept)
		again.wants(409, "used already", "GET", back.RequestURI())

		late := s.visitor(t)
		late.stopsAt()
		back, _ = url.Parse(late.at(late.ledTo("/start")))
		s.clock.Pass(10 * time.Minute)
		late.wants(401, "ten minutes ago", "GET", back.RequestURI())

		for _, name := range []string{"banyan-provider", "banyan-link"} {
			for _, value := range []string{"", "x", "x.y", strings.Repeat("x", 5000), kept[0].Value + "0", "eyJzIjoiIn0." + strings.Repeat("0", 32)} {
				forged := s.visitor(t)
				forged.wants(401, "begun in another browser", "GET", signin.CallbackPath+"?code=1&state=2", "Cookie", name+"="+value)
			}
		}
		// A cookie of one kind is none of the other.
		forged := s.visitor(t)
		csrf := forged.signIn(alice).CSRF
		jar, _ = cookiejar.New(nil)
		jar.SetCookies(here, append(forged.http.Jar.Cookies(here), &http.Cookie{Name: "banyan-link", Value: kept[0].Value}))
		forged.http.Jar = jar
		forged.wants(409, "no account to link", "POST", "/link", signin.CSRFHeader, csrf)
	})
}

// at asks the provider and returns where it leads.
func (v *visitor) at(address string) string {
	v.t.Helper()
	resp, err := v.http.Get(address)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	back, err := resp.Location()
	if err != nil {
		v.t.Fatal(errors.Join(err, errors.New(resp.Status)))
	}
	return back.String()
}

func TestWhileTheProviderIsDownWalletsSignIn(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		s, alice := newStaffSite(t, db), newPerson(t, "a")
		s.provider.Down(true)
		v := s.visitor(t)
		v.wants(503, "sign in with your wallet", "GET", "/start")
		v.signIn(alice)
		v.wantCaller(alice.wallet.String() + " member")
	})
}
