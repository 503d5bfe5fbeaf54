package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"banyan/web/webtest"
)

// TestAReaderMutesAWallet: its reviews are folded on the pages of that reader, who can end
// it on the exchange's page, on the wallet's and on their own; nobody else sees any of it.
func TestAReaderMutesAWallet(t *testing.T) {
	s := webtest.Full(t)
	reader, other := newVisitor(t, s), newVisitor(t, s)
	key := webtest.Key(t, "a reader")
	reader.signIn(key)
	other.signIn(webtest.Key(t, "another reader"))
	loud := s.Exchanges.Written[0]
	page, theirs, mine := "/exchanges/"+loud.Exchange, "/wallets/"+loud.Wallet.String(), "/wallets/"+webtest.AddressOf(key).String()
	const folded, listed = "muted by you", "Muted by you"
	mute := func(v *visitor, fields url.Values) string {
		t.Helper()
		fields.Set("wallet", loud.Wallet.String())
		status, page := v.form("/exchanges/-/mutes", fields) // the client follows
		if status != http.StatusOK {
			t.Fatalf("%d %s", status, page)
		}
		return page
	}
	contains(t, reader.get(page, 200), "Mute this wallet")
	contains(t, mute(reader, url.Values{"mute": {"yes"}, "slug": {loud.Exchange}}), "A review by "+loud.Wallet.Short()+", muted by you", "Show its reviews again", "Nobody else sees that")
	contains(t, reader.get(theirs, 200), "You have muted this wallet", "Reviews muted by you")
	contains(t, reader.get(mine, 200), listed, loud.Wallet.String())
	if home := reader.get("/", 200); strings.Contains(home, "#review-"+loud.Wallet.String()) {
		t.Error("the home page shows the latest review of a muted wallet")
	}

	// Pages that are kept for many visitors are those of nobody who is signed in.
	for range 20 {
		reader.get(page, 200)
		for name, v := range map[string]*visitor{"a visitor": newVisitor(t, s), "another member": other} {
			for _, path := range []string{page, theirs, mine} {
				if text := v.get(path, 200); strings.Contains(text, folded) || strings.Contains(text, listed) || strings.Contains(text, "You have muted") {
					t.Fatalf("%s sees on %s what somebody else has muted", name, path)
				}
			}
		}
	}

	contains(t, mute(reader, url.Values{"mute": {"no"}, "list": {"yes"}}), "are shown to you again")
	if text := reader.get(mine, 200); strings.Contains(text, listed) {
		t.Error("the list is still there")
	}
	if text := reader.get(page, 200); strings.Contains(text, folded) {
		t.Error("the review is still folded")
	}
	if status, _ := newVisitor(t, s).post("/exchanges/-/mutes", "application/x-www-form-urlencoded", "mute=yes&wallet="+loud.Wallet.String()); status < 400 {
		t.Errorf("without a session: %d", status)
	}
	if status, page := reader.form("/exchanges/-/mutes", url.Values{"wallet": {"nobody"}, "mute": {"yes"}}); status != http.StatusBadRequest {
		t.Errorf("of no wallet: %d %.200s", status, page)
	}
}
