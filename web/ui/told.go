package ui

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"unicode/utf8"
)

// What came of a form is shown on the page to which its answer redirects, so that
// loading that page again sends nothing again. A cookie carries it there: it ends
// with the page that shows it, or after a minute, and is bound to the session that it
// is for, so that nobody else can put words onto the page.

const (
	toldCookie = "banyan-told"
	toldLife   = 60   // seconds
	maxTold    = 1500 // bytes of what is said; a cookie has 4 KB
)

// told is what a cookie carries.
type told struct {
	Done   string `json:"d"`
	Secret string `json:"s,omitempty"` // shown once, to be copied
	About  string `json:"a,omitempty"` // what the secret is
}

// toldMAC proves that the words were made for this session.
func toldMAC(csrf, text string) string {
	mac := hmac.New(sha256.New, []byte(csrf))
	mac.Write([]byte("banyan told " + text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Tell has the next page that this person sees say what was done. Without a session
// nothing is said.
func (s *Site) Tell(rw http.ResponseWriter, r *http.Request, done string) {
	s.tell(rw, r, told{Done: done})
}

// TellSecret is Tell with something that is shown this once, and what it is.
func (s *Site) TellSecret(rw http.ResponseWriter, r *http.Request, done, about, secret string) {
	s.tell(rw, r, told{Done: done, About: about, Secret: secret})
}

func (s *Site) tell(rw http.ResponseWriter, r *http.Request, t told) {
	who := ViewerOf(r)
	if !who.SignedIn {
		return
	}
	if len(t.Done) > maxTold {
		cut := t.Done[:maxTold]
		for !utf8.ValidString(cut) {
			cut = cut[:len(cut)-1]
		}
		t.Done = cut + " …"
	}
	body, err := json.Marshal(t) //nolint:gosec // the secret is for the person who has just asked for it, in a cookie of theirs
	if err != nil {
		return // texts can always be encoded
	}
	text := base64.RawURLEncoding.EncodeToString(body)
	s.Keep(rw, toldCookie, text+"."+toldMAC(who.CSRF, text), toldLife)
}

// Keep has the browser keep a value for so many seconds, in a cookie that scripts
// cannot read; negative ones end it.
func (s *Site) Keep(rw http.ResponseWriter, name, value string, seconds int) {
	http.SetCookie(rw, &http.Cookie{ //nolint:gosec // Secure follows the site's scheme
		Name: name, Value: value, Path: s.base + "/", MaxAge: seconds, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: strings.HasPrefix(s.o.PublicURL, "https://"),
	})
}

// takeTold returns what the cookie says to this person, nil = nothing, and ends it.
func (s *Site) takeTold(rw http.ResponseWriter, r *http.Request) *told {
	cookie, err := r.Cookie(toldCookie)
	if err != nil {
		return nil
	}
	s.Keep(rw, toldCookie, "", -1)
	who := ViewerOf(r)
	text, proof, _ := strings.Cut(cookie.Value, ".")
	if !who.SignedIn || !hmac.Equal([]byte(proof), []byte(toldMAC(who.CSRF, text))) {
		return nil
	}
	body, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	var t told
	if json.Unmarshal(body, &t) != nil || t.Done == "" {
		return nil
	}
	return &t
}
