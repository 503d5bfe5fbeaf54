package rollout

import (
	"time"

	"banyan/platform/config"
)

// Settings say where one module runs, until an operator decides.
type Settings struct {
	Mode    Mode          `yaml:"mode"`
	URL     config.URLs   `yaml:"url"`     // scheme://host[:port], needed when remote
	Timeout time.Duration `yaml:"timeout"` // of one remote call
}

// Mode says where a module runs.
type Mode string

// The modes that a settings file knows.
const (
	Local  Mode = "local"
	Remote Mode = "remote"
)

// UnmarshalText reads a mode's name.
func (m *Mode) UnmarshalText(text []byte) error { return config.OneOf(m, text, Local, Remote) }

// Check implements config.Checker.
func (s Settings) Check(c *config.Checks) {
	c.AtLeast("timeout", s.Timeout, time.Millisecond)
	for _, address := range s.URL {
		c.Origin("url", address)
	}
	if len(s.URL) == 0 && s.Mode == Remote {
		c.Wrong("url", "is empty, but %s is remote: say where it runs, like http://127.0.0.1:8081", c.Name("mode"))
	}
}
