package rollout

import (
	"time"

	"banyan/platform/config"
	"banyan/platform/seam"
)

// Settings say where one module runs, until an operator decides.
type Settings struct {
	Mode    Mode          `yaml:"mode"`
	URL     config.URLs   `yaml:"url"`     // scheme://host[:port], needed when remote
	Timeout time.Duration `yaml:"timeout"` // of one remote call
}

// Mode says where a module runs at the start, until an operator decides.
type Mode string

// The modes that a settings file may name.
const (
	StartLocal  Mode = "local"
	StartRemote Mode = "remote"
)

// UnmarshalText reads a mode's name.
func (m *Mode) UnmarshalText(text []byte) error {
	return config.OneOf(m, text, StartLocal, StartRemote)
}

// Place is where the module runs by these settings.
func (s Settings) Place() Place {
	p := Place{Mode: seam.ModeLocal, URLs: s.URL}
	if s.Mode == StartRemote {
		p.Mode = seam.ModeRemote
	}
	return p
}

// Check implements config.Checker.
func (s Settings) Check(c *config.Checks) {
	c.AtLeast("timeout", s.Timeout, time.Millisecond)
	for _, address := range s.URL {
		c.Origin("url", address)
	}
	if len(s.URL) == 0 && s.Mode == StartRemote {
		c.Wrong("url", "is empty, but %s is remote: say where it runs, like http://127.0.0.1:8081", c.Name("mode"))
	}
}
