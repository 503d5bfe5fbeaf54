package legacy_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"

	"banyan/platform/legacy"
)

// TestEarlyHints: an informational answer passes with the legacy system's
// headers alone, without those of its connection, and the answer after it has
// all that it would have without.
func TestEarlyHints(t *testing.T) {
	old := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Link", "</a.css>; rel=preload")
		h.Set("Connection", "X-Nom")
		h.Set("X-Nom", "secret")
		h.Set("Keep-Alive", "timeout=5")
		h.Set("Set-Cookie", "early=1")
		h.Set("Clear-Site-Data", `"*"`)
		w.WriteHeader(http.StatusEarlyHints)
		clear(h)
		h.Set("Trailer", "X-Sum")
		h.Set("Set-Cookie", "session=1")
		_, _ = io.WriteString(w, "the page")
		h.Set("X-Sum", "8")
	}))
	defer old.Close()
	base, _, _ := inFront(t, legacy.Options{URL: old.URL, Take: []legacy.Take{{Prefix: "/reviews"}}}, limits)
	var early []textproto.MIMEHeader
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
		if code == http.StatusEarlyHints {
			early = append(early, h)
		}
		return nil
	}})
	req, err := http.NewRequestWithContext(ctx, "GET", base+"/reviews/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || string(text) != "the page" || resp.Trailer.Get("X-Sum") != "8" {
		t.Errorf("the answer is %q with the trailer %v, %v", text, resp.Trailer, err)
	}
	if len(early) != 1 || len(early[0]) != 1 || early[0].Get("Link") != "</a.css>; rel=preload" {
		t.Errorf("early answers: %v, want one with Link alone", early)
	}
	cookies := strings.Join(resp.Header.Values("Set-Cookie"), "|")
	if len(resp.Header.Get("X-Request-Id")) != 24 || !strings.Contains(cookies, "banyan-share=") || !strings.Contains(cookies, "session=1") || strings.Contains(cookies, "early") {
		t.Errorf("the answer after it has %v", resp.Header)
	}
}

func TestHeadersForTheWholeOriginStayBehind(t *testing.T) {
	old := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for _, name := range []string{"Clear-Site-Data", "Service-Worker-Allowed", "Alt-Svc", "Public-Key-Pins", "NEL", "X-Mine"} {
			w.Header().Set(name, "x")
		}
	}))
	defer old.Close()
	base, _, _ := inFront(t, legacy.Options{URL: old.URL}, limits)
	resp, _ := send(t, "GET", base+"/sw.js", nil)
	for _, name := range []string{"Clear-Site-Data", "Service-Worker-Allowed", "Alt-Svc", "Public-Key-Pins", "Nel"} {
		if resp.Header.Get(name) != "" {
			t.Errorf("%s came from the legacy system", name)
		}
	}
	if resp.Header.Get("X-Mine") != "x" {
		t.Error("a header of its own was lost")
	}
}

func TestRedirectsOfTheLegacySystem(t *testing.T) {
	old := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", r.Header.Get("Want"))
		w.Header().Set("Content-Location", r.Header.Get("Want"))
		w.WriteHeader(http.StatusFound)
	}))
	defer old.Close()
	host := strings.TrimPrefix(old.URL, "http://")
	_, port, _ := strings.Cut(host, ":")
	base, _, _ := inFront(t, legacy.Options{URL: old.URL, Host: "inner.example"}, limits)
	for given, want := range map[string]string{
		old.URL + "/x?a=%zz#b": "http://banyan.test/x?a=%zz#b", old.URL: "http://banyan.test", "HTTP://" + host + "/x": "http://banyan.test/x",
		"//" + host + "/x": "http://banyan.test/x", "//inner.example/x": "http://banyan.test/x", "https://Inner.example/x": "http://banyan.test/x",
		"/x": "/x", "x?y": "x?y", "http://banyan.test/x": "http://banyan.test/x", "//cdn.example/x": "//cdn.example/x", "https://other/x": "https://other/x",
		"https://" + host + "/x": "https://" + host + "/x", "http://127.0.0.1:1/x": "http://127.0.0.1:1/x", "http://me@" + host + "/x": "http://me@" + host + "/x",
		"http://localhost:" + port + "/x": "http://banyan.test/x", "http://localhost:1/x": "http://localhost:1/x",
		"mailto:a@" + host: "mailto:a@" + host, "http://127.0.0.1.evil.example/x": "http://127.0.0.1.evil.example/x",
	} {
		resp, _ := send(t, "GET", base+"/x", nil, "Want: "+given)
		if got := resp.Header.Get("Location"); got != want || resp.Header.Get("Content-Location") != want {
			t.Errorf("Location %s becomes %s, want %s (Content-Location: %s)", given, got, want, resp.Header.Get("Content-Location"))
		}
	}
	port80, err := legacy.New(legacy.Options{URL: "http://old.example", PublicURL: "https://banyan.test", Log: quiet, Transport: &http.Transport{
		DialContext: fixedDial(old.Listener.Addr().String()),
	}})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/x", nil)
	r.Header.Set("Want", "http://old.example:80/y")
	if port80.NotFound(w, r); w.Header().Get("Location") != "https://banyan.test/y" {
		t.Errorf("the usual port, written out: %s", fmt.Sprint(w.Header()))
	}
}
