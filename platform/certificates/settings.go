package certificates

import "banyan/platform/config"

// Settings name the certificates for connections between Banyan's own
// processes; all three files or none.
type Settings struct {
	Cert   string `yaml:"cert"`
	Key    string `yaml:"key"`
	CA     string `yaml:"ca"`
	Listen string `yaml:"listen"` // host:port of one more address, "" = none
}

// Enabled reports whether connections between processes are encrypted.
func (s Settings) Enabled() bool { return s.Cert != "" }

// Check implements config.Checker.
func (s Settings) Check(c *config.Checks) {
	if (s.Cert == "") != (s.Key == "") || (s.Cert == "") != (s.CA == "") {
		c.Wrong("cert", "needs %s and %s beside it: set all three, or none for plain http", c.Name("key"), c.Name("ca"))
	}
	if s.Listen == "" {
		return
	}
	c.Address("listen", s.Listen)
	if !s.Enabled() {
		c.Wrong("listen", "needs %s, %s and %s", c.Name("cert"), c.Name("key"), c.Name("ca"))
	}
}
