package process_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"banyan/platform/identity/signin"
	"banyan/platform/testenv/oidctest"
	"banyan/platform/testenv/testneeds"
)

// TestStaffGoToTheProviderAndBack starts the program with a provider of staff accounts in
// each of the places where its pages may be: the address that the provider leads back to
// is one that the program answers.
func TestStaffGoToTheProviderAndBack(t *testing.T) {
	old := oldSystem(t)
	for name, c := range map[string]struct {
		path, own string // of the site at its host; the operators' host
		env       []string
	}{
		"the whole host":                    {},
		"below a path":                      {path: "/app"},
		"beside a legacy system":            {path: "/banyan", env: []string{"BANYAN_LEGACY_URL=" + old.URL}},
		"beside it, at a host of their own": {path: "/banyan", own: "localhost", env: []string{"BANYAN_LEGACY_URL=" + old.URL}},
	} {
		t.Run(name, func(t *testing.T) {
			provider, boss, listen := oidctest.New(t, time.Now), newAuthor(7), testneeds.Address(t)
			provider.Person(map[string]any{"sub": "1", "email": "boss@example.org", "email_verified": true})
			secret := filepath.Join(t.TempDir(), "secret")
			if err := os.WriteFile(secret, []byte(oidctest.ClientSecret+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			site := "http://" + listen
			env := append(c.env, "BANYAN_IDENTITY_OPERATORS="+boss.address.String(), "BANYAN_IDENTITY_SECOND_FACTOR=required",
				"BANYAN_IDENTITY_OIDC_ISSUER="+provider.URL, "BANYAN_IDENTITY_OIDC_CLIENT_ID="+oidctest.ClientID, "BANYAN_IDENTITY_OIDC_CLIENT_SECRET_FILE="+secret)
			switch {
			case c.own != "":
				env = append(env, "BANYAN_PUBLIC_URL="+site)
				site = strings.Replace(site, "127.0.0.1", c.own, 1)
				env = append(env, "BANYAN_LEGACY_OPERATOR_URL="+site)
			case len(c.env) == 0:
				env = append(env, "BANYAN_PUBLIC_URL="+site+c.path)
			default:
				env = append(env, "BANYAN_PUBLIC_URL="+site)
			}
			trunk := place{[]string{"BANYAN_DATA=" + t.TempDir()}}.start(t, env, "--listen", listen)
			jar, err := cookiejar.New(nil)
			if err != nil {
				t.Fatal(err)
			}
			browser := http.Client{Jar: jar}
			get := func(path string) (at, text string) {
				t.Helper()
				resp, err := browser.Get(site + c.path + path)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				body, err := io.ReadAll(resp.Body)
				if err != nil || resp.StatusCode != http.StatusOK {
					t.Fatalf("%s: %s %v %.500s\n%s", path, resp.Status, err, body, trunk.logged())
				}
				return resp.Request.URL.String(), string(body)
			}
			if _, page := get("/sign-in"); !strings.Contains(page, "Sign in at "+strings.TrimPrefix(provider.URL, "http://")) {
				t.Error("the sign-in does not offer the provider")
			}
			at, page := get("/sign-in/provider?next=/operator")
			if at != site+c.path+"/sign-in/provider/link" || !strings.Contains(page, "boss@example.org") {
				t.Errorf("back from the provider it is at %s: %.300s", at, page)
			}
			if provider.Calls("/token") != 1 || !strings.Contains(trunk.logged(), signin.CallbackPath) {
				t.Error("the provider was not asked, or the request is not in the log")
			}
			for _, hidden := range []string{oidctest.ClientSecret, "code="} {
				if strings.Contains(trunk.logged(), hidden) {
					t.Errorf("%q is in the log", hidden)
				}
			}
			if c.path == "/app" {
				return // its wallets sign another address than this client's
			}
			if me := signIn(t, site, boss)("/api/v1/identity/me"); !strings.Contains(me, `"role":"member"`) || !strings.Contains(me, `"second_factor":"not set up"`) {
				t.Errorf("an operator without the second factor: %s", me)
			}
		})
	}
}
