// Package oidctest is a small OpenID Connect provider in the test's process: discovery,
// keys, the authorization endpoint, where everybody is signed in already, and the token
// endpoint with PKCE and codes that work once. A test says what it does wrong.
package oidctest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// The client that the provider knows.
const (
	ClientID     = "banyan"
	ClientSecret = "a secret of the test: +%/"
)

const keyID = "first"

// Provider is a running provider.
type Provider struct {
	*httptest.Server
	Now func() time.Time

	mu       sync.Mutex
	key      *ecdsa.PrivateKey
	person   jwt.MapClaims
	codes    map[string]asked
	used     map[string]bool
	calls    map[string]int
	discover func(document map[string]any)
	claims   func(jwt.MapClaims)
	sign     func(jwt.MapClaims) (string, error)
	answer   func(url.Values)
	down     bool
	lax      bool
}

// asked is what a code belongs to.
type asked struct {
	nonce, challenge, callback string
	person                     jwt.MapClaims
}

// New starts a provider; it stops with the test.
func New(t testing.TB, now func() time.Time) *Provider {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &Provider{Now: now, key: key, codes: map[string]asked{}, used: map[string]bool{}, calls: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.counted(p.configuration))
	mux.HandleFunc("GET /keys", p.counted(p.keys))
	mux.HandleFunc("GET /authorize", p.counted(p.authorize))
	mux.HandleFunc("POST /token", p.counted(p.token))
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

// Person sets who signs in next: claims of the ID token, "sub" at least.
func (p *Provider) Person(claims map[string]any) { p.set(func() { p.person = claims }) }

// Discover changes the discovery document.
func (p *Provider) Discover(f func(document map[string]any)) { p.set(func() { p.discover = f }) }

// Claims changes the claims of ID tokens, after all others.
func (p *Provider) Claims(f func(claims jwt.MapClaims)) { p.set(func() { p.claims = f }) }

// Sign replaces how ID tokens are signed.
func (p *Provider) Sign(f func(claims jwt.MapClaims) (string, error)) { p.set(func() { p.sign = f }) }

// Answer changes the query with which a browser is led back.
func (p *Provider) Answer(f func(url.Values)) { p.set(func() { p.answer = f }) }

// Down has every call fail, or not any more.
func (p *Provider) Down(down bool) { p.set(func() { p.down = down }) }

// Lax has codes work as often as they are sent.
func (p *Provider) Lax() { p.set(func() { p.lax = true }) }

// Calls returns how often a path was asked for.
func (p *Provider) Calls(path string) (count int) {
	p.set(func() { count = p.calls[path] })
	return count
}

// Key returns the public key of ID tokens, as an attacker may have it, too.
func (p *Provider) Key() *ecdsa.PublicKey { return &p.key.PublicKey }

// Proper signs as the provider does.
func (p *Provider) Proper(claims jwt.MapClaims) (string, error) {
	token := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
	token.Header["kid"] = keyID
	return token.SignedString(p.key)
}

func (p *Provider) set(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

func (p *Provider) counted(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.calls[r.URL.Path]++
		if p.down {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		next(w, r)
	}
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the test sees what is missing
}

func (p *Provider) configuration(w http.ResponseWriter, _ *http.Request) {
	document := map[string]any{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
		"id_token_signing_alg_values_supported": []string{"ES256"}, "response_types_supported": []string{"code"},
		"authorization_response_iss_parameter_supported": true,
	}
	if p.discover != nil {
		p.discover(document)
	}
	write(w, http.StatusOK, document)
}

func (p *Provider) keys(w http.ResponseWriter, _ *http.Request) {
	point, err := p.key.PublicKey.ECDH()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	raw := point.Bytes() // 4, x, y
	write(w, http.StatusOK, map[string]any{"keys": []map[string]string{{
		"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": keyID,
		"x": base64.RawURLEncoding.EncodeToString(raw[1:33]), "y": base64.RawURLEncoding.EncodeToString(raw[33:]),
	}}})
}

func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	callback, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || q.Get("client_id") != ClientID || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || q.Get("state") == "" || q.Get("nonce") == "" {
		http.Error(w, "this is no request of the client", http.StatusBadRequest)
		return
	}
	code := rand.Text()
	p.codes[code] = asked{q.Get("nonce"), q.Get("code_challenge"), q.Get("redirect_uri"), p.person}
	back := url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {p.URL}}
	if p.answer != nil {
		p.answer(back)
	}
	callback.RawQuery = back.Encode()
	http.Redirect(w, r, callback.String(), http.StatusFound) //nolint:gosec // G710: a provider leads its client back
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	id, secret, basic := r.BasicAuth()
	if basic {
		id, _ = url.QueryUnescape(id)
		secret, _ = url.QueryUnescape(secret)
	} else {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	code := r.PostFormValue("code")
	was, known := p.codes[code]
	challenge := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	switch {
	case id != ClientID || secret != ClientSecret:
		write(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client"})
		return
	case !known || p.used[code] && !p.lax || was.callback != r.PostFormValue("redirect_uri") || was.challenge != base64.RawURLEncoding.EncodeToString(challenge[:]):
		write(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
		return
	}
	p.used[code] = true
	now := p.Now()
	claims := jwt.MapClaims{"iss": p.URL, "aud": ClientID, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "nonce": was.nonce}
	for name, value := range was.person {
		claims[name] = value
	}
	if p.claims != nil {
		p.claims(claims)
	}
	sign := p.Proper
	if p.sign != nil {
		sign = p.sign
	}
	text, err := sign(claims)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	write(w, http.StatusOK, map[string]any{"access_token": rand.Text(), "token_type": "Bearer", "expires_in": 300, "id_token": text})
}
