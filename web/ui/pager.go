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
		p.Next = withCursor(r.URL.Query(), next)
	}
	if r.URL.Query().Get("cursor") != "" {
		p.First = withCursor(r.URL.Query(), "")
	}
	return p
}

// withCursor is the same page at another place: a reference without a path keeps
// the page's own (RFC 3986, 5.3).
func withCursor(v url.Values, cursor string) string {
	v.Del("cursor")
	if cursor != "" {
		v.Set("cursor", cursor)
	}
	return "?" + v.Encode()
}
