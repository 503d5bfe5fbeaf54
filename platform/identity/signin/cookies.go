package signin

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// cookieName returns the name of the session's cookie. The __Host- prefix makes
// browsers require https, no Domain and Path=/, so that no other host of the domain
// can set or read it. A site below a path has __Secure-, which requires https
// alone. Over plain http on loopback browsers would refuse both.
func (s *Sessions) cookieName() string { return s.named("banyan") }

// browserCookieName returns the name of the short-lived cookie that binds a sign-in
// message to a browser.
func (s *Sessions) browserCookieName() string { return s.named("banyan-sign-in") }

func (s *Sessions) named(name string) string {
	switch {
	case !s.secure:
		return name
	case s.o.Path != "":
		return "__Secure-" + name
	}
	return "__Host-" + name
}

// setCookie sets a cookie with this life; 0 clears it. SameSite=Lax: browsers send
// it when a person follows a link to this site, and never with another site's form.
func (s *Sessions) setCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	c := http.Cookie{ //nolint:gosec // Secure follows the origin: plain http is refused off loopback
		Name: name, Value: value, Path: s.o.Path + "/", MaxAge: int(life / time.Second),
		HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode,
	}
	if life == 0 {
		c.Value, c.MaxAge = "", -1
	}
	// An earlier value of this answer is replaced: a request may find its session
	// ended and start a new one.
	h := w.Header()
	h["Set-Cookie"] = slices.DeleteFunc(h["Set-Cookie"], func(line string) bool { return strings.HasPrefix(line, name+"=") })
	http.SetCookie(w, &c)
}

func (s *Sessions) clearSession(w http.ResponseWriter) { s.setCookie(w, s.cookieName(), "", 0) }

// cookie returns a cookie's value, "" when there is none.
func cookie(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}
