package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/securitylog"
	"banyan/platform/identity/signin"
	"banyan/platform/wallet"
	"banyan/web/ui"
)

// Tokens is what the pages need of signin.Tokens.
type Tokens interface {
	List(ctx context.Context, q signin.TokenQuery) ([]signin.Token, string, error)
	Revoke(ctx context.Context, id string) error
	Create(ctx context.Context, r signin.TokenRequest) (signin.TokenMade, error)
	EndAll(ctx context.Context, w wallet.Address) (signin.Ended, error)
}

// SecurityLog is what the pages need of securitylog.Log.
type SecurityLog interface {
	List(ctx context.Context, q securitylog.Query) ([]securitylog.Entry, string, error)
}

// forOperator sends who has not signed in to the sign-in, and refuses others than
// operators.
func (w *Web) forOperator(page ui.Handler) http.HandlerFunc { return w.ui.ForOperators(page) }

// asOperator is a form of an operator who is signed in: a token of the API must not
// give rights, by a page neither.
func (w *Web) asOperator(form ui.Handler) http.HandlerFunc {
	return w.ui.Form(func(rw http.ResponseWriter, r *http.Request) error {
		if err := ui.OnlyOperators(r); err != nil {
			return err
		}
		if !ui.ViewerOf(r).SignedIn {
			return fault.New(fault.Forbidden, "this form is for operators who are signed in, and not for tokens")
		}
		return form(rw, r)
	})
}

type logData struct {
	What, Who string
	Entries   []logLine
	Pager     ui.Pager
}

// logLine is an entry with what its template needs.
type logLine struct{ securitylog.Entry }

// AtMS is the entry's time in milliseconds.
func (l logLine) AtMS() int64 { return l.At.UnixMilli() }

// First reports whether the entry stands for one event.
func (l logLine) First() bool { return l.Times == 1 }

func (w *Web) securityLog(rw http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	d := logData{What: strings.TrimSpace(query.Get("what")), Who: strings.TrimSpace(query.Get("who"))}
	entries, next, err := w.o.SecurityLog.List(r.Context(), securitylog.Query{What: d.What, Who: d.Who, Cursor: query.Get("cursor")})
	if err != nil {
		return err
	}
	d.Pager = ui.PagerOf(r, next)
	for _, e := range entries {
		d.Entries = append(d.Entries, logLine{e})
	}
	return w.ui.Show(rw, r, http.StatusOK, "site/security-log", ui.Page{Title: "Security log", Nav: "/operator", Data: d})
}

type accessData struct {
	Outcome *ui.Outcome
	Roles   []signin.WalletRole
	Tokens  []tokenLine
	Ended   bool // tokens that ended are shown, too
	Pager   ui.Pager
}

// tokenLine is a token with what its template needs.
type tokenLine struct {
	signin.Token
	Live bool
}

func tokenLines(list []signin.Token) []tokenLine {
	lines := make([]tokenLine, len(list))
	for i, t := range list {
		lines[i] = tokenLine{Token: t, Live: t.Live(time.Now())}
	}
	return lines
}

// Holder names who has the token.
func (t tokenLine) Holder() string {
	switch {
	case t.Wallet == nil:
		return t.Subject
	case t.Subject == "":
		return t.Wallet.Short()
	}
	return t.Subject + " of " + t.Wallet.Short()
}

// For says what the token is for.
func (t tokenLine) For() string {
	if len(t.Scope) == 0 {
		return "the whole API"
	}
	return strings.Join(t.Scope, ", ")
}

func (w *Web) access(rw http.ResponseWriter, r *http.Request) error {
	return w.showAccess(rw, r, http.StatusOK, nil)
}

// showAccess is also the answer to a form of that page, with its outcome.
func (w *Web) showAccess(rw http.ResponseWriter, r *http.Request, status int, done *ui.Outcome) error {
	query := r.URL.Query()
	d := accessData{Outcome: done, Ended: query.Get("ended") == "true"}
	roles, err := w.o.Sessions.Roles(r.Context())
	if err != nil {
		return err
	}
	list, next, err := w.o.Tokens.List(r.Context(), signin.TokenQuery{Ended: d.Ended, Cursor: query.Get("cursor")})
	if err != nil {
		return err
	}
	d.Roles, d.Tokens, d.Pager = roles, tokenLines(list), ui.PagerOf(r, next)
	return w.ui.Show(rw, r, status, "site/access", ui.Page{Title: "Roles and tokens", Nav: "/operator", Data: d})
}

func (w *Web) setRole(_ http.ResponseWriter, r *http.Request) (done string, err error) {
	of, err := wallet.Parse(strings.TrimSpace(r.PostFormValue("wallet")))
	if err != nil {
		return "", err
	}
	role, err := identity.ParseRole(r.PostFormValue("role"))
	if err != nil {
		return "", err
	}
	if err := w.o.Sessions.Grant(r.Context(), identity.From(r.Context()), of, role); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s is %s, from its next request on.", of, role), nil
}

func (w *Web) signOutWallet(_ http.ResponseWriter, r *http.Request) (done string, err error) {
	of, err := wallet.Parse(strings.TrimSpace(r.PostFormValue("wallet")))
	if err != nil {
		return "", err
	}
	return w.signOutOf(r, of)
}

func (w *Web) endAnyToken(_ http.ResponseWriter, r *http.Request) (done string, err error) {
	if err := w.o.Tokens.Revoke(r.Context(), chi.URLParam(r, "id")); err != nil {
		return "", err
	}
	return "The token is ended: it is refused from now on.", nil
}

// endToken ends one of the person's own tokens.
func (w *Web) endToken(rw http.ResponseWriter, r *http.Request) error {
	if err := w.o.Tokens.Revoke(r.Context(), chi.URLParam(r, "id")); err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	w.ui.GoTo(rw, r, "/sessions")
	return nil
}

// signOutEverywhere ends the person's sessions and tokens, also this session.
func (w *Web) signOutEverywhere(rw http.ResponseWriter, r *http.Request) error {
	if who := ui.ViewerOf(r); who.SignedIn {
		if _, err := w.o.Tokens.EndAll(r.Context(), who.Wallet); err != nil {
			return err
		}
	}
	w.ui.GoTo(rw, r, "/")
	return nil
}
