package oidc_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/signin/oidc"
	"banyan/platform/testenv/oidctest"
	"banyan/platform/testenv/testclock"
)

const callback = "https://banyan.example/sign-in/provider/return"

func newClock() *testclock.Clock { return testclock.At(time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)) }

// opened returns a provider and this program's side of it.
func opened(t *testing.T, c *testclock.Clock, change ...func(*oidc.Options)) (*oidctest.Provider, *oidc.Provider) {
	t.Helper()
	there := oidctest.New(t, c.Now)
	there.Person(map[string]any{"sub": "248289761001", "email": "alice@example.org", "email_verified": true, "groups": []string{"staff", "banyan-operators"}})
	o := oidc.Options{
		Issuer: there.URL, ClientID: oidctest.ClientID, ClientSecret: oidctest.ClientSecret, Scopes: []string{"email"},
		RoleClaim: "groups", Roles: map[string]identity.Role{"banyan-operators": identity.Operator, "banyan-moderators": identity.Moderator}, Now: c.Now,
	}
	for _, f := range change {
		f(&o)
	}
	return there, oidc.New(o)
}

func newFlow() oidc.Flow { return oidc.Flow{Secret: rand.Text(), Callback: callback} }

// visited is what the provider leads a browser back with, that was led to address.
func visited(t *testing.T, address string) url.Values {
	t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	back, err := resp.Location()
	if err != nil || !strings.HasPrefix(back.String(), callback+"?") {
		t.Fatalf("the provider answered %s and leads to %v", resp.Status, back)
	}
	return back.Query()
}

func begun(t *testing.T, p *oidc.Provider, f oidc.Flow) string {
	t.Helper()
	address, err := p.Begin(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// signIn goes the whole way.
func signIn(t *testing.T, p *oidc.Provider) (oidc.Account, error) {
	t.Helper()
	f := newFlow()
	return p.Finish(t.Context(), f, visited(t, begun(t, p, f)))
}

func wantFault(t *testing.T, err error, code fault.Code, says string) {
	t.Helper()
	if f := fault.From(err); f == nil || f.Code != code || !strings.Contains(f.Message, says) {
		t.Errorf("got %v, want %s saying %q", err, code, says)
	}
}

func TestAnAccountSignsInWithTheRoleOfItsClaim(t *testing.T) {
	there, p := opened(t, newClock())
	got, err := signIn(t, p)
	if want := (oidc.Account{Issuer: there.URL, Subject: "248289761001", Name: "alice@example.org", Role: identity.Operator}); err != nil || got != want {
		t.Fatalf("got %+v, %v; want %+v", got, err, want)
	}
	for name, c := range map[string]struct {
		person map[string]any
		name   string
		role   identity.Role
	}{
		"one text":               {map[string]any{"sub": "1", "groups": "banyan-moderators"}, "1", identity.Moderator},
		"no groups":              {map[string]any{"sub": "1", "name": "Alice"}, "Alice", identity.Member},
		"others":                 {map[string]any{"sub": "1", "groups": []string{"Banyan-Operators", "banyan-operators2", ""}}, "1", identity.Member},
		"no list":                {map[string]any{"sub": "1", "groups": map[string]any{"banyan-operators": true}}, "1", identity.Member},
		"numbers":                {map[string]any{"sub": "1", "groups": []any{1, "banyan-operators"}}, "1", identity.Member},
		"an unproven address":    {map[string]any{"sub": "1", "email": "boss@example.org", "email_verified": false}, "1", identity.Member},
		"a name with directions": {map[string]any{"sub": "1", "name": "A\u202elice\n" + strings.Repeat("é", 200)}, "Alice" + strings.Repeat("é", 97), identity.Member},
	} {
		there.Person(c.person)
		if got, err := signIn(t, p); err != nil || got.Name != c.name || got.Role != c.role {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

func TestWhatIsSentSaysNothingOfTheSecret(t *testing.T) {
	_, p := opened(t, newClock())
	f := newFlow()
	u, err := url.Parse(begun(t, p, f))
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if q.Get("scope") != "openid email" || q.Get("redirect_uri") != callback || q.Get("code_challenge_method") != "S256" || q.Get("response_type") != "code" {
		t.Errorf("asked for %v", q)
	}
	seen := map[string]bool{}
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		value := q.Get(name)
		if len(value) != 43 || seen[value] || strings.Contains(u.String(), f.Secret) {
			t.Errorf("%s is %q", name, value)
		}
		seen[value] = true
	}
	if q.Get("client_secret") != "" {
		t.Error("the client's secret is in an address")
	}
}

func TestAttacksOnASignIn(t *testing.T) {
	c := newClock()
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signed := func(method jwt.SigningMethod, key any) func(jwt.MapClaims) (string, error) {
		return func(claims jwt.MapClaims) (string, error) {
			token := jwt.NewWithClaims(method, claims)
			token.Header["kid"] = "first"
			return token.SignedString(key)
		}
	}
	claim := func(name string, value any) func(*oidctest.Provider) {
		return func(p *oidctest.Provider) { p.Claims(func(c jwt.MapClaims) { c[name] = value }) }
	}
	answer := func(name, value string) func(*oidctest.Provider) {
		return func(p *oidctest.Provider) { p.Answer(func(q url.Values) { q.Set(name, value) }) }
	}
	asHMAC := func(p *oidctest.Provider) { // the public key taken for a secret
		der, err := x509.MarshalPKIXPublicKey(p.Key())
		if err != nil {
			t.Fatal(err)
		}
		p.Sign(signed(jwt.SigningMethodHS256, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))
	}
	for name, a := range map[string]struct {
		attack func(*oidctest.Provider)
		says   string
	}{
		"another nonce":          {claim("nonce", "of another sign-in"), "belongs to another sign-in"},
		"no nonce":               {claim("nonce", ""), "belongs to another sign-in"},
		"another state":          {answer("state", "stolen"), "another browser"},
		"no state":               {answer("state", ""), "another browser"},
		"another client's token": {claim("aud", "another"), "not valid for this site"},
		"no audience":            {claim("aud", nil), "not valid for this site"},
		"two clients, for the other": {func(p *oidctest.Provider) {
			p.Claims(func(c jwt.MapClaims) { c["aud"], c["azp"] = []string{oidctest.ClientID, "another"}, "another" })
		}, "for another program"},
		"two clients, for nobody in special": {claim("aud", []string{oidctest.ClientID, "another"}), "for another program"},
		"another issuer's token":             {claim("iss", "https://evil.example"), "not valid for this site"},
		"expired":                            {claim("exp", c.Now().Add(-time.Minute).Unix()), "not valid for this site"},
		"without an end":                     {claim("exp", nil), "not valid for this site"},
		"from the future":                    {claim("nbf", c.Now().Add(time.Hour).Unix()), "not valid for this site"},
		"no subject":                         {claim("sub", ""), "does not name the account"},
		"a long subject":                     {claim("sub", strings.Repeat("x", 300)), "does not name the account"},
		"signed by nobody":                   {func(p *oidctest.Provider) { p.Sign(signed(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType)) }, "not valid for this site"},
		"signed with the client's secret":    {func(p *oidctest.Provider) { p.Sign(signed(jwt.SigningMethodHS256, []byte(oidctest.ClientSecret))) }, "not valid for this site"},
		"signed with the public key":         {asHMAC, "not valid for this site"},
		"signed by somebody else":            {func(p *oidctest.Provider) { p.Sign(signed(jwt.SigningMethodES256, own)) }, "not valid for this site"},
		"no token":                           {func(p *oidctest.Provider) { p.Sign(func(jwt.MapClaims) (string, error) { return "", nil }) }, "not valid for this site"},
		"the answer of another issuer":       {answer("iss", "https://evil.example"), "another provider"},
		"an answer that names no issuer":     {func(p *oidctest.Provider) { p.Answer(func(q url.Values) { q.Del("iss") }) }, "another provider"},
		"an answer of two issuers":           {func(p *oidctest.Provider) { p.Answer(func(q url.Values) { q.Add("iss", "https://evil.example") }) }, "another provider"},
		"a made-up code":                     {answer("code", "guessed"), "did not take the code"},
		"no code":                            {answer("code", ""), "no code"},
		"the person said no":                 {answer("error", "access_denied"), "(access_denied)"},
		"an error with words of a stranger":  {answer("error", "call +1 555 <b>now</b>"), "(unknown)"},
	} {
		t.Run(name, func(t *testing.T) {
			there, p := opened(t, c)
			a.attack(there)
			_, err := signIn(t, p)
			wantFault(t, err, fault.Unauthenticated, a.says)
			if err != nil && strings.Contains(err.Error(), oidctest.ClientSecret) {
				t.Error("the error has the client's secret in it")
			}
		})
	}
}

func TestACodeWorksOnceAndForItsBrowserOnly(t *testing.T) {
	_, p := opened(t, newClock())
	mine, theirs := newFlow(), newFlow()
	back := visited(t, begun(t, p, mine))
	_, err := p.Finish(t.Context(), theirs, back)
	wantFault(t, err, fault.Unauthenticated, "another browser")
	stolen := url.Values{"code": back["code"], "iss": back["iss"], "state": {theirs.State()}} // another browser's state, and this one's code
	_, err = p.Finish(t.Context(), theirs, stolen)
	wantFault(t, err, fault.Unauthenticated, "did not take the code") // PKCE
	if _, err := p.Finish(t.Context(), mine, back); err != nil {
		t.Fatal(err)
	}
	_, err = p.Finish(t.Context(), mine, back)
	wantFault(t, err, fault.Unauthenticated, "works once")
}

func TestOnlyAddressesOfTheDomainsAreAdmitted(t *testing.T) {
	there, p := opened(t, newClock(), func(o *oidc.Options) { o.Domains = []string{"example.org", "Example.net"} })
	for address, verified := range map[string]bool{
		"alice@example.org": true, "bob@EXAMPLE.NET": true,
		"mallory@evil.example": true, "mallory@sub.example.org": true, "a@b@example.org": true, "example.org": true, "": true,
		"carol@example.org": false,
	} {
		there.Person(map[string]any{"sub": "1", "email": address, "email_verified": verified})
		_, err := signIn(t, p)
		if address == "alice@example.org" || address == "bob@EXAMPLE.NET" {
			if err != nil {
				t.Errorf("%s: %v", address, err)
			}
			continue
		}
		wantFault(t, err, fault.Forbidden, "not admitted here")
	}
}

func TestAProviderThatIsDownIsSaidAndAskedAgain(t *testing.T) {
	c := newClock()
	there, p := opened(t, c)
	const discovery = "/.well-known/openid-configuration"
	there.Down(true)
	for range 20 {
		_, err := p.Begin(t.Context(), newFlow())
		wantFault(t, err, fault.Unavailable, "sign in with your wallet")
	}
	if n := there.Calls(discovery); n != 1 {
		t.Errorf("it was asked %d times", n)
	}
	there.Down(false)
	c.Pass(5 * time.Second)
	if _, err := signIn(t, p); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if _, err := signIn(t, p); err != nil {
			t.Fatal(err)
		}
	}
	if d, k := there.Calls(discovery), there.Calls("/keys"); d != 2 || k != 1 {
		t.Errorf("endpoints were asked for %d times, keys %d times", d, k)
	}
	f := newFlow()
	back := visited(t, begun(t, p, f))
	there.Down(true)
	c.Pass(2 * time.Hour) // what was found before will do
	if _, err := p.Begin(t.Context(), newFlow()); err != nil {
		t.Error(err)
	}
	_, err := p.Finish(t.Context(), f, back)
	wantFault(t, err, fault.Unavailable, "cannot be reached")
}

func TestAProviderWithoutItsKeysIsUnavailable(t *testing.T) {
	there, p := opened(t, newClock())
	there.Discover(func(d map[string]any) { d["jwks_uri"] = there.URL + "/elsewhere" })
	_, err := signIn(t, p)
	wantFault(t, err, fault.Unavailable, "cannot be reached")
}

func TestAProviderMustBeTheOneOfTheSettingsAndSafe(t *testing.T) {
	for name, change := range map[string]func(map[string]any){
		"another issuer":                 func(d map[string]any) { d["issuer"] = "https://evil.example" },
		"no issuer":                      func(d map[string]any) { delete(d, "issuer") },
		"authorization over http":        func(d map[string]any) { d["authorization_endpoint"] = "http://login.example.org/authorize" },
		"tokens over http":               func(d map[string]any) { d["token_endpoint"] = "http://login.example.org/token" },
		"keys over http":                 func(d map[string]any) { d["jwks_uri"] = "http://login.example.org/keys" },
		"authorization by a script":      func(d map[string]any) { d["authorization_endpoint"] = "javascript:alert(1)" },
		"no authorization":               func(d map[string]any) { delete(d, "authorization_endpoint") },
		"a document of several megabyte": func(d map[string]any) { d["x"] = strings.Repeat("x", 3<<20) },
	} {
		there, p := opened(t, newClock())
		there.Discover(change)
		if address, err := p.Begin(t.Context(), newFlow()); fault.CodeOf(err) != fault.Unavailable {
			t.Errorf("%s: got %q, %v", name, address, err)
		}
		if err := p.Try(t.Context()); err == nil {
			t.Errorf("%s: the doctor finds nothing", name)
		}
	}
	_, p := opened(t, newClock())
	if err := p.Try(t.Context()); err != nil {
		t.Errorf("a healthy provider: %v", err)
	}
}
