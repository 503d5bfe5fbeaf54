package web_test

import (
	"net/http"
	"regexp"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"

	"banyan/web/webtest"
)

var nonceOnPage = regexp.MustCompile(`nonce="([^"]*)"`)

// Most of these answers come from memory: see ui.Site.Hot. Each has its own nonce, and
// what is said of a page that was made for it.
func TestManyVisitorsOfAPage(t *testing.T) {
	site := webtest.Full(t)
	seen := map[string]bool{}
	for _, path := range []string{"/", "/exchanges", "/exchanges/kestrel-exchange", "/reputation", "/airdrops"} {
		var first http.Header
		text := ""
		for n := range 30 {
			resp, page := newVisitor(t, site).fetch("GET", path, "", "")
			nonces := nonceOnPage.FindAllStringSubmatch(page, -1)
			if resp.StatusCode != http.StatusOK || len(nonces) == 0 {
				t.Fatalf("%s: %d with %d nonces", path, resp.StatusCode, len(nonces))
			}
			nonce := nonces[0][1]
			for _, one := range nonces {
				if one[1] != nonce {
					t.Fatalf("%s has the nonces %s and %s", path, nonce, one[1])
				}
			}
			if seen[nonce] {
				t.Fatalf("%s, visit %d: the nonce of another answer", path, n+1)
			}
			seen[nonce] = true
			contains(t, resp.Header.Get("Content-Security-Policy"), "'nonce-"+nonce+"'")
			page = nonceOnPage.ReplaceAllString(page, "")
			if first == nil {
				first, text = resp.Header, page
			}
			for name := range first {
				if name == "Content-Security-Policy" || name == "X-Request-Id" || name == "Date" {
					continue
				}
				if got, want := resp.Header.Values(name), first.Values(name); !slices.Equal(got, want) {
					t.Errorf("%s, visit %d: %s is %q, want %q", path, n+1, name, got, want)
				}
			}
			if page != text {
				t.Errorf("%s, visit %d: another page", path, n+1)
			}
		}
	}
}

func TestWhoIsSignedInHasAPageOfTheirOwn(t *testing.T) {
	site := webtest.Full(t)
	for range 10 {
		newVisitor(t, site).get("/exchanges", http.StatusOK)
	}
	member := newVisitor(t, site)
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	member.signIn(key)
	for range 10 {
		resp, page := member.fetch("GET", "/exchanges", "", "")
		if got := resp.Header.Get("Cache-Control"); got != "no-store" {
			t.Fatalf("its Cache-Control is %q", got)
		}
		contains(t, page, "Sign out")
	}
}
