package service

import "banyan/platform/config"

// Settings are the module's section of config.yaml.
type Settings struct {
	MaxRows int `yaml:"max_rows"` // of one list
}

// Check implements config.Checker.
func (s Settings) Check(c *config.Checks) { c.Within("max_rows", s.MaxRows, 1, 1<<30) }
