package signin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/securitylog"
	"banyan/platform/identity/signin/siwe"
	"banyan/platform/wallet"
)

// maxBody bounds a sign-in: a message and a smart wallet's signature in hex.
const maxBody = 64 << 10

// APIOptions are what an API needs.
type APIOptions struct {
	Sessions *Sessions
	// Operators are the sessions of the operators' own host, for requests of which
	// IsOperators is true; nil = there is no such host. Both use one database.
	Operators   *Sessions
	IsOperators func(*http.Request) bool

	// IsNamed reports whether a request came by the name of a host[:port]; nil = all
	// did.
	IsNamed func(r *http.Request, host string) bool

	Tokens    *Tokens
	Events    *securitylog.Log
	Verifier  *identity.Verifier
	RequestID identity.RequestID // nil = problems have no request id
	// Network returns the network of a request's client, whose sessions are
	// bounded; nil = they are not.
	Network func(context.Context) string
}

// API is the HTTP API of identity in the trunk: the middleware that identifies the
// caller, and the endpoints to sign in and out.
type API struct{ o APIOptions }

// NewAPI returns the API of these options.
func NewAPI(o APIOptions) *API { return &API{o: o} }

// sessionsAt returns the sessions of the host that a request is for.
func (a *API) sessionsAt(r *http.Request) *Sessions {
	if a.o.Operators != nil && a.o.IsOperators(r) {
		return a.o.Operators
	}
	return a.o.Sessions
}

// who may call an endpoint.
type who uint8

const (
	everybody who = iota
	signedIn      // a wallet or an API client
	operators     // likewise, with this role
	inSession     // an operator in a session: a token must not give rights to others, or to its own wallet
)

// endpoint is one of the API. Its access is checked before it is called, and again by
// what it calls, which knows whose session or token it is about.
type endpoint struct {
	method, path string
	who          who
	handle       func(*API, http.ResponseWriter, *http.Request) error
	about        about // for the document
}

func endpoints() []endpoint {
	return []endpoint{
		{http.MethodPost, noncePath, everybody, (*API).nonce, about{"nonce", "Get a sign-in message (EIP-4361) to sign with personal_sign", of[nonceRequest](), of[nonceAnswer](), nil}},
		{http.MethodPost, signInPath, everybody, (*API).signIn, about{"signIn", "Sign in with the signed message, from the browser that asked for it", of[signInRequest](), of[signInAnswer](), nil}},
		{http.MethodPost, base + "/sign-out", everybody, (*API).signOut, about{"signOut", "End this session", nil, nil, nil}},
		{http.MethodPost, base + "/sign-out-everywhere", signedIn, (*API).signOutEverywhere, about{"signOutEverywhere", "End all my sessions and tokens; an operator anyone's", nil, of[Ended](), queries("wallet")}},
		{http.MethodGet, base + "/me", everybody, (*API).me, about{"me", "Who am I", nil, of[meAnswer](), nil}},
		{http.MethodGet, base + "/sessions", signedIn, (*API).sessions, about{"sessions", "My sessions; an operator sees anyone's", nil, of[sessionsAnswer](), queries("wallet")}},
		{http.MethodDelete, base + "/sessions/{id}", signedIn, (*API).endSession, about{"endSession", "End one of my sessions; an operator any", nil, nil, nil}},
		{http.MethodGet, base + "/tokens", signedIn, (*API).tokens, about{"tokens", "My tokens for the API; an operator sees anyone's", nil, of[tokensAnswer](), queries("wallet", "of", "ended", "cursor", "limit")}},
		{http.MethodPost, base + "/tokens", inSession, (*API).createToken, about{"createToken", "Make a token for a program; for operators who are signed in, not for tokens", of[tokenCreation](), of[TokenMade](), nil}},
		{http.MethodDelete, base + "/tokens/{id}", signedIn, (*API).endToken, about{"endToken", "End one of my tokens; an operator any", nil, nil, nil}},
		{http.MethodGet, base + "/users", operators, (*API).users, about{"users", "Wallets with a session, a token or a role; for operators", nil, of[usersAnswer](), queries("wallet", "cursor", "limit")}},
		{http.MethodGet, base + "/roles", operators, (*API).roles, about{"roles", "Wallets that may do more than every wallet; for operators", nil, of[rolesAnswer](), nil}},
		{http.MethodPut, base + "/roles/{wallet}", inSession, (*API).grant, about{"grant", "Give a wallet a role; for operators who are signed in, not for tokens", of[grantRequest](), nil, nil}},
		{http.MethodGet, base + "/security-log", operators, (*API).securityLog, about{"securityLog", "Sign-ins, roles, tokens, keys and operators' actions, newest first; for operators", nil, of[logAnswer](), queries("what", "who", "cursor", "limit")}},
	}
}

const (
	module     = "identity" // in scopes
	base       = "/api/v1/" + module
	noncePath  = base + "/nonce"
	signInPath = base + "/sign-in"
)

// admit checks a caller before an endpoint is called.
func (e endpoint) admit(r *http.Request) error {
	caller := identity.From(r.Context())
	if err := caller.Scope.Admit(module, e.method != http.MethodGet); err != nil {
		return err
	}
	if e.who == everybody {
		return nil
	}
	if caller.IsAnonymous() {
		return fault.New(fault.Unauthenticated, "this needs a sign-in: sign in with your wallet, or send a token in the Authorization header")
	}
	session, inside := SessionFrom(r.Context())
	if e.who >= operators && caller.Role < identity.Operator {
		if session.Full >= identity.Operator {
			return fault.New(fault.Forbidden, "this needs your second factor, which was not given in this session: open /second-factor")
		}
		return fault.New(fault.Forbidden, "this needs the role operator: ask an operator of this site")
	}
	if e.who == inSession && !inside {
		return fault.New(fault.Forbidden, "roles are changed, and tokens are made, by an operator who is signed in, or on the command line with `banyan role set` and `banyan token create`, and not with a token")
	}
	return nil
}

// Mount adds the endpoints. The router must use Authenticate before, and
// net/http's CrossOriginProtection, as for every other endpoint.
func (a *API) Mount(r chi.Router) {
	for _, e := range endpoints() {
		r.Method(e.method, e.path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "no-store")
			err := e.admit(r)
			if err == nil {
				err = e.handle(a, w, r)
			}
			if err != nil {
				identity.WriteProblem(w, r, err, a.o.RequestID)
			}
		}))
	}
}

// checkAddress refuses a sign-in at another address than that in its message: a
// wallet warns of such a message, and the session's cookie would not be sent to
// the site's own address. A browser names its address in Origin; of others the
// Host header is what is known, without a port if a proxy left it out.
func (a *API) checkAddress(s *Sessions, r *http.Request) error {
	at, known := r.Header.Get("Origin"), false
	if at != "" {
		known = strings.EqualFold(at, s.o.Origin)
	} else {
		at, known = r.Host, a.o.IsNamed == nil || a.o.IsNamed(r, s.domain)
	}
	if known {
		return nil
	}
	site := s.o.Origin + s.o.Path
	return fault.Newf(fault.Misdirected, "this request is from %s, and this site is known as %s: open it at %s to sign in, because wallets refuse to sign in at another address. "+
		"If people are to use this address, the setting public_url must name it", strings.ToValidUTF8(at, "?"), site, site)
}

type nonceRequest struct {
	Address wallet.Address `json:"address"`
	ChainID uint64         `json:"chain_id"`
}

type nonceAnswer struct {
	Message string    `json:"message" about:"sign exactly this"`
	Nonce   string    `json:"nonce" about:"in the message"`
	Expires time.Time `json:"expires"`
}

// nonce makes a sign-in message and binds it to the browser by a short-lived
// cookie. API clients must keep the cookie between the two calls, as a browser does.
func (a *API) nonce(w http.ResponseWriter, r *http.Request) error {
	var in nonceRequest
	if err := read(w, r, &in); err != nil {
		return err
	}
	s := a.sessionsAt(r)
	if err := a.checkAddress(s, r); err != nil {
		return err
	}
	browser := cookie(r, s.browserCookieName())
	if !isSecret(browser) {
		fresh, err := s.NewBrowser()
		if err != nil {
			return err
		}
		browser = fresh
	}
	c, err := s.Begin(browser, in.Address, in.ChainID)
	if err != nil {
		return err
	}
	s.setCookie(w, s.browserCookieName(), browser, nonceLife)
	return answer(w, nonceAnswer(c))
}

type signInRequest struct {
	Message   string   `json:"message" about:"as it was given"`
	Signature string   `json:"signature" about:"0x and hex"`
	Token     bool     `json:"token,omitempty" about:"true returns a token for the API instead of starting a session"`
	Subject   string   `json:"subject,omitempty" about:"of the token: what will have it"`
	Scope     []string `json:"scope,omitempty" about:"of the token: what it is for; none is the whole API"`
	Code      string   `json:"code,omitempty" about:"of the second factor; a token without it is for a member at most where the wallet needs one"`
}

type signInAnswer struct {
	Wallet  wallet.Address `json:"wallet"`
	Role    string         `json:"role"`
	Factor  string         `json:"second_factor,omitempty" about:"given, needed or not set up; the last two keep the role at member"`
	CSRF    string         `json:"csrf,omitempty" about:"of the session: for forms, and for the header X-CSRF-Token"`
	Token   string         `json:"token,omitempty" about:"for the Authorization header"`
	TokenID string         `json:"token_id,omitempty" about:"to end the token by"`
	Expires time.Time      `json:"expires"`
}

func (a *API) signIn(w http.ResponseWriter, r *http.Request) error {
	var in signInRequest
	if err := read(w, r, &in); err != nil {
		return err
	}
	signature, err := siwe.ParseSignature(in.Signature)
	if err != nil {
		return err
	}
	s := a.sessionsAt(r)
	if err := a.checkAddress(s, r); err != nil {
		return err
	}
	signed := SignIn{
		Browser: cookie(r, s.browserCookieName()), Message: in.Message, Signature: signature,
		Agent: r.UserAgent(), Replaces: cookie(r, s.cookieName()),
	}
	if a.o.Network != nil {
		signed.Network = a.o.Network(r.Context())
	}
	if in.Token {
		return a.signInForToken(w, r, s, signed, in)
	}
	if in.Subject != "" || len(in.Scope) > 0 || in.Code != "" {
		return fault.New(fault.Invalid, "subject, scope and code are of a token: send token: true with them")
	}
	session, secret, err := s.SignIn(r.Context(), signed)
	if err != nil {
		return err
	}
	s.setCookie(w, s.cookieName(), secret, s.o.Absolute)
	s.setCookie(w, s.browserCookieName(), "", 0)
	return answer(w, signInAnswer{Wallet: session.Wallet, Role: session.Role.String(), Factor: session.Factor.String(), CSRF: CSRFToken(session), Expires: session.Expires})
}

// signInForToken answers with a token that has the wallet's role of each moment, as
// far as sessions of this host have it.
func (a *API) signInForToken(w http.ResponseWriter, r *http.Request, s *Sessions, signed SignIn, in signInRequest) error {
	scope, err := identity.ParseScope(in.Scope...)
	if err != nil {
		return err
	}
	ask := TokenRequest{Subject: in.Subject, Role: s.bounded(identity.Operator), Scope: scope, TTL: a.o.Tokens.ttl}
	ask.Wallet = wallet.Address{1} // the text's own is known when the signature is
	if err := ask.check(); err != nil {
		return err // before the message is used up
	}
	if ask.Wallet, err = s.Prove(r.Context(), signed); err != nil {
		return err
	}
	state, err := s.boundByFactor(r.Context(), &ask, in.Code)
	if err != nil {
		return err
	}
	made, err := a.o.Tokens.Create(r.Context(), ask)
	if err != nil {
		return err
	}
	role, err := s.RoleOf(r.Context(), ask.Wallet)
	if err != nil {
		return err
	}
	if role <= identity.Member && state == FactorMissing {
		state = FactorNone // there is nothing that it withholds now
	}
	return answer(w, signInAnswer{Wallet: ask.Wallet, Role: min(role, ask.Role).String(), Factor: state.String(), Token: made.Token, TokenID: made.ID, Expires: made.Expires})
}

// boundByFactor keeps a token that was asked for with a signature alone at member,
// where a session of its wallet would be: who has the wallet's key alone must not get
// by a token what needs the second factor.
func (s *Sessions) boundByFactor(ctx context.Context, ask *TokenRequest, code string) (Factor, error) {
	if code != "" {
		return FactorGiven, s.ProveSecondFactor(ctx, ask.Wallet, code, "a token")
	}
	row, err := s.secondFactorOf(ctx, s.db.Read(), ask.Wallet)
	if err != nil {
		return FactorNone, err
	}
	state := s.factorOf(sessionRow{HasFactor: row.ConfirmedAt > 0}, identity.Operator)
	if state != FactorNone {
		ask.Role = min(ask.Role, identity.Member)
	}
	return state, nil
}

func (a *API) signOut(w http.ResponseWriter, r *http.Request) error {
	s := a.sessionsAt(r)
	if secret := cookie(r, s.cookieName()); secret != "" {
		if err := s.SignOut(r.Context(), secret); err != nil {
			return err
		}
		s.clearSession(w)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// read decodes a body of one JSON object with nothing after it. The media type is
// required because a form of another site cannot send it.
func read(w http.ResponseWriter, r *http.Request, into any) error {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return fault.New(fault.Unsupported, "send JSON, with the header Content-Type: application/json")
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		_, err = d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		err = errors.New("there is more after the JSON object")
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return fault.Newf(fault.TooLarge, "this body is longer than %d bytes, which is more than a sign-in needs: check what is sent", tooLarge.Limit)
	}
	if own := (*fault.Fault)(nil); errors.As(err, &own) { // an invalid address
		return own
	}
	return fault.Wrap(err, fault.Invalid, "this body is not the JSON object that this endpoint takes (see /api/openapi.json): "+strings.TrimPrefix(err.Error(), "json: "))
}

func answer(w http.ResponseWriter, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(body, '\n')) // the client may have disconnected
	return nil
}
