package oidc

import (
	"net/url"
	"strings"
	"time"

	"banyan/platform/config"
	"banyan/platform/identity"
)

// Settings name the provider at which staff sign in.
type Settings struct {
	Issuer       string        `yaml:"issuer"` // "" = there is none
	Name         string        `yaml:"name"`   // on the button; "" = the issuer's host
	ClientID     string        `yaml:"client_id"`
	ClientSecret config.Secret `yaml:"client_secret"`
	Scopes       []string      `yaml:"scopes"` // besides openid
	RoleClaim    string        `yaml:"role_claim"`
	Roles        []string      `yaml:"roles"` // "role value of the claim"
	Domains      []string      `yaml:"domains"`
	MaxAge       time.Duration `yaml:"max_age"`
}

// Check implements config.Checker.
func (s Settings) Check(c *config.Checks) {
	c.AtLeast("max_age", s.MaxAge, time.Minute)
	if _, problem := rolesOf(s.Roles); problem != "" {
		c.Wrong("roles", "%q is not a role and a value of the claim: write [\"operator banyan-operators\"]", problem)
	}
	for _, d := range s.Domains {
		if d == "" || strings.ContainsAny(d, "@/:* ") {
			c.Wrong("domains", "%q is not a domain: write it as it stands behind the @, like example.org", d)
		}
	}
	if s.Issuer == "" {
		return
	}
	if u, err := url.Parse(s.Issuer); err != nil || !isSafe(u) || u.RawQuery != "" || u.Fragment != "" {
		c.Wrong("issuer", "%q is not a provider's address: write it as the provider does, with https (http on loopback alone), like https://login.example.org/realms/staff", s.Issuer)
	}
	if s.ClientID == "" {
		c.Wrong("client_id", "is empty: write the id that the provider has given this site")
	}
	if len(s.Roles) > 0 && s.RoleClaim == "" {
		c.Wrong("role_claim", "is empty, and roles has values of it: name the claim, like groups")
	}
}

// rolesOf reads "operator banyan-operators"; problem is an entry that cannot be read.
func rolesOf(entries []string) (roles map[string]identity.Role, problem string) {
	roles = make(map[string]identity.Role, len(entries))
	for _, entry := range entries {
		name, value, _ := strings.Cut(entry, " ")
		role, err := identity.ParseRole(name)
		if value = strings.TrimSpace(value); err != nil || value == "" || role <= identity.Member {
			return nil, entry
		}
		roles[value] = max(roles[value], role)
	}
	return roles, ""
}

// Open returns the provider of these settings, nil where there is none.
func (s Settings) Open(now func() time.Time) *Provider {
	if s.Issuer == "" {
		return nil
	}
	roles, _ := rolesOf(s.Roles) // Check has read them
	return New(Options{
		Issuer: s.Issuer, ClientID: s.ClientID, ClientSecret: s.ClientSecret.Reveal(), Scopes: s.Scopes,
		RoleClaim: s.RoleClaim, Roles: roles, Domains: s.Domains, Now: now,
	})
}

// Title is what people read on the button.
func (s Settings) Title() string {
	if s.Name != "" {
		return s.Name
	}
	u, err := url.Parse(s.Issuer)
	if err != nil {
		return s.Issuer
	}
	return u.Host
}
