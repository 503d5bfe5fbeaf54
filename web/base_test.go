package web_test

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"banyan/web/webtest"
)

// addressOnPage finds what a browser follows, sends forms to, loads or asks for.
var addressOnPage = regexp.MustCompile(`(?:href|src|action|hx-get|hx-post|data-url|data-next|data-page|data-live-from|data-publish|data-demo-sign)="([^"]*)"`)

// markOfLinks is what stands in a template's links until the page is sent, also where
// a link was made a parameter of another.
var markOfLinks = regexp.MustCompile(`-[A-Z2-7]{26}-`)

// proxied is a proxy at another address that has the site below prefix and passes
// Host on. It strips the prefix, or passes paths on as they came.
func proxied(t *testing.T, s *webtest.Site, prefix string, strip bool) (root string) {
	t.Helper()
	target, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	host := target.Host
	proxy := &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.Out.URL.Scheme, p.Out.URL.Host, p.Out.Host = "http", host, host
		if strip {
			p.Out.URL.Path = "/" + strings.TrimPrefix(strings.TrimPrefix(p.In.URL.Path, prefix), "/")
			p.Out.URL.RawPath = ""
		}
	}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != prefix && !strings.HasPrefix(r.URL.Path, prefix+"/") {
			http.Error(w, "this is outside of the site", http.StatusTeapot)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// crawler follows every address that it finds, as an operator who is signed in.
type crawler struct {
	*visitor
	root, prefix string
	seen         map[string]bool
	pages        int
}

func (c *crawler) visit(address, from string) {
	c.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		c.t.Fatalf("%s has the address %q: %v", from, address, err)
	}
	u.Fragment = ""
	if strings.Contains(u.Path, "/differences/") && !strings.Contains(u.Path, "/reputation/") { // the sample has those of one module
		return
	}
	key := c.root + u.Path
	if u.Scheme+"://"+u.Host != c.root || c.seen[key] {
		return
	}
	c.seen[key] = true
	if u.Path != c.prefix && !strings.HasPrefix(u.Path, c.prefix+"/") {
		c.t.Errorf("%s leads out of the site, to %s", from, address)
		return
	}
	if strings.Contains(u.Path, "/api/v1/") { // the modules' operations are not served here
		return
	}
	request, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, u.String(), nil)
	if err != nil {
		c.t.Fatal(err)
	}
	answer, err := c.client.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode == http.StatusNotFound || answer.StatusCode == http.StatusTeapot || answer.StatusCode == http.StatusMisdirectedRequest {
		c.t.Errorf("%s leads to %s, which answers %d", from, u, answer.StatusCode)
		return
	}
	if !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html") {
		return
	}
	c.pages++
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	page := string(text)
	if markOfLinks.MatchString(page) {
		c.t.Errorf("%s still has the mark of links", u)
	}
	on := answer.Request.URL
	if part, isPart := strings.CutSuffix(on.Path, "/live"); isPart { // of the page above it, on which a script puts it
		on = &url.URL{Scheme: on.Scheme, Host: on.Host, Path: part}
	}
	for _, found := range addressOnPage.FindAllStringSubmatch(page, -1) {
		to, err := on.Parse(html.UnescapeString(found[1]))
		if err != nil {
			c.t.Errorf("%s has the address %q: %v", u, found[1], err)
			continue
		}
		if strings.HasPrefix(found[0], "href=") || strings.HasPrefix(found[0], "src=") || strings.Contains(found[0], "-live-from") || strings.Contains(found[0], "-url") || strings.HasPrefix(found[0], "hx-get") {
			c.visit(to.String(), u.String())
		} else if to.Host == answer.Request.URL.Host && !strings.HasPrefix(to.Path, c.prefix+"/") {
			c.t.Errorf("%s sends %s to %s, out of the site", u, found[0], to)
		}
	}
}

func TestEveryAddressStaysInASiteBelowAPath(t *testing.T) {
	for _, c := range []struct {
		name, path string // of public_url
		prefix     string // where the proxy has the site; "" = there is no proxy
		strip      bool
	}{
		{"the proxy passes the path on", "/app", "/app", false},
		{"the proxy strips the path", "/deep/app", "/deep/app", true},
		{"there is no proxy", "/app", "", false},
		{"the proxy strips a path that public_url does not have", "", "/app", true},
		{"the site has the whole host", "", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := webtest.Below(t, c.path)
			v := newVisitor(t, s)
			v.signIn(s.Operator)
			crawl := &crawler{visitor: v, root: strings.TrimSuffix(s.URL, c.path), prefix: c.path, seen: map[string]bool{}}
			if c.prefix != "" {
				crawl.root, crawl.prefix = proxied(t, s, c.prefix, c.strip), c.prefix
				v.client.Jar = jarFor(t, v, s.URL+"/", crawl.root+c.prefix+"/")
			}
			crawl.visit(crawl.root+crawl.prefix+"/", "the test")
			more := []string{"/operator/modules", "/sessions", "/airdrops/c1?wallet=" + nobody, "/exchanges?cursor="}
			if c.path == c.prefix { // a redirect needs the path: public_url must have it
				more = append(more, "/sign-in")
			}
			for _, more := range more {
				crawl.visit(crawl.root+crawl.prefix+more, "the test")
			}
			if crawl.pages < 30 {
				t.Errorf("only %d pages were found", crawl.pages)
			}
		})
	}
}

// jarFor has the cookies of one address at another, as behind a proxy they are.
func jarFor(t *testing.T, v *visitor, from, to string) http.CookieJar {
	t.Helper()
	source, err := url.Parse(from)
	if err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	jar.SetCookies(target, v.client.Jar.Cookies(source))
	return jar
}

func TestASiteBelowAPathSignsInAndRedirectsThere(t *testing.T) {
	s := webtest.Below(t, "/app")
	v := newVisitor(t, s)
	v.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, _ := v.fetch(http.MethodPost, "/api/v1/identity/nonce", "application/json", `{"address":"`+nobody+`","chain_id":1}`)
	if line := answer.Header.Get("Set-Cookie"); !strings.Contains(line, "; Path=/app/;") {
		t.Errorf("the cookie is for other sites of the host, too: %s", line)
	}
	v.signIn(s.Operator)
	root := strings.TrimSuffix(s.URL, "/app")
	for address, want := range map[string]string{
		s.URL:                                      "/app/",
		s.URL + "?x=1":                             "/app/?x=1",
		root + "//app/exchanges":                   "/app/exchanges",
		root + "/%61pp/exchanges":                  "/app/exchanges",
		s.URL + "/exchanges/":                      "/app/exchanges",
		s.URL + "/sign-in?next=/exchanges%3Fq=x":   "/app/exchanges?q=x",
		s.URL + "/sign-in?next=//evil.example":     "/app/",
		root + "/exchanges/":                       "/app/exchanges", // a proxy has stripped the path
		s.URL + "/reputation?wallet=" + nobody:     "/app/wallets/" + nobody,
		s.URL + "/favicon.ico":                     "/app/assets/favicon.",
		s.URL + "/app/exchanges/../exchanges/":     "",
		root + "/application/exchanges":            "",
		root + "/application":                      "",
		s.URL + "%2fexchanges":                     "",
		s.URL + "/api/v1/exchange-review/nothing/": "",
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := v.client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		got := answer.Header.Get("Location")
		if want == "" && answer.StatusCode != http.StatusNotFound || want != "" && !strings.HasPrefix(got, want) {
			t.Errorf("%s: %d, to %q; want %q", address, answer.StatusCode, got, want)
		}
	}
	page := v.get("/exchanges", http.StatusOK)
	contains(t, page, `<link rel="canonical" href="`+s.URL+`/exchanges">`, `href="/app/exchanges/`)
	contains(t, v.get("/nothing", http.StatusNotFound), `href="/app/"`)
	for _, text := range []string{v.get("/api/v1/nothing", http.StatusNotFound)} {
		contains(t, text, "/app/docs")
	}
}

// TestAVisitorByAnotherNameIsToldTheSitesOwn: at another name the cookies of the
// site are not sent, and wallets warn of its sign-in messages.
func TestAVisitorByAnotherNameIsToldTheSitesOwn(t *testing.T) {
	for _, path := range []string{"", "/app"} {
		s := webtest.Below(t, path)
		other := strings.Replace(strings.TrimSuffix(s.URL, path), "127.0.0.1", "localhost", 1)
		ask := func(method, address, content string, headers ...string) (int, string) {
			v := newVisitor(t, &webtest.Site{URL: address})
			answer, text := v.fetch(method, "", "application/json", content, headers...)
			return answer.StatusCode, text
		}
		for _, page := range []string{"/", "/sign-in", "/exchanges?q=x"} {
			if _, text := ask(http.MethodGet, other+path+page, ""); !strings.Contains(text, "This site is known as") || !strings.Contains(text, s.URL) {
				t.Errorf("%s at another name does not say the site's own", page)
			}
			if _, text := ask(http.MethodGet, s.URL+page, ""); strings.Contains(text, "This site is known as") {
				t.Errorf("%s at its own name names another", page)
			}
		}
		message := `{"address":"` + nobody + `","chain_id":1}`
		const nonce = "/api/v1/identity/nonce"
		for _, c := range []struct {
			name, address string
			headers       []string
			status        int
		}{
			{"at its own name", s.URL, nil, 200},
			{"from its own page", s.URL, []string{"Origin", strings.TrimSuffix(s.URL, path)}, 200},
			{"at another name", other + path, nil, 421},
			{"from a page at another name", other + path, []string{"Origin", other}, 421},
			{"from its own page, through a proxy that names itself as the host", other + path, []string{"Origin", strings.TrimSuffix(s.URL, path), "Sec-Fetch-Site", "same-origin"}, 200},
		} {
			status, text := ask(http.MethodPost, c.address+nonce, message, c.headers...)
			if status != c.status || status == 421 && !strings.Contains(text, s.URL) {
				t.Errorf("%s: %d %s", c.name, status, text)
			}
		}
	}
}
