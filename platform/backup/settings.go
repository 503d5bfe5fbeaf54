package backup

import (
	"time"

	"banyan/platform/config"
)

// Settings say which backups the program makes by itself.
type Settings struct {
	Every           time.Duration `yaml:"every"`            // 0 = none
	Keep            int           `yaml:"keep"`             // of the schedule
	To              string        `yaml:"to"`               // folder; "" = backups in the data folder
	BeforeMigration bool          `yaml:"before_migration"` // SQLite alone
	KeepBefore      int           `yaml:"keep_before"`
}

const (
	leastEvery = 5 * time.Minute
	mostKept   = 1000
)

// Check refuses values out of range.
func (s Settings) Check(c *config.Checks) {
	if s.Every != 0 {
		c.AtLeast("every", s.Every, leastEvery)
		c.Within("keep", s.Keep, 1, mostKept)
	}
	if s.BeforeMigration {
		c.Within("keep_before", s.KeepBefore, 1, mostKept)
	}
}
