package legacy

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"banyan/platform/config"
)

// Settings put Banyan in front of a system that is there already.
type Settings struct {
	Legacy  string        `yaml:"legacy"` // scheme://host[:port], "" = none
	Host    string        `yaml:"host"`   // that it is asked for, "" = the client's
	Timeout time.Duration `yaml:"timeout"`
	Take    []Take        `yaml:"take"`
}

// Check implements config.Checker.
func (s Settings) Check(c *config.Checks) {
	c.AtLeast("timeout", s.Timeout, 100*time.Millisecond)
	if s.Legacy != "" {
		c.Origin("legacy", s.Legacy)
	} else if len(s.Take) > 0 {
		c.Wrong("take", "is set, but %s is not: there is nothing to take from", c.Name("legacy"))
	}
}

// UnmarshalText reads "/reviews 10 %" or "/reviews 10".
func (t *Take) UnmarshalText(text []byte) error {
	prefix, share, found := strings.Cut(strings.TrimSpace(string(text)), " ")
	percent, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(share, "%")), 64)
	if !found || err != nil || !strings.HasPrefix(prefix, "/") || !(percent >= 0 && percent <= 100) {
		return fmt.Errorf("%q is no share of a prefix: write it like \"/reviews 10 %%\"", text)
	}
	t.Prefix, t.Percent = prefix, percent
	return nil
}

// MarshalText is the way back.
func (t Take) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%s %g %%", t.Prefix, t.Percent), nil
}
