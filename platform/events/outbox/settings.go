package outbox

import (
	"time"

	"banyan/platform/config"
)

// Settings are the settings of every relay.
type Settings struct {
	Poll        time.Duration `yaml:"poll"`
	MaxAttempts int           `yaml:"max_attempts"`
	Keep        time.Duration `yaml:"keep"`
}

// Check implements config.Checker.
func (s Settings) Check(c *config.Checks) {
	c.AtLeast("poll", s.Poll, 10*time.Millisecond)
	c.Within("max_attempts", s.MaxAttempts, 1, 1000)
	c.AtLeast("keep", s.Keep, time.Minute)
}
