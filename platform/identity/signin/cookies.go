package signin

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// cookieName of the session. The __Host- prefix makes browsers insist on
// https, on no Domain and on Path=/, so that no neighbour can set or read it;
// on plain http loopback browsers would refuse it.
func (s *Sessions) cookieName() string { return s.named("banyan") }

// browserCookieName is of the short cookie that ties a sign-in message to a
// browser.
func (s *Sessions) browserCookieName() string { return s.named("banyan-sign-in") }

func (s *Sessions) named(name string) string {
	if s.secure {
		return "__Host-" + name
	}
	return name
}

// setCookie sets a cookie for so long; a life of 0 clears it. Lax: it goes
// along when somebody follows a link to us, and never with another site's form.
func (s *Sessions) setCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	c := http.Cookie{ //nolint:gosec // Secure follows the origin: plain http is refused off loopback
		Name: name, Value: value, Path: "/", MaxAge: int(life / time.Second),
		HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode,
	}
	if life == 0 {
		c.Value, c.MaxAge = "", -1
	}
	// The last word on a cookie is the only one: a request may find its session
	// over and begin a new one.
	h := w.Header()
	h["Set-Cookie"] = slices.DeleteFunc(h["Set-Cookie"], func(line string) bool { return strings.HasPrefix(line, name+"=") })
	http.SetCookie(w, &c)
}

func (s *Sessions) clearSession(w http.ResponseWriter) { s.setCookie(w, s.cookieName(), "", 0) }

// cookie gives a cookie's value, "" when there is none.
func cookie(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}
