package legacy_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"banyan/platform/fault"
	"banyan/platform/legacy"
)

// raw sends a request line and headers as they are, and returns the answer.
func raw(t *testing.T, base, target string, headers ...string) *http.Response {
	t.Helper()
	host := strings.TrimPrefix(base, "http://")
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: banyan.test\r\nConnection: close\r\n", target)
	for _, h := range headers {
		fmt.Fprintf(conn, "%s\r\n", h)
	}
	fmt.Fprint(conn, "\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(target, err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

func side(resp *http.Response) string {
	switch {
	case resp.Header.Get("X-Powered-By") == "old":
		return "old"
	case resp.StatusCode == http.StatusPermanentRedirect:
		return "to " + resp.Header.Get("Location")
	case resp.StatusCode == http.StatusBadRequest:
		return "refused"
	}
	return fmt.Sprint("banyan ", resp.StatusCode)
}

// TestNoSpellingOfAPathLeadsAroundTheTake writes taken and kept paths in all the
// ways in which some server reads them as the same.
func TestNoSpellingOfAPathLeadsAroundTheTake(t *testing.T) {
	old := newOldSystem(t)
	base, _, _ := inFront(t, legacy.Options{URL: old.URL, Take: []legacy.Take{{Prefix: "/reviews", Percent: 100}}}, limits)
	for target, want := range map[string]string{
		"/reviews": "banyan 200", "/reviews?x=%zz": "banyan 200", "/reviews/kraken": "banyan 200", "http://banyan.test/reviews": "banyan 200",
		"/%72eviews": "to /reviews", "/./reviews": "to /reviews", "/x/../reviews": "to /reviews", "//reviews?a=1;b": "to /reviews?a=1;b",
		"/reviews/": "to /reviews", "/x/%2e%2e/reviews//kraken": "to /reviews/kraken", "///banyan.test/../reviews": "to /reviews",
		"/reviews%2f": "refused", "/reviews%2Fkraken": "refused", `/reviews\kraken`: "refused", "/x%5c..%5creviews": "refused",
		"/reviews;jsessionid=1": "refused", "/x/..;/reviews": "refused", "/%2572eviews": "refused", "/reviews%00.html": "refused",
		"/reviews%3fx": "refused", "/reviews%23x": "refused", "/reviews%20": "refused", "/reviews.": "refused", "/..%252freviews": "refused",
		"/banyan/": "to /banyan", "//banyan": "to /banyan", "/x%2f..%2fbanyan%2fsign-in": "refused",
		"/api/v1//reputation/scores": "to /api/v1/reputation/scores",
		"/Reviews":                   "old", "/reviewsx": "old", "/x/reviews": "old", "/reviews/../x": "old", "/banyans": "old", "/a%2Fb/../c;d=1": "old",
	} {
		if got := side(raw(t, base, target)); got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
}

func TestWhatTheLegacySystemGetsIsByteForByteWhatWasAsked(t *testing.T) {
	old := newOldSystem(t)
	base, _, _ := inFront(t, legacy.Options{URL: old.URL, Take: []legacy.Take{{Prefix: "/reviews", Percent: 0}}}, limits)
	for _, target := range []string{
		"/a%2Fb/c", "/a//b", "/a/../b", "/a/%2e%2e/b", "/x;jsessionid=1", "/q?a=1;b=2&c=%zz", "/%E4", "/%00", "/*", "/%72eviews", "/reviews%2F", "/reviews/",
	} {
		resp := raw(t, base, target)
		var got strings.Builder
		if err := resp.Write(&got); err != nil || !strings.Contains(got.String(), `"URI":"`+strings.ReplaceAll(target, "&", `\u0026`)+`"`) {
			t.Errorf("%s arrived as %s %v", target, got.String(), err)
		}
	}
}

func TestATakeWithoutARouteIsRefused(t *testing.T) {
	for prefix, says := range map[string]string{
		"/reviews":          "the nearest it has is /, /exchanges, /wallets",
		"/exchanges/a/b":    "the nearest it has is /exchanges/{slug}, /exchanges/{slug}/reviews",
		"/wallets/":         "", // below it there is one
		"/exchanges":        "",
		"/exchanges/kraken": "",
		"/":                 "",
		"/banyan/operator":  "is Banyan's for everybody already",
		"/api/v1":           "nothing at /api/v1",
	} {
		l, err := legacy.New(legacy.Options{
			URL: "http://127.0.0.1:1", PublicURL: "http://banyan.test", Log: quiet, Keep: []string{"/banyan", "/api/v1/reputation"},
			Take: []legacy.Take{{Prefix: prefix, Percent: 10}},
		})
		if err != nil {
			t.Fatal(err)
		}
		err = l.Serve(routes("/", "/exchanges", "/exchanges/{slug}", "/exchanges/{slug}/reviews/{wallet}", "/wallets/{wallet}", "/banyan/operator", "/api/v1/reputation/scores"))
		if says == "" && err != nil || says != "" && (!fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), strings.TrimSuffix(prefix, "/"))) {
			t.Errorf("%s: %v, want %q", prefix, err, says)
		}
		if says == "" {
			if err := l.SetTake([]legacy.Take{{Prefix: "/nothing"}}); !fault.Is(err, fault.Invalid) {
				t.Errorf("a change to a take without a route: %v", err)
			}
		}
	}
}

func TestAHostOfItsOwnNeverShowsTheLegacySystem(t *testing.T) {
	old := newOldSystem(t)
	base, _, _ := inFront(t, legacy.Options{URL: old.URL, OwnHost: "operator.test"}, limits)
	for host, want := range map[string]int{"operator.test": 404, "OPERATOR.test:80": 404, "banyan.test": 200, "operator.test.evil.example": 200} {
		if resp, text := send(t, "GET", base+"/shop", nil, "Host: "+host); resp.StatusCode != want {
			t.Errorf("%s: %d %s, want %d", host, resp.StatusCode, text, want)
		}
	}
}

// TestBelowAPathTheTakesAreWithinIt: the old system gets every path as it came, and
// no spelling of the site's path leads around a take.
func TestBelowAPathTheTakesAreWithinIt(t *testing.T) {
	old := newOldSystem(t)
	base, _, _ := inFront(t, legacy.Options{URL: old.URL, Base: "/shop", Take: []legacy.Take{{Prefix: "/reviews", Percent: 100}, {Prefix: "/", Percent: 0}}}, limits)
	for target, want := range map[string]string{
		"/shop/reviews": "banyan 200", "/shop/reviews/kraken?x=1": "banyan 200", "/shop/banyan": "banyan 200",
		"/reviews":       "banyan 200", // a proxy has stripped the path
		"/shop/reviews/": "to /shop/reviews", "//shop/reviews": "to /shop/reviews", "/%73hop/reviews": "to /shop/reviews", "/shop//reviews": "to /shop/reviews",
		"/shop/x/../reviews": "to /shop/reviews", "/x/../shop/reviews": "to /shop/reviews", "/reviews/": "to /shop/reviews",
		"/shop%2freviews": "refused", "/shop;a=1/reviews": "refused", `/shop\reviews`: "refused", "/shop/reviews%2f": "refused",
		"/shop": "old", "/shop/": "old", "/shop/cart": "old", "/shop/cart/": "old", "/shopping/reviews": "old", "/shop//x": "old", "/other": "old", "/shop/a%2Fb": "old",
	} {
		resp := raw(t, base, target)
		if got := side(resp); got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
		if want != "old" {
			continue
		}
		var asked seen
		if err := json.NewDecoder(resp.Body).Decode(&asked); err != nil || asked.URI != target {
			t.Errorf("%s arrives as %s (%v)", target, asked.URI, err)
		}
	}
}
