package legacy_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"banyan/platform/fault"
	"banyan/platform/httpserver"
	"banyan/platform/identity"
	"banyan/platform/strangler/legacy"
	"banyan/platform/testenv/legacytest"
)

func TestWhoServesWhat(t *testing.T) {
	old := newOldSystem(t)
	base, l, stop := inFront(t, legacy.Options{URL: old.URL, Take: []legacy.Take{{Prefix: "/reviews", Percent: 100}}}, limits)
	for _, k := range []struct {
		method, path string
		status       int
		says         string
	}{
		{"GET", "/", 200, `"URI":"/"`},
		{"GET", "/banyan", 200, "banyan"},
		{"GET", "/reviews/kraken", 200, "banyan"},
		{"POST", "/banyan", 405, "GET, HEAD, OPTIONS"}, // a path of Banyan's is Banyan's with every method
		{"POST", "/reviews/kraken", 405, "GET, HEAD, OPTIONS"},
		{"GET", "/banyan/nothing", 404, "nothing at this address"},
		{"GET", "/api/v1/reputation/typo", 404, "the API has nothing"},
		{"GET", "/api/v1/orders", 200, `"URI":"/api/v1/orders"`},
		{"DELETE", "/a%2Fb/c%20d?q=%zz;x&y", 200, `"URI":"/a%2Fb/c%20d?q=%zz;x\u0026y"`},
		{"PROPFIND", "/dav", 200, `"Method":"PROPFIND"`},
	} {
		resp, text := send(t, k.method, base+k.path, nil, "Accept: application/json")
		if resp.StatusCode != k.status || !strings.Contains(text, k.says) {
			t.Errorf("%s %s: %d %s, want %d with %s", k.method, k.path, resp.StatusCode, text, k.status, k.says)
		}
	}
	stop()
	if s := l.Status(); s.Rest.Requests != 4 || s.Rest.Errors != 0 || s.Rest.P99 <= 0 || s.URL != old.URL {
		t.Errorf("status %+v", s)
	}
}

// banyanToken is a real token of the trunk.
func banyanToken(t *testing.T) string {
	ring, err := identity.NewKeyring(identity.KeyringOptions{})
	if err != nil {
		t.Fatal(err)
	}
	token, err := ring.Token(identity.Caller{Subject: "ada", Role: identity.Operator}, identity.PublicAudience)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestHeadersOutward(t *testing.T) {
	old := newOldSystem(t)
	base, _, _ := inFront(t, legacy.Options{URL: old.URL}, limits)
	_, text := send(t, "GET", base+"/old", nil,
		"Host: shop.example", "X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: https", "Forwarded: for=6.6.6.6", "X-Real-Ip: 6.6.6.6",
		"Connection: keep-alive, X-Private", "X-Private: 1", "Keep-Alive: 5", "Proxy-Authorization: Basic x",
		"Cookie: session=s1; banyan=secret; a=\"b c\"", "Cookie: __Host-banyan=secret; banyan-share=5000; banyanana=1",
		"Authorization: Bearer "+banyanToken(t), "User-Agent: curl/9",
		"Banyan-Deadline: 1", "banyan_epoch: 2", "Banyanish: 3")
	var got seen
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(text, err)
	}
	if got.Host != "shop.example" {
		t.Errorf("Host is %q", got.Host)
	}
	for name, want := range map[string]string{
		"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": "shop.example", "X-Forwarded-Proto": "http",
		"Forwarded": "", "X-Real-Ip": "", "X-Private": "", "Keep-Alive": "", "Connection": "", "Proxy-Authorization": "",
		"Cookie": `session=s1; a="b c"|banyanana=1`, "Authorization": "", "User-Agent": "curl/9", "Via": "1.1 banyan-banyan.test",
		"Banyan-Deadline": "", "Banyan_epoch": "", "banyan_epoch": "", "Banyanish": "3",
	} {
		if have := strings.Join(got.Header[name], "|"); have != want {
			t.Errorf("%s goes out as %q, want %q", name, have, want)
		}
	}
	if len(got.Header.Get("X-Request-Id")) != 24 {
		t.Errorf("X-Request-Id goes out as %q", got.Header.Get("X-Request-Id"))
	}
	if _, text := send(t, "GET", base+"/old", nil, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"); strings.Contains(text, "h2c") || strings.Contains(text, "HTTP2-Settings") {
		t.Errorf("a way past the proxy was offered: %s", text)
	}
	for _, foreign := range []string{"Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.x", "Bearer opaque", "Basic YTpi", "Bearer .."} {
		_, text := send(t, "GET", base+"/old", nil, "Authorization: "+foreign)
		if !strings.Contains(text, foreign) {
			t.Errorf("the legacy system's own %q did not reach it", foreign)
		}
	}
	base, _, _ = inFront(t, legacy.Options{URL: old.URL, Host: "inner.example", PassHeaders: []string{"X-Real-IP"}}, limits)
	if _, text := send(t, "GET", base+"/old", nil, "X-Real-Ip: 10.1.1.1"); !strings.Contains(text, `"Host":"inner.example"`) || !strings.Contains(text, "10.1.1.1") {
		t.Errorf("with a Host of its own and a header that is let through: %s", text)
	}
}

func TestHeadersInward(t *testing.T) {
	old := newOldSystem(t)
	base, _, _ := inFront(t, legacy.Options{URL: old.URL}, limits)
	resp, _ := send(t, "GET", base+"/old", nil)
	for name, want := range map[string]string{
		"Content-Security-Policy": "script-src 'self' 'unsafe-inline'", "X-Frame-Options": "", "Cross-Origin-Opener-Policy": "",
		"X-Powered-By": "old", "Banyan-Contract": "", "Set-Cookie": "session=s1; Path=/",
	} {
		if have := strings.Join(resp.Header.Values(name), "|"); have != want {
			t.Errorf("%s comes back as %q, want %q", name, have, want)
		}
	}
	if ids := resp.Header.Values("X-Request-Id"); len(ids) != 1 || ids[0] == "old-1" {
		t.Errorf("X-Request-Id comes back as %q", ids)
	}
	if resp, _ = send(t, "GET", base+"/moved", nil); resp.Header.Get("Location") != "http://banyan.test/there?x=1" {
		t.Errorf("redirected to %q", resp.Header.Get("Location"))
	}
	if resp, _ = send(t, "GET", base+"/banyan", nil); resp.Header.Get("X-Frame-Options") != "DENY" {
		t.Error("Banyan's own page has lost its security headers")
	}
	secure, err := legacy.New(legacy.Options{URL: old.URL, PublicURL: "https://banyan.test", Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	w.Header().Set("Strict-Transport-Security", "ours")
	secure.NotFound(w, httptest.NewRequestWithContext(t.Context(), "GET", "/old", nil))
	if lines := w.Header()["Strict-Transport-Security"]; len(lines) != 1 || lines[0] != "ours" {
		t.Errorf("Strict-Transport-Security comes back as %q", lines)
	}
}

func TestLargeBodies(t *testing.T) {
	old := newOldSystem(t)
	base, _, _ := inFront(t, legacy.Options{URL: old.URL, Limit: 20 << 20}, limits)
	sum := sha256.Sum256(blob)
	want := fmt.Sprintf("%d %s <nil>", len(blob), hex.EncodeToString(sum[:]))
	if _, text := send(t, "POST", base+"/upload", bytes.NewReader(blob)); text != want {
		t.Errorf("10 MB arrived as %s", text)
	}
	if _, text := send(t, "PUT", base+"/upload", io.NopCloser(bytes.NewReader(blob))); text != want {
		t.Errorf("10 MB in chunks arrived as %s", text)
	}
	if _, text := send(t, "GET", base+"/download", nil); text != string(blob) {
		t.Errorf("10 MB came back as %d bytes", len(text))
	}
	for name, body := range map[string]io.Reader{
		"declared": bytes.NewReader(make([]byte, 21<<20)), "in chunks": io.NopCloser(bytes.NewReader(make([]byte, 21<<20))),
	} {
		req, err := http.NewRequestWithContext(t.Context(), "POST", base+"/upload", body)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Logf("%s: the connection was closed while sending: %v", name, err)
			continue
		}
		if resp.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("21 MB %s: %d", name, resp.StatusCode)
		}
		resp.Body.Close()
	}
}

// impatient are limits that a test waits for. The kernel holds them, so no clock
// of ours can: they are long enough for a machine that is busy with other things.
func impatient() (short httpserver.Settings, over time.Duration) {
	short = limits
	short.ReadTimeout, short.WriteTimeout = 2*time.Second, 2*time.Second
	return short, 3 * time.Second
}

func TestEventsArriveAsTheyAreSent(t *testing.T) {
	t.Parallel()
	old := newOldSystem(t)
	short, over := impatient()
	base, l, stop := inFront(t, legacy.Options{URL: old.URL}, short)
	req, _ := http.NewRequestWithContext(t.Context(), "GET", base+"/events", nil)
	go func() { old.tick <- "0" }()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for i := range 5 {
		if i > 0 {
			if i == 3 { // longer than an ordinary request may take
				<-time.After(over)
			}
			old.tick <- fmt.Sprint(i) // only when the one before has arrived
		}
		if !lines.Scan() || lines.Text() != fmt.Sprintf("data: %d", i) || !lines.Scan() {
			t.Fatalf("event %d arrived as %q (%v)", i, lines.Text(), lines.Err())
		}
	}
	close(old.tick)
	if lines.Scan() || lines.Err() != nil {
		t.Errorf("the stream ended with %q, %v", lines.Text(), lines.Err())
	}
	stop()
	if s := l.Status(); s.Rest.Requests != 1 || s.Rest.Errors != 0 {
		t.Errorf("status %+v", s.Rest)
	}
}

// TestThinkingTime: the time for reading a request is over long before the old
// system answers.
func TestThinkingTime(t *testing.T) {
	t.Parallel()
	old := newOldSystem(t)
	short, over := impatient()
	short.WriteTimeout = limits.WriteTimeout
	old.silence = over
	base, _, _ := inFront(t, legacy.Options{URL: old.URL}, short)
	for name, body := range map[string]io.Reader{"with a body": strings.NewReader("x"), "without": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, text := send(t, "POST", base+"/slow", body); text != "at last" {
				t.Error(text)
			}
		})
	}
}

func TestWebSocket(t *testing.T) {
	old := newOldSystem(t)
	base, l, stop := inFront(t, legacy.Options{URL: old.URL}, limits)
	say, conn := legacytest.Dial(t, base, "/echo", 30*time.Second)
	for _, text := range []string{"hello", "", "again"} {
		if back, err := say(text); err != nil || back != text {
			t.Fatalf("%q came back as %q, %v", text, back, err)
		}
	}
	if s := l.Status(); s.Upgrades != 1 || s.Rest.Errors != 0 {
		t.Errorf("status %+v", s)
	}
	stop()
	if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the connection outlived the server: %v", err)
	}
}

func TestTheOldSystemIsSilent(t *testing.T) {
	old := newOldSystem(t)
	old.silence = time.Hour
	base, l, stop := inFront(t, legacy.Options{URL: old.URL, Timeout: 50 * time.Millisecond}, limits)
	resp, text := send(t, "GET", base+"/slow", nil)
	if resp.StatusCode != http.StatusGatewayTimeout || !strings.Contains(text, "deadline_exceeded") {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
	stop()
	if s := l.Status().Rest; s.Requests != 1 || s.Errors != 1 {
		t.Errorf("status %+v", s)
	}
}

func TestTheOldSystemIsDown(t *testing.T) {
	old := newOldSystem(t)
	base, l, stop := inFront(t, legacy.Options{URL: old.URL}, limits)
	if _, text := send(t, "GET", base+"/half", nil); !strings.HasPrefix(text, "broken off") {
		t.Errorf("half an answer was taken for the whole: %q", text)
	}
	send(t, "GET", base+"/broken", nil)
	old.CloseClientConnections()
	old.Close()
	resp, text := send(t, "GET", base+"/old", nil)
	if resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(text, "cannot be reached") || resp.Header.Get("X-Frame-Options") != "DENY" {
		t.Errorf("one that is gone: %d %s", resp.StatusCode, text)
	}
	if strings.Contains(text, strings.TrimPrefix(old.URL, "http://")) {
		t.Errorf("the inner address stands in the answer: %s", text)
	}
	stop()
	if s := l.Status().Rest; s.Requests != 3 || s.Errors != 3 {
		t.Errorf("status %+v", s)
	}
}

func TestCirclesEnd(t *testing.T) {
	old := newOldSystem(t)
	var loop http.Handler
	self := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { loop.ServeHTTP(w, r) }))
	defer self.Close()
	l, err := legacy.New(legacy.Options{URL: self.URL, PublicURL: "https://banyan.test", Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	loop = http.HandlerFunc(l.NotFound)
	resp, text := send(t, "GET", self.URL+"/x", nil)
	if resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(text, "circle") {
		t.Errorf("a circle: %d %s", resp.StatusCode, text)
	}
	self.Close() // waits for both: they are counted after they are answered
	if n := l.Status().Rest.Requests; n != 2 {
		t.Errorf("the request went round %d times", n)
	}
	base, _, _ := inFront(t, legacy.Options{URL: old.URL}, limits)
	if resp, _ := send(t, "GET", base+"/x", nil, "Via: 1.1 edge, 1.0 banyan-other.test:80 (x)"); resp.StatusCode != http.StatusOK {
		t.Errorf("other proxies in front: %d", resp.StatusCode)
	}
	if resp, _ := send(t, "GET", base+"/x", nil, "Via: "+strings.Repeat("1.1 x, ", 20)+"1.1 x"); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a long way round: %d", resp.StatusCode)
	}
}

func TestOptionsThatMakeNoSense(t *testing.T) {
	for name, o := range map[string]legacy.Options{
		"no url":        {PublicURL: "http://b"},
		"a path":        {URL: "http://a/b", PublicURL: "http://b"},
		"itself":        {URL: "http://b", PublicURL: "http://b"},
		"no prefix":     {URL: "http://a", PublicURL: "http://b", Take: []legacy.Take{{Prefix: "reviews"}}},
		"a percentage":  {URL: "http://a", PublicURL: "http://b", Take: []legacy.Take{{Prefix: "/r", Percent: 101}}},
		"taken twice":   {URL: "http://a", PublicURL: "http://b", Take: []legacy.Take{{Prefix: "/r"}, {Prefix: "/r/"}}},
		"no public url": {URL: "http://a"},
	} {
		if _, err := legacy.New(o); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMetrics(t *testing.T) {
	old := newOldSystem(t)
	base, l, stop := inFront(t, legacy.Options{URL: old.URL, Take: []legacy.Take{{Prefix: "/reviews", Percent: 100}}}, limits)
	send(t, "GET", base+"/reviews/x", nil)
	send(t, "GET", base+"/broken", nil)
	stop()
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(l); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, label := range m.GetLabel() {
				name += " " + label.GetValue()
			}
			got[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	for name, want := range map[string]float64{
		"banyan_strangler_request_seconds /reviews banyan": 1, "banyan_strangler_request_seconds /reviews legacy": 0,
		"banyan_strangler_request_seconds  legacy": 1, "banyan_strangler_request_errors_total  legacy": 1,
		"banyan_strangler_taken_percent /reviews": 100,
	} {
		if have, there := got[name]; !there || have != want {
			t.Errorf("%s is %v, want %v (%v)", name, have, want, got)
		}
	}
}
