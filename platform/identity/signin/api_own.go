package signin

import (
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/platform/identity"
	"banyan/platform/wallet"
)

type meAnswer struct {
	Wallet  *wallet.Address `json:"wallet,omitempty"`
	Subject string          `json:"subject,omitempty"`
	Role    string          `json:"role" about:"anonymous, member, moderator or operator"`
	Scope   []string        `json:"scope,omitempty" about:"of the token; none is everything"`
	Factor  string          `json:"second_factor,omitempty" about:"of this session: given, needed or not set up; the last two keep the role at member"`
	CSRF    string          `json:"csrf,omitempty" about:"of this session: for forms, and for the header X-CSRF-Token of API calls with its cookie"`
}

func (a *API) me(w http.ResponseWriter, r *http.Request) error {
	caller := identity.From(r.Context())
	out := meAnswer{Subject: caller.Subject, Role: caller.Role.String(), Scope: caller.Scope.Names()}
	if !caller.Wallet.IsZero() {
		out.Wallet = &caller.Wallet
	}
	if session, ok := SessionFrom(r.Context()); ok {
		out.CSRF, out.Factor = CSRFToken(session), session.Factor.String()
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
	Current bool      `json:"current" about:"the one this request came with"`
}

// sessions lists the caller's own sessions; an operator may ask for ?wallet=.
func (a *API) sessions(w http.ResponseWriter, r *http.Request) error {
	caller := identity.From(r.Context())
	of, err := walletOf(r)
	if err != nil {
		return err
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

// walletOf returns the wallet that a request is about: the one in ?wallet=, or the
// caller's own.
func walletOf(r *http.Request) (wallet.Address, error) {
	if text := r.URL.Query().Get("wallet"); text != "" {
		return wallet.Parse(text)
	}
	return identity.From(r.Context()).Wallet, nil
}

func (a *API) endSession(w http.ResponseWriter, r *http.Request) error {
	if err := a.o.Sessions.End(r.Context(), identity.From(r.Context()), chi.URLParam(r, "id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

type grantRequest struct {
	Role string `json:"role" about:"member, moderator or operator"`
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
	a.o.Tokens.forget()
	w.WriteHeader(http.StatusNoContent)
	return nil
}
