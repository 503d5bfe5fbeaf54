package ui

import (
	"net/http"
	"net/url"
)

// Pager has the addresses of a list's other pages; "" where there is none.
type Pager struct{ First, Next string }

// PagerOf returns them for the page that was asked for; next is the cursor of
// the one after it.
func PagerOf(r *http.Request, next string) (p Pager) {
	if next != "" {
		p.Next = withCursor(r.URL, next)
	}
	if r.URL.Query().Get("cursor") != "" {
		p.First = withCursor(r.URL, "")
	}
	return p
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
