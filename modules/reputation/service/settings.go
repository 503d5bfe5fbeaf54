package service

import (
	"time"

	"banyan/platform/config"
	"banyan/platform/wallet"
)

// Settings are the module's section of config.yaml.
type Settings struct {
	Seeds    []wallet.Address `yaml:"seeds"`
	Alpha    float64          `yaml:"alpha"`   // 0 < alpha < 1
	Epsilon  float64          `yaml:"epsilon"` // > 0
	Schedule config.Interval  `yaml:"schedule"`
}

// Check implements config.Checker.
func (s Settings) Check(c *config.Checks) {
	if !(s.Alpha > 0 && s.Alpha < 1) {
		c.Wrong("alpha", "is %v, must be between 0 and 1", s.Alpha)
	}
	if !(s.Epsilon > 0 && s.Epsilon < 1) {
		c.Wrong("epsilon", "is %v, must be between 0 and 1, like 1e-10", s.Epsilon)
	}
	if s.Schedule != 0 && s.Schedule < config.Interval(time.Second) {
		c.Wrong("schedule", "is %s, must be off or 1s or more", s.Schedule)
	}
	if s.Schedule != 0 && len(s.Seeds) == 0 {
		c.Wrong("schedule", "is %s, but %s is empty: name the wallets that are trusted from the start, or turn it off", s.Schedule, c.Name("seeds"))
	}
}
