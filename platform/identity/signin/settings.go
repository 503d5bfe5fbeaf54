package signin

import (
	"time"

	"banyan/platform/config"
	"banyan/platform/wallet"
)

// Settings say who is an operator, and how long sessions and tokens are valid.
type Settings struct {
	Operators       []wallet.Address `yaml:"operators"`
	SessionIdle     time.Duration    `yaml:"session_idle"`
	SessionAbsolute time.Duration    `yaml:"session_absolute"`
	TokenTTL        time.Duration    `yaml:"token_ttl"`
	// TrunkURL is scheme://host[:port] of the trunk, for a module that runs alone.
	TrunkURL string `yaml:"trunk_url"`
}

// Check implements config.Checker.
func (s Settings) Check(c *config.Checks) {
	c.AtLeast("session_idle", s.SessionIdle, time.Minute)
	c.AtLeast("session_absolute", s.SessionAbsolute, s.SessionIdle)
	c.AtLeast("token_ttl", s.TokenTTL, time.Second)
	c.Origin("trunk_url", s.TrunkURL)
	for n, w := range s.Operators {
		if w.IsZero() {
			c.Wrong("operators", "has the zero address as number %d, which cannot sign in: remove it", n+1)
		}
	}
}
