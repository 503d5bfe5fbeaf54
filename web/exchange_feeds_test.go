package web_test

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"strings"
	"testing"
	"time"

	"banyan/modules/exchangereview"
	"banyan/web/webtest"
)

func TestFeedsAndBadgesAreForOtherSites(t *testing.T) {
	visitor := newVisitor(t, webtest.Full(t))
	atom := visitor.get("/exchanges/kestrel-exchange/feed.atom", http.StatusOK)
	var feed struct {
		Entries []struct {
			ID string `xml:"id"`
		} `xml:"entry"`
	}
	if err := xml.Unmarshal([]byte(atom), &feed); err != nil || len(feed.Entries) != 5 || !strings.HasPrefix(feed.Entries[0].ID, "urn:banyan:review:0x") {
		t.Errorf("%v: %+v", err, feed)
	}
	contains(t, atom, "Spreads widen a lot at night", "/exchanges/kestrel-exchange/reviews/0x")
	var items struct {
		Version string           `json:"version"`
		Items   []map[string]any `json:"items"`
	}
	if err := json.Unmarshal([]byte(visitor.get("/exchanges/kestrel-exchange/feed.json", http.StatusOK)), &items); err != nil || len(items.Items) != 5 || items.Version != "https://jsonfeed.org/version/1.1" {
		t.Errorf("%v: %+v", err, items)
	}
	contains(t, visitor.get("/exchanges/kestrel-exchange/badge.svg", http.StatusOK), "<svg xmlns", "of 5")
	contains(t, visitor.get("/exchanges/meridian/badge.svg", http.StatusOK), "not enough evidence")
	visitor.get("/exchanges/nowhere/badge.svg", http.StatusNotFound)
	contains(t, visitor.get("/exchanges/-/rankings", http.StatusOK), "Ranking 3", "verify-ranking", "/api/v1/exchange-review/epochs/3/export")
	contains(t, visitor.get("/exchanges/-/moderation", http.StatusOK), "an advertisement", "kestrel-exchange")
	contains(t, visitor.get("/exchanges/kestrel-exchange?sort=worst&stars=1", http.StatusOK), "What an attack can buy", "Where the score comes from", "feed.atom")
}

// Many reviews at once are shown to readers for a week, and moderators decide about
// those that are held.
func TestUnusualActivityIsShown(t *testing.T) {
	site := webtest.Full(t)
	site.Exchanges.Unusual = []exchangereview.Burst{
		{Exchange: "kestrel-exchange", DayMS: time.Now().UnixMilli(), Holds: true, Reviews: 43, Usual: 2.5, Mix: 88, Held: 12},
		{Exchange: "meridian", DayMS: time.Now().Add(-10 * 24 * time.Hour).UnixMilli(), Reviews: 20, Usual: 1},
	}
	visitor := newVisitor(t, site)
	contains(t, visitor.get("/exchanges/kestrel-exchange", http.StatusOK), "Unusual activity", "43 reviews within two days", "do not count for seven days")
	if strings.Contains(visitor.get("/exchanges/meridian", http.StatusOK), "Unusual activity") {
		t.Error("a burst of last week is still shown")
	}
	contains(t, visitor.get("/exchanges/-/moderation", http.StatusOK), "unusually many reviews", "Count the 12 held reviews")
}

// What a list would change is shown, and done when an operator has seen it.
func TestAnImportIsShownBeforeItIsMade(t *testing.T) {
	site := webtest.Full(t)
	v := newVisitor(t, site)
	v.signIn(site.Operator)
	send := func(fields ...string) (int, string) {
		return v.upload("/operator/exchanges", v.csrf(), "[]", fields...)
	}
	status, page := send()
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, page)
	}
	contains(t, page, "What this list would change", "meridian", "dead", `value="c0ffee"`)
	if status, page := send("confirm", "c0ffee"); status != http.StatusOK || !strings.Contains(page, "3 exchanges were added and 37 updated") {
		t.Errorf("confirmed: %d %s", status, page)
	}
	if status, page := send("confirm", "other"); status != http.StatusConflict || !strings.Contains(page, "not confirmed") {
		t.Errorf("confirmed otherwise: %d %s", status, page)
	}
}

// Reviews are filtered by stars, language and days; what is wrong is said.
func TestReviewsAreFiltered(t *testing.T) {
	v := newVisitor(t, webtest.Full(t))
	page := v.get("/exchanges/kestrel-exchange?stars=4&language=de&from=2026-01-01&to=2026-12-31", http.StatusOK)
	contains(t, page, `value="de" selected`, `value="2026-01-01"`, `href="?stars=4#reviews" aria-current="true"`)
	contains(t, v.get("/exchanges/kestrel-exchange?from=31.01.2026", http.StatusBadRequest), "is not a day like 2026-01-31")
	contains(t, v.get("/exchanges?country=SG&fee=0.5&status=active&sort=stars", http.StatusOK), `value="SG" selected`, `value="0.5" selected`, `value="active" selected`, `value="stars" selected`)
}

// Other sites may frame the widget, load the badge and the feeds, and nothing else.
func TestOnlyTheWidgetMayBeFramed(t *testing.T) {
	site := webtest.Full(t)
	for path, framed := range map[string]bool{"/exchanges/kestrel-exchange/widget": true, "/exchanges/kestrel-exchange": false, "/exchanges/kestrel-exchange/embed": false} {
		resp, err := http.Get(site.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close() // only its headers are looked at
		policy := resp.Header.Get("Content-Security-Policy")
		if resp.StatusCode != http.StatusOK || (resp.Header.Get("X-Frame-Options") == "") != framed || strings.Contains(policy, "frame-ancestors *") != framed || framed && strings.Contains(policy, "script-src") {
			t.Errorf("%s: %d, %q, %q", path, resp.StatusCode, resp.Header.Get("X-Frame-Options"), policy)
		}
	}
	visitor := newVisitor(t, site)
	contains(t, visitor.get("/exchanges/kestrel-exchange/widget", http.StatusOK), "of 5", "signed reviews")
	contains(t, visitor.get("/exchanges/meridian/widget", http.StatusOK), "not enough evidence")
	visitor.get("/exchanges/nowhere/widget", http.StatusNotFound)
	contains(t, visitor.get("/exchanges/kestrel-exchange/embed", http.StatusOK), "&lt;iframe src=", "/exchanges/kestrel-exchange/badge.svg")
}

func TestAllReviewsHaveAFeed(t *testing.T) {
	visitor := newVisitor(t, webtest.Full(t))
	atom := visitor.get("/exchanges/-/feed.atom", http.StatusOK)
	contains(t, atom, "Reviews of all exchanges", "5 for kestrel-exchange by", `rel="self"`, "/exchanges/-/feed.atom")
	contains(t, visitor.get("/exchanges/-/feed.json", http.StatusOK), `"feed_url"`, "/exchanges/-/feed.json", "content_text")
}

func TestExchangesStandSideBySide(t *testing.T) {
	visitor := newVisitor(t, webtest.Full(t))
	contains(t, visitor.get("/exchanges/-/compare?with=kestrel-exchange&with=meridian&with=&with=nowhere", http.StatusOK),
		"Kestrel", "Meridian", "Withdrawals", "There is no exchange with the name <code>nowhere</code>")
	contains(t, visitor.get("/exchanges/-/compare", http.StatusOK), "Compare exchanges")
	visitor.get("/exchanges/-/compare?with=a&with=b&with=c&with=d&with=e", http.StatusBadRequest)
	contains(t, visitor.get("/exchanges/kestrel-exchange", http.StatusOK), "From place 6 to place 4 in 2 rankings", "polyline", `"@type":"Review"`)
}

// A profile is claimed, answers stand below reviews, and an operator ends it.
func TestAProfileIsShown(t *testing.T) {
	site := webtest.Full(t)
	visitor := newVisitor(t, site)
	contains(t, visitor.get("/exchanges/meridian/profile", http.StatusOK), "has not shown who it is", "Sign in with a wallet")
	claim := exchangereview.SignedClaim{Slug: "kestrel-exchange", Wallet: webtest.SampleWallet(8), Method: exchangereview.ClaimByDNS, CreatedMS: webtest.SampleMS}
	if _, err := site.Exchanges.ClaimProfile(t.Context(), claim); err != nil {
		t.Fatal(err)
	}
	v := site.Exchanges.Written[0]
	if _, err := site.Exchanges.PublishReply(t.Context(), exchangereview.SignedReply{Slug: v.Exchange, Reviewer: v.Wallet, Review: v.Hash, Text: "We are **sorry**.", CreatedMS: webtest.SampleMS}); err != nil {
		t.Fatal(err)
	}
	contains(t, visitor.get("/exchanges/kestrel-exchange/profile", http.StatusOK), "a DNS record of its domain names its wallet", "All claims")
	contains(t, visitor.get("/exchanges/"+v.Exchange, http.StatusOK), "Answer of the exchange", "We are <strong>sorry</strong>.")
	if strings.Contains(visitor.get("/exchanges/kestrel-exchange/profile", http.StatusOK), "End the claim") {
		t.Error("visitors see what operators can do")
	}
}
