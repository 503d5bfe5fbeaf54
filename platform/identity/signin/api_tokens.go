package signin

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/securitylog"
	"banyan/platform/wallet"
)

type tokensAnswer struct {
	Tokens []Token `json:"tokens"`
	Next   string  `json:"next,omitempty"` // ?cursor= of the next page; "" = that was all
}

// tokens lists the caller's own tokens; an operator may ask for ?wallet= or
// ?of=everybody. ?ended=true lists also those that expired or were ended.
func (a *API) tokens(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	of, err := walletOf(r)
	if err != nil {
		return err
	}
	switch all := query.Get("of"); {
	case all == "everybody":
		of = wallet.Address{}
	case all != "":
		return fault.Newf(fault.Invalid, "of is everybody or is left out, not %q", all)
	case of.IsZero() && identity.From(r.Context()).Role < identity.Operator:
		return answer(w, tokensAnswer{Tokens: []Token{}}) // a client without a wallet has none of its own
	}
	q := TokenQuery{Wallet: of, Cursor: query.Get("cursor")}
	if q.Ended, err = boolOf(query, "ended"); err != nil {
		return err
	}
	if q.Limit, err = limitOf(query); err != nil {
		return err
	}
	list, next, err := a.o.Tokens.List(r.Context(), q)
	if err != nil {
		return err
	}
	return answer(w, tokensAnswer{Tokens: list, Next: next})
}

type tokenCreation struct {
	Subject string         `json:"subject,omitempty" about:"who or what will hold it; may be empty with a wallet"`
	Wallet  wallet.Address `json:"wallet,omitzero" about:"EIP-55; whose role counts"`
	Role    string         `json:"role" about:"the most it may do"`
	Scope   []string       `json:"scope,omitempty" about:"none is the whole API"`
	Seconds int64          `json:"ttl_seconds,omitempty" about:"at most 7776000; 0 is the setting identity.token_ttl"`
}

// createToken makes a token for a program. It is for operators in a session.
func (a *API) createToken(w http.ResponseWriter, r *http.Request) error {
	var in tokenCreation
	if err := read(w, r, &in); err != nil {
		return err
	}
	role, err := identity.ParseRole(in.Role)
	if err != nil {
		return err
	}
	scope, err := identity.ParseScope(in.Scope...)
	if err != nil {
		return err
	}
	if in.Seconds < 0 || in.Seconds > int64(maxTokenTTL/time.Second) {
		return fault.New(fault.Invalid, "a token is valid for at most 90 days").With(fault.Field{Name: "ttl_seconds", Message: "is from 1 to 7776000, or 0 for the default"})
	}
	made, err := a.o.Tokens.Create(r.Context(), TokenRequest{Subject: in.Subject, Wallet: in.Wallet, Role: role, Scope: scope, TTL: time.Duration(in.Seconds) * time.Second})
	if err != nil {
		return err
	}
	return answer(w, made)
}

type usersAnswer struct {
	Users []User `json:"users"`
	Next  string `json:"next,omitempty"` // ?cursor= of the next page; "" = that was all
}

// users lists wallets with a session, a token or a role. It is for operators.
func (a *API) users(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	q := UserQuery{Cursor: query.Get("cursor")}
	var err error
	if text := query.Get("wallet"); text != "" {
		if q.Wallet, err = wallet.Parse(text); err != nil {
			return err
		}
	}
	if q.Limit, err = limitOf(query); err != nil {
		return err
	}
	list, next, err := a.o.Sessions.Users(r.Context(), identity.From(r.Context()), q)
	if err != nil {
		return err
	}
	return answer(w, usersAnswer{list, next})
}

func boolOf(query url.Values, name string) (bool, error) {
	text := query.Get(name)
	if text == "" {
		return false, nil
	}
	value, err := strconv.ParseBool(text)
	if err != nil {
		return false, fault.Newf(fault.Invalid, "%s is true or false, not %q", name, text)
	}
	return value, nil
}

func limitOf(query url.Values) (int, error) {
	text := query.Get("limit")
	if text == "" {
		return 0, nil
	}
	limit, err := strconv.Atoi(text)
	if err != nil {
		return 0, fault.Newf(fault.Invalid, "limit is a number, not %q", text)
	}
	return limit, nil
}

func (a *API) endToken(w http.ResponseWriter, r *http.Request) error {
	if err := a.o.Tokens.Revoke(r.Context(), chi.URLParam(r, "id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// signOutEverywhere ends the sessions and tokens of the caller's wallet, also the one
// of this request; an operator may name ?wallet=.
func (a *API) signOutEverywhere(w http.ResponseWriter, r *http.Request) error {
	of, err := walletOf(r)
	if err != nil {
		return err
	}
	done, err := a.o.Tokens.EndAll(r.Context(), of)
	if err != nil {
		return err
	}
	if session, inside := SessionFrom(r.Context()); inside && session.Wallet == of {
		a.sessionsAt(r).clearSession(w)
	}
	return answer(w, done)
}

type rolesAnswer struct {
	Roles []WalletRole `json:"roles"`
}

func (a *API) roles(w http.ResponseWriter, r *http.Request) error {
	list, err := a.o.Sessions.Roles(r.Context())
	if err != nil {
		return err
	}
	return answer(w, rolesAnswer{list})
}

type logAnswer struct {
	Entries []securitylog.Entry `json:"entries"`
	Next    string              `json:"next,omitempty"` // ?cursor= of the next page; "" = that was all
}

func (a *API) securityLog(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	limit, err := limitOf(query)
	if err != nil {
		return err
	}
	q := securitylog.Query{What: query.Get("what"), Who: query.Get("who"), Cursor: query.Get("cursor"), Limit: limit}
	entries, next, err := a.o.Events.List(r.Context(), q)
	if err != nil {
		return err
	}
	return answer(w, logAnswer{Entries: entries, Next: next})
}
