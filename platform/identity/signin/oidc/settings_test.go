package oidc_test

import (
	"strings"
	"testing"

	"banyan/platform/config"
	"banyan/platform/identity/signin/oidc"
)

const defaults = `
oidc:
  # as in config.yaml
  issuer: ""
  name: ""
  client_id: ""
  client_secret: ""
  scopes: [email]
  role_claim: ""
  roles: []
  domains: []
  max_age: 8h
`

// load returns the settings with these instead of the defaults.
func load(set map[string]string) (oidc.Settings, error) {
	var s oidc.Settings
	env := make([]string, 0, len(set))
	for name, value := range set {
		env = append(env, "BANYAN_OIDC_"+name+"="+value)
	}
	_, err := config.Load(config.Options{Defaults: []byte(defaults), Env: env, File: "/dev/null"}, config.Section{Key: "oidc", Into: &s})
	return s, err
}

// with returns settings that work, with these instead.
func with(changes ...string) map[string]string {
	set := map[string]string{"ISSUER": "https://login.example.org/realms/staff", "CLIENT_ID": "banyan", "CLIENT_SECRET": "s3cr3t-s3cr3t"}
	for i := 0; i < len(changes); i += 2 {
		set[changes[i]] = changes[i+1]
	}
	return set
}

func TestSettingsThatCannotWorkAreRefused(t *testing.T) {
	for _, c := range [][3]string{
		{"ISSUER", "http://login.example.org", "oidc.issuer"},
		{"ISSUER", "login.example.org", "oidc.issuer"},
		{"ISSUER", "https://login.example.org?a=b", "oidc.issuer"},
		{"ISSUER", "https://user@login.example.org", "oidc.issuer"},
		{"CLIENT_ID", "", "oidc.client_id: is empty"},
		{"ROLES", "operator staff", "oidc.role_claim: is empty"},
		{"ROLES", "king staff", "oidc.roles"},
		{"ROLES", "member staff", "oidc.roles"},
		{"ROLES", "operator", "oidc.roles"},
		{"DOMAINS", "alice@example.org", "oidc.domains"},
		{"DOMAINS", "*.example.org", "oidc.domains"},
		{"MAX_AGE", "10s", "oidc.max_age"},
	} {
		_, err := load(with(c[0], c[1]))
		if err == nil || !strings.Contains(err.Error(), c[2]) || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: %v", c[:2], err)
		}
	}
	s, err := load(with("ROLE_CLAIM", "groups", "ROLES", "operator banyan operators,moderator support", "DOMAINS", "example.org"))
	if err != nil || s.Title() != "login.example.org" || s.Open(nil) == nil || len(s.Roles) != 2 {
		t.Errorf("got %+v, %v", s, err)
	}
	if s, err := load(nil); err != nil || s.Open(nil) != nil {
		t.Errorf("without a provider: %+v, %v", s, err)
	}
	if s, err := load(with("ISSUER", "http://127.0.0.1:5556/dex", "NAME", "Dex")); err != nil || s.Title() != "Dex" {
		t.Errorf("on loopback: %+v, %v", s, err)
	}
}
