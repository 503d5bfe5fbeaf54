package web_test

import (
	"encoding/xml"
	"net/http"
	"strings"
	"testing"

	"banyan/web/webtest"
)

// TestEverythingIsFoundFromEveryPage: exchanges and airdrops by name, wallets by
// address; a module that is gone says so, and the others are searched.
func TestEverythingIsFoundFromEveryPage(t *testing.T) {
	s := webtest.Full(t)
	v := newVisitor(t, s)
	contains(t, v.get("/reputation", 200), `action="./search"`)
	contains(t, v.get("/search?q=kestr", 200), "Kestrel Exchange", `href="./exchanges/kestrel-exchange"`)
	contains(t, v.get("/search?q=CANOPY", 200), "Canopy season two", `href="./airdrops/c`)
	contains(t, v.get("/search?q="+strings.ToLower(nobody), 200), "Wallet "+nobody[:6])
	contains(t, v.get("/search?q=%3Cb%3Ezzz", 200), "Nothing like “&lt;b&gt;zzz”")
	v.get("/search?q="+strings.Repeat("%ff", 500), 200)
	s.Airdrop.Fail(webtest.Gone("airdrop"))
	contains(t, v.get("/search?q=kestr", 200), "Kestrel Exchange", "what Airdrops has")
}

// TestAWrongAddressLeadsOnOrHelps.
func TestAWrongAddressLeadsOnOrHelps(t *testing.T) {
	s := webtest.Full(t)
	v := newVisitor(t, s)
	v.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for from, to := range map[string]string{
		"/exchanges/": "/exchanges", "/Exchanges": "/exchanges", "/exchanges/Kestrel-Exchange": "/exchanges/kestrel-exchange", "/airdrops/C1": "/airdrops/c1",
		"/nothing/": "", "/NOTHING": "", "//evil.example/exchanges/": "",
	} {
		answer, _ := v.fetch(http.MethodGet, from, "", "")
		if got := answer.Header.Get("Location"); got != to {
			t.Errorf("%s leads to %q (%d), want %q", from, got, answer.StatusCode, to)
		}
	}
	contains(t, v.get("/exchange", 404), "Did you mean", ">Exchanges</a>")
	contains(t, v.get("/exchanges/kestrel", 404), "Did you mean", `href="../exchanges/kestrel-exchange"`)
	if page := v.get("/zzzzzzzz", 404); strings.Contains(page, "Did you mean") {
		t.Error("nothing is like that, and yet something is meant")
	}
}

func TestSearchEnginesFindTheirWay(t *testing.T) {
	s := webtest.Full(t)
	v := newVisitor(t, s)
	contains(t, v.get("/robots.txt", 200), "Disallow: /operator\n", "Sitemap: "+s.URL+"/sitemap.xml")
	var m struct {
		URLs []struct {
			Loc string `xml:"loc"`
		} `xml:"url"`
	}
	if err := xml.Unmarshal([]byte(v.get("/sitemap.xml", 200)), &m); err != nil {
		t.Fatal(err)
	}
	has := map[string]bool{}
	for _, u := range m.URLs {
		has[u.Loc] = true
	}
	for _, path := range []string{"/", "/exchanges", "/exchanges/kestrel-exchange", "/airdrops/c1", "/reputation"} {
		if !has[s.URL+path] {
			t.Errorf("the map lacks %s", path)
		}
	}
	s.Exchanges.Fail(webtest.Gone("exchange-review"))
	v.get("/sitemap.xml", 503)
}
