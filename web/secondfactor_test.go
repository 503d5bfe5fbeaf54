package web_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"banyan/web/webtest"
)

var (
	shownSecret   = regexp.MustCompile(`id="totp-secret">([A-Z2-7 ]+)<`)
	shownRecovery = regexp.MustCompile(`<li><code>((?:[A-Z2-7]{4}-){5}[A-Z2-7]{4})</code></li>`)
)

func codeAt(t *testing.T, secret string, steps int) url.Values {
	t.Helper()
	code, err := totp.GenerateCode(secret, time.Now().Add(time.Duration(steps)*30*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	return url.Values{"code": {code}}
}

// turnOn sets a second factor up and returns its secret and the recovery codes.
func (v *visitor) turnOn() (secret string, recovery []string) {
	v.t.Helper()
	if status, page := v.form("/second-factor/begin", url.Values{}); status != 200 || !strings.Contains(page, "Set up your app") {
		v.t.Fatalf("begin: %d", status)
	}
	page := v.get("/second-factor", 200)
	contains(v.t, page, `<svg class="qr"`, "otpauth://totp/", "one-time-code")
	found := shownSecret.FindStringSubmatch(page)
	if found == nil {
		v.t.Fatal("the secret is not on the page as text")
	}
	secret = strings.ReplaceAll(found[1], " ", "")
	if !strings.Contains(html.UnescapeString(page), "secret="+secret) {
		v.t.Error("the link has another secret")
	}
	status, page := v.form("/second-factor/confirm", codeAt(v.t, secret, -1))
	if status != 200 {
		v.t.Fatalf("confirm: %d", status)
	}
	for _, code := range shownRecovery.FindAllStringSubmatch(page, -1) {
		recovery = append(recovery, code[1])
	}
	if len(recovery) != 10 {
		v.t.Fatalf("there are %d recovery codes", len(recovery))
	}
	return secret, recovery
}

func TestAnOperatorSetsASecondFactorUpAndIsAskedForIt(t *testing.T) {
	s := webtest.Full(t)
	v := newVisitor(t, s)
	contains(t, v.get("/second-factor", 200), "data-sign-in") // led to the sign-in
	v.signIn(s.Operator)
	contains(t, v.get("/sessions", 200), "/second-factor")
	contains(t, v.get("/second-factor", 200), "Set up a second factor")
	if status, page := v.form("/second-factor/confirm", url.Values{"code": {"123456"}}); status != http.StatusConflict || !strings.Contains(page, "begin again") {
		t.Errorf("confirm what was not begun: %d", status)
	}
	secret, recovery := v.turnOn()
	page := v.get("/second-factor", 200)
	contains(t, page, "You have given it in this session", "Recovery codes left: 10")
	for _, hidden := range append(recovery, secret, "otpauth:") {
		if strings.Contains(page, hidden) {
			t.Error("a secret is shown again")
		}
	}
	v.get("/operator", 200)

	other := newVisitor(t, s)
	other.signIn(s.Operator)
	contains(t, other.get("/", 200), "Give your second factor")
	for _, path := range []string{"/operator", "/operator/access", "/operator/seeds", "/operator/schedule", "/operator/imports", "/operator/modules"} {
		contains(t, other.get(path, 200), "Give a code", `name="next" value="`+path+`"`)
	}
	if status, page := other.form("/operator/access/role", url.Values{"wallet": {webtest.AddressOf(s.DemoKey).String()}, "role": {"operator"}}); status != 403 || !strings.Contains(page, "needs your second factor") {
		t.Errorf("give a role without the second factor: %d", status)
	}
	wrong := url.Values{"code": {"abc"}, "next": {"/operator/access"}}
	if status, page := other.form("/second-factor", wrong); status != 400 || !strings.Contains(page, `name="next" value="/operator/access"`) || !strings.Contains(page, "This is no code") {
		t.Errorf("what is no code: %d", status)
	}
	if status, _ := other.post("/second-factor", "application/x-www-form-urlencoded", codeAt(t, secret, 0).Encode()); status != 403 {
		t.Errorf("without the session's token: %d", status)
	}
	right := codeAt(t, secret, 0)
	right.Set("next", "/operator/access")
	if status, page := other.form("/second-factor", right); status != 200 || !strings.Contains(page, "Roles and tokens") {
		t.Errorf("a right code: %d", status)
	}
	for _, away := range []string{"https://evil.example", "//evil.example", `/\evil.example`} {
		elsewhere := newVisitor(t, s)
		elsewhere.signIn(s.Operator)
		elsewhere.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		fields := url.Values{"code": {recovery[0]}, "next": {away}, "csrf": {elsewhere.csrf()}}
		recovery = recovery[1:]
		resp, _ := elsewhere.fetch(http.MethodPost, "/second-factor", "application/x-www-form-urlencoded", fields.Encode())
		if at := resp.Header.Get("Location"); resp.StatusCode != http.StatusSeeOther || at != "/" {
			t.Errorf("next %s leads to %d %q", away, resp.StatusCode, at)
		}
	}
	if status, page := other.form("/second-factor/recovery-codes", url.Values{"code": {recovery[0]}}); status != 200 || len(shownRecovery.FindAllString(page, -1)) != 10 {
		t.Errorf("new recovery codes: %d", status)
	}
	if status, page := other.form("/second-factor/end", codeAt(t, secret, 1)); status != 200 || !strings.Contains(page, "Your second factor is off") {
		t.Errorf("turn it off: %d", status)
	}
	if page := v.get("/", 200); strings.Contains(page, "Give your second factor") {
		t.Error("it is asked for though it is off")
	}
	contains(t, v.get("/operator/users/"+webtest.AddressOf(s.Operator).String(), 200), "no second factor")
	contains(t, v.get("/operator/security-log?what=second-factor-set", 200), "turned on", "turned off")
}

func TestAMemberHasNothingToProtectByASecondFactor(t *testing.T) {
	s := webtest.Full(t)
	v := newVisitor(t, s)
	v.signIn(webtest.Key(t, "alice"))
	page := v.get("/second-factor", 200)
	contains(t, page, "there is nothing to set up")
	if strings.Contains(page, "/second-factor/begin") {
		t.Error("a member can set one up")
	}
	if status, page := v.form("/second-factor/begin", url.Values{}); status != 403 || !strings.Contains(page, "for moderators and operators") {
		t.Errorf("begin: %d", status)
	}
	if status, _ := newVisitor(t, s).post("/second-factor/begin", "application/x-www-form-urlencoded", ""); status != 401 {
		t.Errorf("nobody began: %d", status)
	}
}
