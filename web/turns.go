package web

import (
	"net/http"
	"net/url"
)

// turns are the addresses of a list's other pages; "" where there is none.
type turns struct{ First, Next string }

// turnsOf gives them for the page that was asked for; next is the cursor of the
// one after it.
func turnsOf(r *http.Request, next string) (t turns) {
	if next != "" {
		t.Next = withCursor(r.URL, next)
	}
	if r.URL.Query().Get("cursor") != "" {
		t.First = withCursor(r.URL, "")
	}
	return t
}

// withCursor is the same page at another place.
func withCursor(u *url.URL, cursor string) string {
	v := u.Query()
	v.Del("cursor")
	if cursor != "" {
		v.Set("cursor", cursor)
	}
	if encoded := v.Encode(); encoded != "" {
		return u.Path + "?" + encoded
	}
	return u.Path
}
