package signin

import (
	"time"

	"banyan/platform/config"
	"banyan/platform/wallet"
)

// Settings say who may do what, and for how long.
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
			c.Wrong("operators", "holds the zero address as number %d: nobody can sign in with it, leave it out", n+1)
		}
	}
}
