package signin

import (
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

	Keys      *Keys
	Verifier  *identity.Verifier
	RequestID identity.RequestID // nil = problems have no request id
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

// Mount adds the endpoints. The router must use Authenticate before, and
// net/http's CrossOriginProtection, as for every other endpoint.
func (a *API) Mount(r chi.Router) {
	for _, e := range []struct {
		method, path string
		handle       func(http.ResponseWriter, *http.Request) error
	}{
		{http.MethodPost, "/api/v1/identity/nonce", a.nonce},
		{http.MethodPost, "/api/v1/identity/sign-in", a.signIn},
		{http.MethodPost, "/api/v1/identity/sign-out", a.signOut},
		{http.MethodGet, "/api/v1/identity/me", a.me},
		{http.MethodGet, "/api/v1/identity/sessions", a.sessions},
		{http.MethodDelete, "/api/v1/identity/sessions/{id}", a.endSession},
		{http.MethodPut, "/api/v1/identity/roles/{wallet}", a.grant},
	} {
		r.Method(e.method, e.path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "no-store")
			if err := e.handle(w, r); err != nil {
				identity.WriteProblem(w, r, err, a.o.RequestID)
			}
		}))
	}
}

type nonceRequest struct {
	Address wallet.Address `json:"address"`
	ChainID uint64         `json:"chain_id"`
}

type nonceAnswer struct {
	Message string    `json:"message"`
	Nonce   string    `json:"nonce"`
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
	browser := cookie(r, s.browserCookieName())
	if !isSecret(browser) {
		fresh, err := s.NewBrowser()
		if err != nil {
			return err
		}
		browser = fresh
	}
	c, err := s.Begin(r.Context(), browser, in.Address, in.ChainID)
	if err != nil {
		return err
	}
	s.setCookie(w, s.browserCookieName(), browser, nonceLife)
	return answer(w, nonceAnswer(c))
}

type signInRequest struct {
	Message   string `json:"message"`
	Signature string `json:"signature"`
	Token     bool   `json:"token"` // a token for an API client, instead of a session
}

type signInAnswer struct {
	Wallet  wallet.Address `json:"wallet"`
	Role    string         `json:"role"`
	CSRF    string         `json:"csrf,omitempty"`
	Token   string         `json:"token,omitempty"`
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
	signed := SignIn{
		Browser: cookie(r, s.browserCookieName()), Message: in.Message, Signature: signature,
		Agent: r.UserAgent(), Replaces: cookie(r, s.cookieName()),
	}
	if in.Token {
		caller, err := s.Prove(r.Context(), signed)
		if err != nil {
			return err
		}
		made, err := a.o.Keys.mint(r.Context(), caller, a.o.Keys.tokenTTL)
		if err != nil {
			return err
		}
		return answer(w, signInAnswer{Wallet: caller.Wallet, Role: made.Role, Token: made.Token, Expires: made.Expires})
	}
	session, secret, err := s.SignIn(r.Context(), signed)
	if err != nil {
		return err
	}
	s.setCookie(w, s.cookieName(), secret, s.o.Absolute)
	s.setCookie(w, s.browserCookieName(), "", 0)
	return answer(w, signInAnswer{Wallet: session.Wallet, Role: session.Role.String(), CSRF: CSRFToken(session), Expires: session.Expires})
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

type meAnswer struct {
	Wallet  *wallet.Address `json:"wallet,omitempty"`
	Subject string          `json:"subject,omitempty"`
	Role    string          `json:"role"`
	CSRF    string          `json:"csrf,omitempty"`
}

func (a *API) me(w http.ResponseWriter, r *http.Request) error {
	caller := identity.From(r.Context())
	out := meAnswer{Subject: caller.Subject, Role: caller.Role.String()}
	if !caller.Wallet.IsZero() {
		out.Wallet = &caller.Wallet
	}
	if session, ok := SessionFrom(r.Context()); ok {
		out.CSRF = CSRFToken(session)
	}
	return answer(w, out)
}

type sessionsAnswer struct {
	Sessions []sessionAnswer `json:"sessions"`
}

type sessionAnswer struct {
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
	Seen    time.Time `json:"seen"`
	Expires time.Time `json:"expires"`
	Agent   string    `json:"agent"`
	Current bool      `json:"current"` // the one this request came with
}

// sessions lists the caller's own sessions; an operator may ask for ?wallet=.
func (a *API) sessions(w http.ResponseWriter, r *http.Request) error {
	caller := identity.From(r.Context())
	of := caller.Wallet
	if text := r.URL.Query().Get("wallet"); text != "" {
		parsed, err := wallet.Parse(text)
		if err != nil {
			return err
		}
		of = parsed
	}
	list, err := a.o.Sessions.List(r.Context(), caller, of)
	if err != nil {
		return err
	}
	current, _ := SessionFrom(r.Context())
	out := sessionsAnswer{Sessions: make([]sessionAnswer, len(list))}
	for i, s := range list {
		out.Sessions[i] = sessionAnswer{
			ID: s.ID, Created: s.Created, Seen: s.Seen, Expires: s.Expires, Agent: s.Agent, Current: s.ID == current.ID,
		}
	}
	return answer(w, out)
}

func (a *API) endSession(w http.ResponseWriter, r *http.Request) error {
	if err := a.o.Sessions.End(r.Context(), identity.From(r.Context()), chi.URLParam(r, "id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

type grantRequest struct {
	Role string `json:"role"`
}

// grant sets the role of a wallet. It is for operators.
func (a *API) grant(w http.ResponseWriter, r *http.Request) error {
	var in grantRequest
	if err := read(w, r, &in); err != nil {
		return err
	}
	to, err := wallet.Parse(chi.URLParam(r, "wallet"))
	if err != nil {
		return err
	}
	role, err := identity.ParseRole(in.Role)
	if err != nil {
		return err
	}
	if err := a.o.Sessions.Grant(r.Context(), identity.From(r.Context()), to, role); err != nil {
		return err
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
