package signin

import (
	"time"

	"banyan/platform/config"
	"banyan/platform/identity/signin/oidc"
	"banyan/platform/wallet"
)

// Settings say who is an operator, and how long sessions and tokens are valid.
type Settings struct {
	Operators       []wallet.Address `yaml:"operators"`
	SessionIdle     time.Duration    `yaml:"session_idle"`
	SessionAbsolute time.Duration    `yaml:"session_absolute"`
	SecondFactor    string           `yaml:"second_factor"` // optional or required
	OIDC            oidc.Settings    `yaml:"oidc"`
	TokenTTL        time.Duration    `yaml:"token_ttl"`
	SealKey         config.Secret    `yaml:"seal_key"`
	SecurityLogKeep time.Duration    `yaml:"security_log_keep"`
	// TrunkURL is scheme://host[:port] of the trunk, for a module that runs alone.
	TrunkURL string `yaml:"trunk_url"`
}

// What SecondFactor may be.
const (
	FactorOptional = "optional"
	FactorRequired = "required"
)

// Check implements config.Checker.
func (s Settings) Check(c *config.Checks) {
	c.AtLeast("session_idle", s.SessionIdle, time.Minute)
	c.AtLeast("session_absolute", s.SessionAbsolute, s.SessionIdle)
	if s.SecondFactor != FactorOptional && s.SecondFactor != FactorRequired {
		c.Wrong("second_factor", "is %q, must be %s or %s", s.SecondFactor, FactorOptional, FactorRequired)
	}
	s.OIDC.Check(c.Below("oidc"))
	c.AtLeast("token_ttl", s.TokenTTL, time.Second)
	c.AtLeast("security_log_keep", s.SecurityLogKeep, 24*time.Hour)
	if _, err := newSeal(s.SealKey); err != nil {
		c.Wrong("seal_key", "must be %d bytes in hex, as `openssl rand -hex %d` prints them", sealKeySize, sealKeySize)
	}
	c.Origin("trunk_url", s.TrunkURL)
	for n, w := range s.Operators {
		if w.IsZero() {
			c.Wrong("operators", "has the zero address as number %d, which cannot sign in: remove it", n+1)
		}
	}
}
