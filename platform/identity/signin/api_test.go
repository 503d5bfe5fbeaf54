package signin_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/securitylog"
	"banyan/platform/identity/signin"
	"banyan/platform/testenv/testclock"
	"banyan/platform/wallet"
)

// site is a trunk's identity over HTTP, with a page that says who asks.
type site struct {
	*httptest.Server
	clock    *testclock.Clock
	keys     *signin.Keys
	sessions *signin.Sessions
	tokens   *signin.Tokens
	events   *securitylog.Log
	verifier *identity.Verifier
}

func newSite(t *testing.T, db *database.DB, secure bool) *site {
	t.Helper()
	c := newClock()
	keys, verifier := openKeys(t, db, c)
	router := chi.NewRouter()
	s := &site{clock: c, keys: keys, verifier: verifier, events: eventsIn(db, c)}
	s.tokens = signin.NewTokens(keys, signin.TokensOptions{Operators: []wallet.Address{newPerson(t, "c").wallet}})
	if secure {
		s.Server = httptest.NewTLSServer(router)
	} else {
		s.Server = httptest.NewServer(router)
	}
	t.Cleanup(s.Close)
	s.sessions = newSessions(t, db, c, func(o *signin.SessionOptions) {
		o.Origin = s.URL
		o.Operators = []wallet.Address{newPerson(t, "c").wallet}
	})
	api := signin.NewAPI(signin.APIOptions{
		Sessions: s.sessions, Tokens: s.tokens, Events: s.events, Verifier: verifier,
		RequestID: func(context.Context) string { return "req-1" },
	})
	router.Use(api.Authenticate)
	api.Mount(router)
	whoami := func(w http.ResponseWriter, r *http.Request) {
		if err := signin.CheckCSRF(r); err != nil {
			fault.WriteProblem(w, err, "")
			return
		}
		caller := identity.From(r.Context())
		_, _ = io.WriteString(w, caller.Name()+" "+caller.Role.String())
	}
	router.HandleFunc("/whoami", whoami)
	router.HandleFunc("/api/v1/reputation/whoami", whoami)
	return s
}

// visitor is a browser, or an API client that keeps cookies.
type visitor struct {
	t    *testing.T
	site *site
	http *http.Client
	csrf string // of the session, sent with everything that is not a GET
}

func (s *site) visitor(t *testing.T) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{t: t, site: s, http: &http.Client{Transport: s.Client().Transport, Jar: jar}}
}

// do sends a request; headers are pairs.
func (v *visitor) do(method, path, body string, headers ...string) (*http.Response, string) {
	v.t.Helper()
	req, err := http.NewRequest(method, v.site.URL+path, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if v.csrf != "" && method != http.MethodGet && strings.HasPrefix(path, "/api/") {
		req.Header.Set(signin.CSRFHeader, v.csrf)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := v.http.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return resp, string(text)
}

// get sends a request that must succeed and reads its JSON.
func (v *visitor) get(into any, method, path, body string, headers ...string) *http.Response {
	v.t.Helper()
	resp, text := v.do(method, path, body, headers...)
	if resp.StatusCode != http.StatusOK {
		v.t.Fatalf("%s %s: %s %s", method, path, resp.Status, text)
	}
	if resp.Header.Get("Cache-Control") != "no-store" {
		v.t.Errorf("%s %s may be cached", method, path)
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		v.t.Fatalf("%s %s: %v in %s", method, path, err, text)
	}
	return resp
}

func (v *visitor) wantProblem(status int, code fault.Code, says, method, path, body string, headers ...string) *http.Response {
	v.t.Helper()
	resp, text := v.do(method, path, body, headers...)
	var p fault.Problem
	err := json.Unmarshal([]byte(text), &p)
	if err != nil || resp.StatusCode != status || p.Code != code || !strings.Contains(p.Detail, says) ||
		resp.Header.Get("Content-Type") != fault.MediaType {
		v.t.Errorf("%s %s: got %s %s, want %d %s saying %q", method, path, resp.Status, text, status, code, says)
	}
	return resp
}

// asked returns the body of a sign-in with a fresh message that p signed.
func (v *visitor) asked(p person) map[string]any {
	v.t.Helper()
	var c struct {
		Message, Nonce string
		Expires        time.Time
	}
	v.get(&c, "POST", "/api/v1/identity/nonce", `{"address":"`+p.wallet.String()+`","chain_id":1}`)
	if !strings.Contains(c.Message, "\nNonce: "+c.Nonce+"\n") || !c.Expires.Equal(v.site.clock.Now().Add(10*time.Minute)) {
		v.t.Fatalf("got %+v", c)
	}
	return map[string]any{"message": c.Message, "signature": "0x" + hex.EncodeToString(p.sign(v.t, c.Message))}
}

func encode(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

type signedIn struct {
	Wallet            wallet.Address
	Role, CSRF, Token string
	Expires           time.Time
}

func (v *visitor) signIn(p person) signedIn {
	v.t.Helper()
	var out signedIn
	v.get(&out, "POST", "/api/v1/identity/sign-in", encode(v.t, v.asked(p)))
	v.csrf = out.CSRF
	return out
}

func (v *visitor) wantCaller(want string, headers ...string) {
	v.t.Helper()
	if _, text := v.do("GET", "/whoami", "", headers...); text != want {
		v.t.Errorf("the page sees %q, want %q", text, want)
	}
}

func TestABrowserSignsInOverHTTP(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		s := newSite(t, db, true)
		v, alice := s.visitor(t), newPerson(t, "a")
		v.wantCaller("anonymous anonymous")
		in := v.signIn(alice)
		if in.Wallet != alice.wallet || in.Role != "member" || in.CSRF == "" || in.Token != "" {
			t.Errorf("got %+v", in)
		}
		v.wantCaller(alice.wallet.String() + " member")
		var me struct {
			Wallet     wallet.Address
			Role, CSRF string
		}
		v.get(&me, "GET", "/api/v1/identity/me", "")
		if me.Wallet != alice.wallet || me.Role != "member" || me.CSRF != in.CSRF {
			t.Errorf("me is %+v", me)
		}
		s.visitor(t).wantCaller("anonymous anonymous")

		if resp, _ := v.do("POST", "/api/v1/identity/sign-out", ""); resp.StatusCode != http.StatusNoContent {
			t.Errorf("sign-out: %s", resp.Status)
		}
		v.wantCaller("anonymous anonymous")
		if resp, _ := v.do("POST", "/api/v1/identity/sign-out", ""); resp.StatusCode != http.StatusNoContent {
			t.Errorf("sign-out again: %s", resp.Status)
		}
	})
}

func TestCookiesAreAsStrictAsTheOriginAllows(t *testing.T) {
	for _, tc := range []struct {
		secure bool
		prefix string
	}{{true, "__Host-banyan"}, {false, "banyan"}} {
		each(t, func(t *testing.T, db *database.DB) {
			s := newSite(t, db, tc.secure)
			v := s.visitor(t)
			resp, text := v.do("POST", "/api/v1/identity/sign-in", encode(t, v.asked(newPerson(t, "a"))))
			cookies := resp.Cookies()
			if len(cookies) != 2 {
				t.Fatalf("got %v: %s", cookies, text)
			}
			session, binding := cookies[0], cookies[1]
			for _, c := range cookies {
				if !c.HttpOnly || c.Secure != tc.secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
					t.Errorf("got %v", c)
				}
			}
			if session.Name != tc.prefix || len(session.Value) != 43 || session.MaxAge != int(24*time.Hour/time.Second) {
				t.Errorf("the session's is %v", session)
			}
			if binding.Name != tc.prefix+"-sign-in" || binding.MaxAge >= 0 || binding.Value != "" {
				t.Errorf("the binding one is not cleared: %v", binding)
			}
		})
	}
}

func TestACookieThatIsOverIsClearedAndThePersonAnonymous(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		s := newSite(t, db, true)
		v, alice := s.visitor(t), newPerson(t, "a")
		v.signIn(alice)
		s.clock.Pass(2 * time.Hour)
		resp, text := v.do("GET", "/whoami", "")
		if text != "anonymous anonymous" || len(resp.Cookies()) != 1 || resp.Cookies()[0].MaxAge >= 0 {
			t.Errorf("got %q and %v", text, resp.Cookies())
		}
		u, _ := url.Parse(s.URL)
		v.http.Jar.SetCookies(u, []*http.Cookie{{Name: "__Host-banyan", Value: "made-up", Path: "/", Secure: true}})
		resp, text = v.do("POST", "/api/v1/identity/sign-in", encode(t, v.asked(alice)))
		count := 0
		for _, c := range resp.Cookies() {
			if c.Name == "__Host-banyan" {
				count++
			}
		}
		if count != 1 {
			t.Errorf("the session's cookie is set %d times: %v %s", count, resp.Cookies(), text)
		}
		v.wantCaller(alice.wallet.String() + " member")
	})
}

func TestSignInOverHTTPIsRefusedInPlainWords(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		s := newSite(t, db, true)
		alice, bob := newPerson(t, "a"), newPerson(t, "b")
		const path = "/api/v1/identity/sign-in"
		v := s.visitor(t)
		used := v.asked(alice)
		v.get(&signedIn{}, "POST", path, encode(t, used))
		v.wantProblem(409, fault.Conflict, "used already", "POST", path, encode(t, used))
		used["token"] = true
		v.wantProblem(409, fault.Conflict, "used already", "POST", path, encode(t, used))

		other := v.asked(alice)
		other["signature"] = "0x" + hex.EncodeToString(bob.sign(t, other["message"].(string)))
		v.wantProblem(401, fault.Unauthenticated, "was signed by "+bob.wallet.String(), "POST", path, encode(t, other))
		s.visitor(t).wantProblem(401, fault.Unauthenticated, "made for this browser", "POST", path, encode(t, v.asked(alice)))
		late := v.asked(alice)
		s.clock.Pass(11 * time.Minute)
		v.wantProblem(401, fault.Unauthenticated, "has expired", "POST", path, encode(t, late))

		for name, tc := range map[string]struct {
			path, body string
			status     int
			code       fault.Code
			says       string
			headers    []string
		}{
			"not JSON":             {path, "x", 400, fault.Invalid, "not the JSON object", nil},
			"two objects":          {path, `{"message":"","signature":"0x"}{}`, 400, fault.Invalid, "not the JSON object", nil},
			"an unknown field":     {path, `{"messages":""}`, 400, fault.Invalid, "messages", nil},
			"a form":               {path, "message=x", 415, fault.Unsupported, "application/json", []string{"Content-Type", "application/x-www-form-urlencoded"}},
			"text":                 {path, `{}`, 415, fault.Unsupported, "application/json", []string{"Content-Type", "text/plain"}},
			"endless":              {path, `{"message":"` + strings.Repeat("x", 70_000) + `"}`, 413, fault.TooLarge, "longer than 65536 bytes", nil},
			"half a signature":     {path, `{"message":"","signature":"0x123"}`, 400, fault.Invalid, "even number", nil},
			"a mistyped address":   {"/api/v1/identity/nonce", `{"address":"0xC02aaa39b223FE8D0A0e5C4F27eAD9083C756Cc2","chain_id":1}`, 400, fault.Invalid, "EIP-55", nil},
			"no address":           {"/api/v1/identity/nonce", `{"chain_id":1}`, 400, fault.Invalid, "zero address", nil},
			"no chain":             {"/api/v1/identity/nonce", `{"address":"` + alice.wallet.String() + `"}`, 400, fault.Invalid, "chain 0", nil},
			"a chain below nought": {"/api/v1/identity/nonce", `{"address":"` + alice.wallet.String() + `","chain_id":-1}`, 400, fault.Invalid, "chain_id", nil},
		} {
			t.Run(name, func(t *testing.T) {
				v := s.visitor(t)
				v.wantProblem(tc.status, tc.code, tc.says, "POST", tc.path, tc.body, tc.headers...)
			})
		}
		if resp, _ := v.do("GET", "/api/v1/identity/nonce", ""); resp.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("a GET made a nonce: %s", resp.Status)
		}
	})
}

func TestAnAPIClientTakesATokenInstead(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		s := newSite(t, db, true)
		v, alice := s.visitor(t), newPerson(t, "a")
		body := v.asked(alice)
		body["token"] = true
		var in signedIn
		resp := v.get(&in, "POST", "/api/v1/identity/sign-in", encode(t, body))
		if in.Wallet != alice.wallet || in.Role != "member" || in.CSRF != "" || !in.Expires.Equal(s.clock.Now().Add(time.Hour)) {
			t.Errorf("got %+v", in)
		}
		if len(resp.Cookies()) != 0 {
			t.Errorf("there is a cookie as well: %v", resp.Cookies())
		}
		fresh := s.visitor(t)
		fresh.wantCaller(alice.wallet.String()+" member", "Authorization", "Bearer "+in.Token)
		fresh.wantCaller(alice.wallet.String()+" member", "Authorization", "bearer "+in.Token)
		fresh.wantCaller("anonymous anonymous", "Authorization", "Basic "+in.Token)
		s.clock.Pass(time.Hour + 6*time.Second)
		resp = fresh.wantProblem(401, fault.Unauthenticated, "has expired", "GET", "/whoami", "", "Authorization", "Bearer "+in.Token)
		if !strings.HasPrefix(resp.Header.Get("WWW-Authenticate"), "Bearer") {
			t.Errorf("the header says %q", resp.Header.Get("WWW-Authenticate"))
		}
	})
}

func TestABadTokenIsNotOutweighedByAGoodCookie(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		v := newSite(t, db, true).visitor(t)
		v.signIn(newPerson(t, "a"))
		v.wantProblem(401, fault.Unauthenticated, "not a token", "GET", "/whoami", "", "Authorization", "Bearer x")
	})
}

func TestModulesThatRunAloneCallTheTrunkWithTheirOwnTokens(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		s := newSite(t, db, true)
		ring := newRing(t, "airdrop", s.clock, 5)
		v := s.visitor(t)
		bearer := "Bearer " + token(t, ring, identity.Caller{}, "reputation")
		const path = "/api/v1/reputation/whoami"
		v.wantProblem(401, fault.Unauthenticated, "not trusted", "GET", path, "", "Authorization", bearer)

		s.verifier.Trust(identity.Trusted{Issuer: "airdrop", Keys: ring, OnlyService: "airdrop"})
		if _, text := v.do("GET", path, "", "Authorization", bearer); text != "module airdrop anonymous" {
			t.Errorf("the trunk sees %q", text)
		}
		v.wantProblem(401, fault.Unauthenticated, "the audience of this token is", "GET", "/whoami", "", "Authorization", bearer)
	})
}

func TestFormsNeedTheSessionsOwnToken(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		s := newSite(t, db, true)
		v, w, alice := s.visitor(t), s.visitor(t), newPerson(t, "a")
		mine, others := v.signIn(alice), w.signIn(alice)
		if mine.CSRF == others.CSRF {
			t.Fatal("two sessions share a token")
		}
		const form = "application/x-www-form-urlencoded"
		post := func(field string, headers ...string) (*http.Response, string) {
			return v.do("POST", "/whoami", url.Values{"csrf": {field}}.Encode(), append(headers, "Content-Type", form)...)
		}
		if resp, text := post(mine.CSRF); resp.StatusCode != 200 {
			t.Errorf("its own token in the form: %s %s", resp.Status, text)
		}
		if resp, text := post("", signin.CSRFHeader, mine.CSRF); resp.StatusCode != 200 {
			t.Errorf("its own token in the header: %s %s", resp.Status, text)
		}
		v.wantProblem(403, fault.Forbidden, "reload the page", "POST", "/whoami", "csrf="+others.CSRF, "Content-Type", form)
		v.wantProblem(403, fault.Forbidden, "reload the page", "POST", "/whoami", "", "Content-Type", form)
		v.wantProblem(403, fault.Forbidden, "reload the page", "DELETE", "/whoami", "")
		anonymous := s.visitor(t)
		if resp, text := anonymous.do("POST", "/whoami", ""); resp.StatusCode != 200 {
			t.Errorf("without a session: %s %s", resp.Status, text)
		}
		made := create(t, s.keys, time.Hour)
		if resp, text := anonymous.do("POST", "/whoami", "", "Authorization", "Bearer "+made); resp.StatusCode != 200 {
			t.Errorf("with a token: %s %s", resp.Status, text)
		}
	})
}

func TestSessionsAreListedAndEndedOverHTTP(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		s := newSite(t, db, true)
		phone, desk, alice := s.visitor(t), s.visitor(t), newPerson(t, "a")
		phone.signIn(alice)
		s.clock.Pass(time.Second)
		desk.signIn(alice)
		var list struct {
			Sessions []struct {
				ID      string
				Current bool
				Agent   string
			}
		}
		desk.get(&list, "GET", "/api/v1/identity/sessions", "")
		if len(list.Sessions) != 2 || !list.Sessions[0].Current || list.Sessions[1].Current || list.Sessions[0].Agent == "" {
			t.Fatalf("got %+v", list)
		}
		if resp, text := desk.do("DELETE", "/api/v1/identity/sessions/"+list.Sessions[1].ID, ""); resp.StatusCode != 204 {
			t.Errorf("got %s %s", resp.Status, text)
		}
		phone.wantCaller("anonymous anonymous")
		desk.wantCaller(alice.wallet.String() + " member")
		desk.wantProblem(404, fault.NotFound, "no such session", "DELETE", "/api/v1/identity/sessions/"+list.Sessions[1].ID, "")
		phone.wantProblem(401, fault.Unauthenticated, "sign in", "GET", "/api/v1/identity/sessions", "")
		desk.wantProblem(403, fault.Forbidden, "only the wallet itself", "GET", "/api/v1/identity/sessions?wallet="+newPerson(t, "b").wallet.String(), "")

		boss := s.visitor(t)
		if in := boss.signIn(newPerson(t, "c")); in.Role != "operator" {
			t.Fatalf("the operator is %+v", in)
		}
		boss.get(&list, "GET", "/api/v1/identity/sessions?wallet="+alice.wallet.String(), "")
		if len(list.Sessions) != 1 {
			t.Errorf("the operator sees %+v", list)
		}
		if resp, text := boss.do("PUT", "/api/v1/identity/roles/"+alice.wallet.String(), `{"role":"moderator"}`); resp.StatusCode != 204 {
			t.Errorf("got %s %s", resp.Status, text)
		}
		desk.wantCaller(alice.wallet.String() + " moderator")
		desk.wantProblem(403, fault.Forbidden, "needs the role operator", "PUT", "/api/v1/identity/roles/"+alice.wallet.String(), `{"role":"operator"}`)
		boss.wantProblem(400, fault.Invalid, "no role", "PUT", "/api/v1/identity/roles/"+alice.wallet.String(), `{"role":"king"}`)
		boss.wantProblem(400, fault.Invalid, "write 0x and 40 hex digits", "PUT", "/api/v1/identity/roles/me", `{"role":"member"}`)
	})
}

func TestADatabaseThatIsGoneSignsNobodyOut(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		s := newSite(t, db, true)
		v := s.visitor(t)
		v.signIn(newPerson(t, "a"))
		gone, cancel := context.WithCancel(context.Background())
		cancel()
		req := httptest.NewRequestWithContext(gone, "GET", "/whoami", nil)
		u, _ := url.Parse(s.URL)
		for _, c := range v.http.Jar.Cookies(u) {
			req.AddCookie(c)
		}
		rec := httptest.NewRecorder()
		s.Config.Handler.ServeHTTP(rec, req)
		if rec.Code < 400 || rec.Code == 401 || rec.Header().Get("Set-Cookie") != "" {
			t.Errorf("got %d and %q: the person must not be taken for anonymous", rec.Code, rec.Header().Get("Set-Cookie"))
		}
	})
}
