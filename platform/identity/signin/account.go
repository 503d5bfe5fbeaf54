package signin

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/securitylog"
	"banyan/platform/identity/signin/oidc"
	"banyan/platform/wallet"
)

// Staff may sign in with an account at an OpenID Connect provider. Everything here is
// of a wallet: callers, roles, sessions, what is signed and what is logged. So an
// account is not a person of its own but another way to a session of a wallet, which
// who holds the wallet has linked it to:
//
//	provider ──account──▶ linked? ──yes──▶ session of its wallet, for at most identity.oidc.max_age
//	                         └──no──▶ sign in with the wallet, then confirm the link
//
// Such a session does what its role may do. What is signed still needs the wallet. Its
// role is the wallet's, or what the provider's claim gives, whichever is higher: the
// latter is read at the sign-in, is stored with the session alone, and ends with it.
// The second factor is asked for as in every session.
//
// What belongs to a sign-in that is under way stands in a cookie with a MAC by the
// keys of the database, so any process may finish it; its state is used once.
const (
	// CallbackPath is the page to which the provider leads a browser back.
	CallbackPath = "/sign-in/provider/return"

	accountsKept = 5
	maxNext      = 1000 // bytes of the page to come back to
	flowKind     = "oidc flow"
	linkKind     = "oidc link"
)

// flowCookie is what a browser keeps while it is at the provider.
type flowCookie struct {
	Secret  string `json:"s"`
	Next    string `json:"n"`
	Expires int64  `json:"e"` // UTC milliseconds
}

// linkCookie is an account that is not linked, until somebody confirms that it is to be.
type linkCookie struct {
	Account oidc.Account `json:"a"`
	Expires int64        `json:"e"`
}

func (s *Sessions) flowCookieName() string { return s.named("banyan-provider") }
func (s *Sessions) linkCookieName() string { return s.named("banyan-link") }

// proven returns a cookie's value that only this site can make, for what kind it is.
func (s *Sessions) proven(kind string, what any) (string, error) {
	body, err := json.Marshal(what)
	if err != nil {
		return "", fmt.Errorf("write a cookie: %w", err)
	}
	text := base64.RawURLEncoding.EncodeToString(body)
	return text + "." + s.keys.prove(s.hashed(kind), text), nil
}

// read reads a value of proven; false for any other.
func (s *Sessions) read(ctx context.Context, kind, value string, into any) (bool, error) {
	text, proof, _ := strings.Cut(value, ".")
	if text == "" || len(value) > 4096 {
		return false, nil
	}
	ours, err := s.keys.proves(ctx, s.hashed(kind), text, proof)
	if err != nil || !ours {
		return false, err
	}
	body, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return false, nil //nolint:nilerr // it is none of ours
	}
	return json.Unmarshal(body, into) == nil, nil
}

// Accounts are the ways of a browser to the provider and back.
type Accounts struct{ api *API }

// Accounts returns nil where there is no provider.
func (a *API) Accounts() *Accounts {
	if a.o.Sessions.o.Provider == nil && (a.o.Operators == nil || a.o.Operators.o.Provider == nil) {
		return nil
	}
	return &Accounts{a}
}

// At reports whether staff may sign in at the host that a request is for.
func (a *Accounts) At(r *http.Request) bool { return a.api.sessionsAt(r).o.Provider != nil }

func (a *Accounts) at(r *http.Request) (*Sessions, error) {
	s := a.api.sessionsAt(r)
	if s.o.Provider == nil {
		return nil, fault.New(fault.NotFound, "nobody signs in at a provider here: sign in with your wallet")
	}
	return s, a.api.checkAddress(s, r)
}

// Lead leads a browser to the provider; next is the page to come back to. Fails with
// fault.Unavailable.
func (a *Accounts) Lead(w http.ResponseWriter, r *http.Request, next string) error {
	s, err := a.at(r)
	if err != nil {
		return err
	}
	if len(next) > maxNext {
		next = "/"
	}
	secret, err := s.newSecret()
	if err != nil {
		return err
	}
	address, err := s.o.Provider.Begin(r.Context(), oidc.Flow{Secret: secret, Callback: s.o.Callback})
	if err != nil {
		return err
	}
	value, err := s.proven(flowKind, flowCookie{Secret: secret, Next: next, Expires: s.o.Now().Add(nonceLife).UnixMilli()})
	if err != nil {
		return err
	}
	s.setCookie(w, s.flowCookieName(), value, nonceLife)
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, address, http.StatusSeeOther)
	return nil
}

// Return takes a browser back from the provider. It starts a session and returns the
// page to go to, or linked false for an account that is not linked yet, which the
// browser then carries for ten minutes. Fails with fault.Unauthenticated,
// fault.Forbidden, fault.Conflict for an answer that was used before, and
// fault.Unavailable.
func (a *Accounts) Return(w http.ResponseWriter, r *http.Request) (next string, linked bool, err error) {
	s, err := a.at(r)
	if err != nil {
		return "", false, err
	}
	var flow flowCookie
	known, err := s.read(r.Context(), flowKind, cookie(r, s.flowCookieName()), &flow)
	if err != nil {
		return "", false, err
	}
	s.setCookie(w, s.flowCookieName(), "", 0)
	if !known || s.o.Now().UnixMilli() >= flow.Expires {
		return "", false, s.refusedAccount(r.Context(), "", fault.New(fault.Unauthenticated, "this sign-in was begun in another browser, or more than ten minutes ago: sign in again here (and allow cookies)"))
	}
	secrets := oidc.Flow{Secret: flow.Secret, Callback: s.o.Callback}
	account, err := s.o.Provider.Finish(r.Context(), secrets, r.URL.Query())
	if err != nil {
		return "", false, s.refusedAccount(r.Context(), "", err)
	}
	in := SignIn{Agent: r.UserAgent(), Replaces: cookie(r, s.cookieName())}
	if a.api.o.Network != nil {
		in.Network = a.api.o.Network(r.Context())
	}
	session, secret, err := s.signInBy(r.Context(), account, secrets.State(), flow.Expires, in)
	if err != nil {
		return "", false, s.refusedAccount(r.Context(), account.Name, err)
	}
	if secret == "" {
		return flow.Next, false, s.carry(w, account)
	}
	s.setCookie(w, s.cookieName(), secret, session.Expires.Sub(s.o.Now()))
	return flow.Next, true, nil
}

// carry has the browser carry an account to the page where its link is confirmed.
func (s *Sessions) carry(w http.ResponseWriter, account oidc.Account) error {
	value, err := s.proven(linkKind, linkCookie{Account: account, Expires: s.o.Now().Add(nonceLife).UnixMilli()})
	if err == nil {
		s.setCookie(w, s.linkCookieName(), value, nonceLife)
	}
	return err
}

func (s *Sessions) refusedAccount(ctx context.Context, name string, err error) error {
	switch f := fault.From(err); f.Code {
	case fault.Unauthenticated, fault.Forbidden, fault.Conflict:
		s.o.Events.Refused(ctx, securitylog.Event{What: securitylog.SignedIn, Whom: strings.TrimSpace("at the provider " + name), Detail: f.Message})
	}
	return err
}

// signInBy starts a session of the wallet that an account is linked to; without a link
// the secret is "". The state is used up in any case.
func (s *Sessions) signInBy(ctx context.Context, account oidc.Account, state string, expires int64, in SignIn) (Session, string, error) {
	row, secret, err := s.newRow(in)
	if err != nil {
		return Session{}, "", err
	}
	now := s.o.Now()
	row.Provider, row.ExpiresAt = account.Role.String(), now.Add(min(s.o.Absolute, s.o.ProviderAge)).UnixMilli()
	linked := false
	err = s.db.Write(ctx, func(tx *database.Tx) error {
		linked = false
		added, err := useNonce(ctx, tx, state, expires+clockGap.Milliseconds())
		if err != nil {
			return err
		}
		if added == 0 {
			return fault.New(fault.Conflict, "this answer of the provider was used already: sign in again")
		}
		link, err := readAccount(ctx, tx, account.Issuer, account.Subject)
		if database.IsNoRows(err) {
			return nil
		}
		if err != nil {
			return err
		}
		linked, row.Wallet = true, link.Wallet
		if err := useAccount(ctx, tx, account.Issuer, account.Subject, account.Name, now.UnixMilli()); err != nil {
			return err
		}
		if in.Replaces != "" {
			if _, err := deleteSessionBySecret(ctx, tx, s.hashed(in.Replaces)); err != nil {
				return err
			}
		}
		if err := s.insert(ctx, tx, row); err != nil {
			return err
		}
		return s.o.Events.Record(ctx, tx, securitylog.Event{
			What: securitylog.SignedIn, Who: row.Wallet.String(), Whom: row.ID, Detail: "at the provider, as " + account.Name + ", with its role " + account.Role.String(),
		})
	})
	if err != nil || !linked {
		return Session{}, "", wrapped(err, "sign in at the provider")
	}
	out, err := s.Lookup(ctx, secret)
	return out, secret, err
}

func wrapped(err error, what string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// Carried returns the account that a browser carries to be linked.
func (a *Accounts) Carried(r *http.Request) (oidc.Account, bool, error) {
	s, err := a.at(r)
	if err != nil {
		return oidc.Account{}, false, err
	}
	var carried linkCookie
	known, err := s.read(r.Context(), linkKind, cookie(r, s.linkCookieName()), &carried)
	return carried.Account, known && s.o.Now().UnixMilli() < carried.Expires, err
}

// Link links the account that the browser carries to the wallet of its session. The
// form of it must have been checked by CheckCSRF.
func (a *Accounts) Link(w http.ResponseWriter, r *http.Request) (oidc.Account, error) {
	s, err := a.at(r)
	if err != nil {
		return oidc.Account{}, err
	}
	account, carried, err := a.Carried(r)
	if err != nil {
		return account, err
	}
	session, inside := SessionFrom(r.Context())
	switch {
	case !inside:
		return account, fault.New(fault.Unauthenticated, "sign in with your wallet to link an account to it")
	case !carried:
		return account, fault.New(fault.Conflict, "there is no account to link, or it was ten minutes ago: sign in at the provider again")
	}
	if err := s.link(r.Context(), session, account); err != nil {
		return account, err
	}
	s.setCookie(w, s.linkCookieName(), "", 0)
	return account, nil
}

func (s *Sessions) link(ctx context.Context, in Session, account oidc.Account) error {
	switch {
	case in.ByProvider:
		return fault.New(fault.Forbidden, "an account is linked by who has signed in with the wallet: sign out, sign in with the wallet, and link it then")
	case in.Role < in.Full:
		return fault.New(fault.Forbidden, "this needs your second factor, which was not given in this session: open /second-factor")
	case max(in.Full, s.bounded(account.Role)) <= identity.Member:
		return fault.New(fault.Forbidden, "accounts are for moderators and operators: ask an operator of this site for a role first")
	}
	err := s.db.Write(ctx, func(tx *database.Tx) error {
		if err := tx.Lock(ctx, "linked accounts"); err != nil {
			return err
		}
		before, err := readAccount(ctx, tx, account.Issuer, account.Subject)
		switch {
		case err == nil && before.Wallet == in.Wallet:
			return nil
		case err == nil:
			return fault.Newf(fault.Conflict, "this account is linked to %s: unlink it there first", before.Wallet.Short())
		case !database.IsNoRows(err):
			return err
		}
		all, err := readAccounts(ctx, tx, in.Wallet, accountsKept)
		if err != nil {
			return err
		}
		if len(all) >= accountsKept {
			return fault.Newf(fault.Conflict, "a wallet has at most %d accounts: unlink one first", accountsKept)
		}
		row := accountRow{Issuer: account.Issuer, Subject: account.Subject, Wallet: in.Wallet, Name: account.Name, LinkedAt: s.o.Now().UnixMilli()}
		if err := insertAccount(ctx, tx, row); err != nil {
			return err
		}
		return s.o.Events.Record(ctx, tx, securitylog.Event{What: securitylog.AccountLinked, Who: in.Wallet.String(), Whom: account.Name, Detail: account.Issuer + " " + account.Subject})
	})
	return wrapped(err, "link an account")
}

// LinkedAccount is an account that signs a wallet in.
type LinkedAccount struct {
	Issuer  string
	Subject string
	Name    string
	Linked  time.Time
	Used    *time.Time // nil = never
}

// LinkedAccounts returns the accounts of a wallet, the oldest first.
func (s *Sessions) LinkedAccounts(ctx context.Context, by identity.Caller, w wallet.Address) ([]LinkedAccount, error) {
	if err := mayManage(by, w); err != nil {
		return nil, err
	}
	rows, err := readAccounts(ctx, s.db.Read(), w, accountsKept)
	if err != nil {
		return nil, fmt.Errorf("list linked accounts: %w", err)
	}
	list := make([]LinkedAccount, len(rows))
	for i, r := range rows {
		list[i] = LinkedAccount{Issuer: r.Issuer, Subject: r.Subject, Name: r.Name, Linked: time.UnixMilli(r.LinkedAt).UTC()}
		if r.UsedAt > 0 {
			list[i].Used = timeOf(&r.UsedAt)
		}
	}
	return list, nil
}

// UnlinkAccount ends a link, and the wallet's sessions that were begun at a provider. A
// wallet does it for itself, an operator for anyone. Fails with fault.NotFound.
func (s *Sessions) UnlinkAccount(ctx context.Context, by identity.Caller, w wallet.Address, issuer, subject string) error {
	if err := mayManage(by, w); err != nil {
		return err
	}
	err := s.db.Write(ctx, func(tx *database.Tx) error {
		deleted, err := deleteAccount(ctx, tx, w, issuer, subject)
		if err != nil {
			return err
		}
		if deleted == 0 {
			return fault.New(fault.NotFound, "this account is not linked to this wallet: load the page again")
		}
		if _, err := deleteProviderSessions(ctx, tx, w); err != nil {
			return err
		}
		return s.o.Events.Record(ctx, tx, securitylog.Event{What: securitylog.AccountUnlinked, Who: by.Name(), Whom: w.String(), Detail: issuer + " " + subject})
	})
	return wrapped(err, "unlink an account")
}
