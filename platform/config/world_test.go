package config_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"banyan/platform/config"
)

// The settings of a small program, with a default of every type there is.
const defaults = `# Where it listens.
listen: 127.0.0.1:8080
data: ./data
secret: ""
http:
  rate: 50.0
  burst: 200
  body_limit: 1 MiB
  read_timeout: 30s
  pprof: false
jobs:
  schedule: off
  alpha: 0.15
  max_rows: 10000000
modules:
  exchange-review:
    mode: local
    url: ""
trust:
  seeds: []
`

// program takes all settings but those of its jobs and of trust, which are
// sections of their own.
type program struct {
	Listen  string            `yaml:"listen"`
	Data    string            `yaml:"data"`
	Secret  config.Secret     `yaml:"secret"`
	HTTP    server            `yaml:"http"`
	Modules map[string]module `yaml:"modules"`
}

type server struct {
	Rate        float64       `yaml:"rate"`
	Burst       int           `yaml:"burst"`
	BodyLimit   config.Bytes  `yaml:"body_limit"`
	ReadTimeout time.Duration `yaml:"read_timeout"`
	Pprof       bool          `yaml:"pprof"`
}

type module struct {
	Mode mode        `yaml:"mode"`
	URL  config.URLs `yaml:"url"`
}

type mode string

func (m *mode) UnmarshalText(text []byte) error { return config.OneOf(m, text, "local", "remote") }

type jobs struct {
	Schedule config.Interval `yaml:"schedule"`
	Alpha    float64         `yaml:"alpha"`
	MaxRows  int             `yaml:"max_rows"`
}

type trust struct {
	Seeds []color `yaml:"seeds"`
}

// color is a text with a form of its own, #rrggbb.
type color [3]byte

func (c *color) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(strings.TrimPrefix(string(text), "#"))
	if err != nil || len(b) != len(c) {
		return fmt.Errorf("%q is no color: write #rrggbb", text)
	}
	copy(c[:], b)
	return nil
}

func (c color) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "#%x", c[:]), nil }

// Check implements config.Checker.
func (p *program) Check(c *config.Checks) {
	c.Address("listen", p.Listen)
	c.Within("http.burst", p.HTTP.Burst, 1, 1000)
	http := c.Below("http")
	http.Size("body_limit", p.HTTP.BodyLimit, 1<<10)
	http.AtLeast("read_timeout", p.HTTP.ReadTimeout, 100*time.Millisecond)
	http.Rate("rate", p.HTTP.Rate, "burst", max(p.HTTP.Burst, 1))
	for name, m := range p.Modules {
		for _, address := range m.URL {
			c.Origin("modules."+name+".url", address)
		}
		if len(m.URL) == 0 && m.Mode == "remote" {
			c.Below("modules."+name).Wrong("url", "is empty, but %s is remote", c.Below("modules."+name).Name("mode"))
		}
	}
}

// Check implements config.Checker.
func (j *jobs) Check(c *config.Checks) {
	if j.Alpha < 0 || j.Alpha > 1 || j.Alpha != j.Alpha {
		c.Wrong("alpha", "is %v, must be from 0 to 1", j.Alpha)
	}
}

// settings are all sections.
type settings struct {
	program program
	jobs    jobs
	trust   trust
}

func (s *settings) sections() []config.Section {
	return []config.Section{{Into: &s.program}, {Key: "jobs", Into: &s.jobs}, {Key: "trust", Into: &s.trust}}
}

// load reads the defaults with an operator's file of this content ("" = no file).
func load(t testing.TB, file string, env []string, flags map[string]string) (settings, *config.Loaded, error) {
	t.Helper()
	o := config.Options{Defaults: []byte(defaults), Env: env, Flags: flags}
	if file != "" {
		o.File = filepath.Join(t.TempDir(), "banyan.yaml")
		if err := os.WriteFile(o.File, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return loadAll(o)
}

func loadAll(o config.Options) (settings, *config.Loaded, error) {
	var s settings
	loaded, err := config.Load(o, s.sections()...)
	return s, loaded, err
}

func mustLoad(t testing.TB, file string, env []string, flags map[string]string) (settings, *config.Loaded) {
	t.Helper()
	s, loaded, err := load(t, file, env, flags)
	if err != nil {
		t.Fatal(err)
	}
	return s, loaded
}

// problems are the keys of what is wrong, in order.
func problems(t *testing.T, err error) (keys []string) {
	t.Helper()
	var e *config.Error
	if !errors.As(err, &e) {
		t.Fatalf("the error names no settings: %v", err)
	}
	for _, p := range e.Problems {
		keys = append(keys, p.Key)
	}
	return keys
}
