// Package oidc signs staff in at an OpenID Connect provider: the authorization code
// flow with PKCE. It knows nothing of sessions and stores nothing; package signin
// keeps what belongs to a sign-in in a cookie of the browser, so that any of several
// processes may finish what another began.
//
//	Begin ──address──▶ browser at the provider ──code, state──▶ Finish ──▶ Account
//
// What the provider sends is believed when its signature, issuer, audience, times and
// nonce are right. Its keys are fetched over https, or http on loopback, with bounds
// on time and bytes, and kept; while it cannot be reached, people sign in with their
// wallets.
package oidc

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	coreos "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/loopback"
)

const (
	callTime   = 10 * time.Second // for one call of the provider
	maxAnswer  = 1 << 20          // bytes of one
	foundFor   = time.Hour        // how long its endpoints are believed
	failedFor  = 5 * time.Second  // how long it is not asked again
	maxSubject = 255              // OpenID Connect Core, 2
	maxText    = 200              // bytes of an e-mail address or name that are shown
)

// algorithms are those with a public key: with HS256 the client's secret would sign.
var algorithms = []string{coreos.RS256, coreos.RS384, coreos.RS512, coreos.PS256, coreos.PS384, coreos.PS512, coreos.ES256, coreos.ES384, coreos.ES512, coreos.EdDSA}

// Options say which provider it is, and whom it is believed.
type Options struct {
	Issuer       string // as the provider names itself
	ClientID     string
	ClientSecret string // "" = a public client
	Scopes       []string
	RoleClaim    string                   // the claim whose values give roles; "" = none does
	Roles        map[string]identity.Role // by the claim's value
	Domains      []string                 // of e-mail addresses that are admitted; none = all accounts are
	Now          func() time.Time         // nil = time.Now
	Transport    http.RoundTripper        // nil = http.DefaultTransport
}

// Account is who signed in at the provider.
type Account struct {
	Issuer  string        `json:"i"`
	Subject string        `json:"s"` // names the account at this issuer for ever
	Name    string        `json:"n"` // for people to read: a verified e-mail address, else a name or the subject
	Role    identity.Role `json:"r"` // by its claim; Member = the claim gives none
}

// Flow is the secret of one sign-in, from which what is sent is derived.
type Flow struct {
	Secret   string // random, known to the browser's cookie alone
	Callback string // the address that the provider leads the browser to
}

// Provider is an OpenID Connect provider.
type Provider struct {
	o      Options
	client *http.Client

	turn   chan struct{} // held by who reads or changes what follows
	found  *discovered
	until  time.Time // until then found is believed
	retry  time.Time // before, a provider that failed is not asked again
	failed error
}

type discovered struct {
	endpoint oauth2.Endpoint
	verifier *coreos.IDTokenVerifier
	saysIss  bool // it names itself in what it answers, RFC 9207
}

// New returns the provider of these options, which the settings have checked. It asks
// nothing yet.
func New(o Options) *Provider {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Transport == nil {
		o.Transport = http.DefaultTransport
	}
	client := &http.Client{
		Timeout: callTime, Transport: bounded{o.Transport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &Provider{o: o, client: client, turn: make(chan struct{}, 1)}
}

// bounded is a transport that calls trusted schemes alone and reads so much.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	if !isSafe(r.URL) {
		return nil, fmt.Errorf("%s is neither https nor on loopback", r.URL.Redacted())
	}
	resp, err := b.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{http.MaxBytesReader(nil, resp.Body, maxAnswer), resp.Body}
	return resp, nil
}

func isSafe(u *url.URL) bool {
	return u.Host != "" && u.User == nil && (u.Scheme == "https" || u.Scheme == "http" && loopback.Host(u.Hostname()))
}

// discover returns the provider's endpoints. What was found is believed for an hour,
// and longer while it cannot be reached.
func (p *Provider) discover(ctx context.Context) (*discovered, error) {
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return nil, unavailable(ctx.Err())
	}
	now := p.o.Now()
	switch {
	case p.found != nil && now.Before(p.until):
		return p.found, nil
	case now.Before(p.retry):
		return p.found, p.orFailed()
	}
	found, err := p.ask() //nolint:contextcheck // what it finds outlives this request; the client bounds its time
	if err != nil {
		p.failed, p.retry = err, now.Add(failedFor)
		return p.found, p.orFailed()
	}
	p.found, p.until, p.failed, p.retry = found, now.Add(foundFor), nil, time.Time{}
	return found, nil
}

// orFailed returns why the last attempt failed, nil when what was found before will do.
func (p *Provider) orFailed() error {
	if p.found != nil {
		return nil
	}
	return unavailable(p.failed)
}

func unavailable(cause error) error {
	return fault.Wrap(cause, fault.Unavailable, "the provider of this sign-in cannot be reached at the moment: sign in with your wallet, or try again soon")
}

func (p *Provider) ask() (*discovered, error) {
	ctx := coreos.ClientContext(context.Background(), p.client)
	provider, err := coreos.NewProvider(ctx, p.o.Issuer)
	if err != nil {
		return nil, fmt.Errorf("ask %s for its endpoints: %w", p.o.Issuer, err)
	}
	var more struct {
		SaysIss bool   `json:"authorization_response_iss_parameter_supported"`
		Keys    string `json:"jwks_uri"`
	}
	if err := provider.Claims(&more); err != nil {
		return nil, fmt.Errorf("read what %s supports: %w", p.o.Issuer, err)
	}
	for what, address := range map[string]string{"authorization_endpoint": provider.Endpoint().AuthURL, "token_endpoint": provider.Endpoint().TokenURL, "jwks_uri": more.Keys} {
		if u, err := url.Parse(address); err != nil || !isSafe(u) {
			return nil, fmt.Errorf("%s has the %s %q, which is neither https nor on loopback", p.o.Issuer, what, address)
		}
	}
	return &discovered{
		endpoint: provider.Endpoint(), saysIss: more.SaysIss,
		verifier: provider.VerifierContext(ctx, &coreos.Config{ClientID: p.o.ClientID, SupportedSigningAlgs: algorithms, Now: p.o.Now}),
	}, nil
}

// Try asks the provider for its endpoints now.
func (p *Provider) Try(ctx context.Context) error {
	done := make(chan error, 1)
	go func() {
		_, err := p.ask() //nolint:contextcheck // the client bounds its time
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *Provider) config(d *discovered, callback string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.o.ClientID, ClientSecret: p.o.ClientSecret, Endpoint: d.endpoint, RedirectURL: callback,
		Scopes: append([]string{coreos.ScopeOpenID}, p.o.Scopes...),
	}
}

// Begin returns the address at the provider to which the browser is led. Fails with
// fault.Unavailable.
func (p *Provider) Begin(ctx context.Context, f Flow) (string, error) {
	d, err := p.discover(ctx)
	if err != nil {
		return "", err
	}
	return p.config(d, f.Callback).AuthCodeURL(f.derive("state"), coreos.Nonce(f.derive("nonce")), oauth2.S256ChallengeOption(f.derive("verifier"))), nil
}

// Finish returns who signed in, from the query with which the provider led the browser
// back. Fails with fault.Unauthenticated for what is not the provider's answer to this
// flow, fault.Forbidden for an account that is not admitted, and fault.Unavailable.
func (p *Provider) Finish(ctx context.Context, f Flow, query url.Values) (Account, error) {
	d, err := p.discover(ctx)
	if err != nil {
		return Account{}, err
	}
	if err := p.checkAnswer(d, f, query); err != nil {
		return Account{}, err
	}
	ctx = coreos.ClientContext(ctx, p.client)
	tokens, err := p.config(d, f.Callback).Exchange(ctx, query.Get("code"), oauth2.VerifierOption(f.derive("verifier")))
	if err != nil {
		if refused := (*oauth2.RetrieveError)(nil); errors.As(err, &refused) && refused.Response.StatusCode < http.StatusInternalServerError {
			return Account{}, fault.Wrap(withoutBody(refused), fault.Unauthenticated, "the provider did not take the code of this sign-in, which works once and for a short time: sign in again. If it fails each time, "+
				"an operator looks at identity.oidc.client_id and client_secret")
		}
		return Account{}, unavailable(err)
	}
	raw, _ := tokens.Extra("id_token").(string)
	token, err := d.verifier.Verify(ctx, raw)
	if err != nil && strings.Contains(err.Error(), "fetching keys") { // the library's words; it wraps no error here
		return Account{}, unavailable(err)
	}
	if err != nil {
		return Account{}, fault.Wrap(err, fault.Unauthenticated, "the provider’s answer is not valid for this site: sign in again. If it fails each time, an operator finds the reason in the program’s log")
	}
	if subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(f.derive("nonce"))) != 1 {
		return Account{}, fault.New(fault.Unauthenticated, "the provider’s answer belongs to another sign-in: sign in again")
	}
	return p.account(token)
}

// withoutBody keeps what the provider said at length out of the log.
func withoutBody(err *oauth2.RetrieveError) error {
	return fmt.Errorf("the token endpoint answered %s: %s", err.Response.Status, plainCode(err.ErrorCode))
}

var errorCode = regexp.MustCompile(`^[a-z0-9_.-]{1,60}$`)

// plainCode returns an error code of OAuth, and nothing else that a stranger may have
// put into an address.
func plainCode(code string) string {
	if errorCode.MatchString(code) {
		return code
	}
	return "unknown"
}

func (p *Provider) checkAnswer(d *discovered, f Flow, query url.Values) error {
	if subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(f.derive("state"))) != 1 {
		return fault.New(fault.Unauthenticated, "this answer of the provider belongs to another sign-in, or to another browser: sign in again here")
	}
	if iss, named := query["iss"]; named || d.saysIss { // RFC 9207
		if len(iss) != 1 || iss[0] != p.o.Issuer {
			return fault.New(fault.Unauthenticated, "this answer is of another provider than the one that was asked: sign in again")
		}
	}
	if code := query.Get("error"); code != "" {
		return fault.Newf(fault.Unauthenticated, "the provider did not sign you in (%s): try again, or sign in with your wallet", plainCode(code))
	}
	if query.Get("code") == "" {
		return fault.New(fault.Unauthenticated, "the provider’s answer has no code: sign in again")
	}
	return nil
}

// claims are what is read of an ID token besides what the verifier checks.
type claims struct {
	Party    string `json:"azp"`
	Email    string `json:"email"`
	Verified bool   `json:"email_verified"`
	Name     string `json:"name"`
}

func (p *Provider) account(token *coreos.IDToken) (Account, error) {
	var said claims
	var all map[string]json.RawMessage
	if err := errors.Join(token.Claims(&said), token.Claims(&all)); err != nil {
		return Account{}, fault.Wrap(err, fault.Unauthenticated, "the provider’s answer cannot be read: an operator finds the reason in the program’s log")
	}
	if said.Party != "" && said.Party != p.o.ClientID || said.Party == "" && len(token.Audience) > 1 {
		return Account{}, fault.New(fault.Unauthenticated, "the provider’s answer is for another program than this site: sign in again here")
	}
	if token.Subject == "" || len(token.Subject) > maxSubject {
		return Account{}, fault.New(fault.Unauthenticated, "the provider’s answer does not name the account: sign in again")
	}
	if !said.Verified {
		said.Email = ""
	}
	if len(p.o.Domains) > 0 {
		_, domain, _ := strings.Cut(said.Email, "@")
		if !slices.ContainsFunc(p.o.Domains, func(d string) bool { return strings.EqualFold(d, domain) }) {
			return Account{}, fault.New(fault.Forbidden, "this account is not admitted here: it has no verified e-mail address of the domains in identity.oidc.domains")
		}
	}
	out := Account{Issuer: p.o.Issuer, Subject: token.Subject, Role: p.roleOf(all[p.o.RoleClaim])}
	for _, name := range []string{said.Email, said.Name, token.Subject} {
		if name = plain(name); name != "" {
			out.Name = name
			break
		}
	}
	return out, nil
}

// roleOf returns the highest role that the values of the claim give. A claim is a text
// or a list of texts.
func (p *Provider) roleOf(claim json.RawMessage) identity.Role {
	var list []string
	if json.Unmarshal(claim, &list) != nil {
		var one string
		if json.Unmarshal(claim, &one) != nil {
			return identity.Member
		}
		list = []string{one}
	}
	highest := identity.Member
	for _, value := range list {
		highest = max(highest, p.o.Roles[value])
	}
	return highest
}
