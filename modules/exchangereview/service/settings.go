package service

import (
	"time"

	"banyan/platform/config"
)

// Settings are the module's section of config.yaml.
type Settings struct {
	Epochs        config.Interval `yaml:"epochs"`
	Premoderation string          `yaml:"premoderation"` // off, newcomers or everybody
}

// Check implements config.Checker.
func (s Settings) Check(c *config.Checks) {
	if s.Epochs != 0 && s.Epochs < config.Interval(time.Minute) {
		c.Wrong("epochs", "is %s, must be off or 1m or more", s.Epochs)
	}
	switch s.Premoderation {
	case "off", Newcomers, Everybody:
	default:
		c.Wrong("premoderation", "is %q, must be off, newcomers or everybody", s.Premoderation)
	}
}
