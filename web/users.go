package web

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/signin"
	"banyan/platform/wallet"
	"banyan/web/ui"
)

type usersData struct {
	Asked string
	Wrong string
	Users []userLine
	ui.Pager
}

type userLine struct{ signin.User }

// SeenMS is when the user was seen last; 0 = never in a session.
func (u userLine) SeenMS() int64 {
	if u.Seen == nil {
		return 0
	}
	return u.Seen.UnixMilli()
}

// users lists wallets with a session, a token or a role; a wallet that is asked for
// has its page whether or not it has any.
func (w *Web) users(rw http.ResponseWriter, r *http.Request) error {
	d := usersData{Asked: strings.TrimSpace(r.URL.Query().Get("wallet"))}
	status := http.StatusOK
	if d.Asked != "" {
		written, err := wallet.Read(d.Asked, 0)
		if err == nil {
			w.ui.GoTo(rw, r, "/operator/users/", written.Address)
			return nil
		}
		d.Wrong, status = fault.From(err).Message, http.StatusBadRequest
	}
	list, next, err := w.o.Sessions.Users(r.Context(), identity.From(r.Context()), signin.UserQuery{Cursor: r.URL.Query().Get("cursor")})
	if err != nil {
		return err
	}
	for _, u := range list {
		d.Users = append(d.Users, userLine{u})
	}
	d.Pager = ui.PagerOf(r, next)
	return w.ui.Show(rw, r, status, "site/users", ui.Page{Title: "Users", Nav: "/operator", Data: d})
}

type userData struct {
	Outcome  *ui.Outcome
	User     userLine
	Sessions []signin.Session
	Tokens   []tokenLine
	Roles    []identity.Role
}

func (w *Web) user(rw http.ResponseWriter, r *http.Request) error {
	return w.showUser(rw, r, http.StatusOK, nil)
}

func (w *Web) showUser(rw http.ResponseWriter, r *http.Request, status int, done *ui.Outcome) error {
	of, err := ui.PathWallet(r)
	if err != nil {
		return err
	}
	ctx, by := r.Context(), identity.From(r.Context())
	d := userData{Outcome: done, Roles: []identity.Role{identity.Member, identity.Moderator, identity.Operator}}
	d.User.User = signin.User{Wallet: of, Role: identity.Member.String()}
	found, _, err := w.o.Sessions.Users(ctx, by, signin.UserQuery{Wallet: of})
	if err != nil {
		return err
	}
	if len(found) == 1 {
		d.User.User = found[0]
	}
	if d.Sessions, err = w.o.Sessions.List(ctx, by, of); err != nil {
		return err
	}
	tokens, _, err := w.o.Tokens.List(ctx, signin.TokenQuery{Wallet: of}) // at most fifty
	if err != nil {
		return err
	}
	d.Tokens = tokenLines(tokens)
	return w.ui.Show(rw, r, status, "site/user", ui.Page{Title: "User " + of.Short(), Nav: "/operator", Data: d})
}

func (w *Web) setUserRole(rw http.ResponseWriter, r *http.Request) (string, error) {
	of, err := ui.PathWallet(r)
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

func (w *Web) endUserSession(_ http.ResponseWriter, r *http.Request) (string, error) {
	if err := w.o.Sessions.End(r.Context(), identity.From(r.Context()), chi.URLParam(r, "id")); err != nil {
		return "", err
	}
	return "The session is ended.", nil
}

func (w *Web) endUser(_ http.ResponseWriter, r *http.Request) (string, error) {
	of, err := ui.PathWallet(r)
	if err != nil {
		return "", err
	}
	return w.signOutOf(r, of)
}

func (w *Web) signOutOf(r *http.Request, of wallet.Address) (string, error) {
	ended, err := w.o.Tokens.EndAll(r.Context(), of)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s is signed out everywhere: %s and %s ended.", of,
		ui.Plural(ended.Sessions, "session", "sessions"), ui.Plural(ended.Tokens, "token", "tokens")), nil
}

// makeToken makes a token for a program, and shows it once.
func (w *Web) makeToken(rw http.ResponseWriter, r *http.Request) (string, error) {
	role, err := identity.ParseRole(r.PostFormValue("role"))
	if err != nil {
		return "", err
	}
	scope, err := identity.ParseScope(strings.FieldsFunc(r.PostFormValue("scope"), func(c rune) bool { return c == ',' || c == ' ' })...)
	if err != nil {
		return "", err
	}
	days, err := strconv.ParseFloat(strings.Replace(strings.TrimSpace(r.PostFormValue("days")), ",", ".", 1), 64)
	if err != nil || !(days > 0) || days > 90 {
		return "", fault.New(fault.Invalid, "how long the token is valid cannot be read").With(fault.Field{Name: "days", Message: "is a number above 0 and at most 90"})
	}
	made, err := w.o.Tokens.Create(r.Context(), signin.TokenRequest{
		Subject: strings.TrimSpace(r.PostFormValue("subject")), Role: role, Scope: scope, TTL: time.Duration(days * float64(24*time.Hour)),
	})
	if err != nil {
		return "", err
	}
	w.ui.TellSecret(rw, r, "The token for "+made.Subject+" is made, valid until "+made.Expires.Format("2 Jan 2006, 15:04 UTC")+".",
		"Copy it now: it is not stored, and not shown again. Programs send it as Authorization: Bearer …", made.Token)
	w.ui.GoTo(rw, r, "/operator/access")
	return "", nil
}
