package ratelimit

import (
	"net/url"
	"os"
	"strconv"
	"strings"

	"banyan/platform/config"
)

// Settings say where Redis is. The zero value is without it.
type Settings struct {
	URL      string        `yaml:"url"` // redis://host:6379/0, or rediss:// for TLS; "" = every process counts by itself
	User     string        `yaml:"user"`
	Password config.Secret `yaml:"password"`
	CA       string        `yaml:"ca"`     // file of certificates, for a server with a CA of its own
	Prefix   string        `yaml:"prefix"` // of keys
}

// Enabled reports whether there is a server.
func (s Settings) Enabled() bool { return s.URL != "" }

// Check implements config.Checker.
func (s Settings) Check(c *config.Checks) {
	if !s.Enabled() {
		return
	}
	u, err := url.Parse(s.URL)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "" || (u.Scheme != "redis" && u.Scheme != "rediss"):
		c.Wrong("url", "is not the address of a Redis server: write redis://host:6379, or rediss://host:6379 for TLS, with /1 behind it for its database 1")
		return
	case u.User != nil:
		c.Wrong("url", "has a user in it, which would be logged: write %s and %s instead", c.Name("user"), c.Name("password"))
	case u.RawQuery != "" || u.Fragment != "":
		c.Wrong("url", "has more than a server and the number of a database: write redis://host:6379/0")
	default:
		if _, err := databaseOf(u); err != nil {
			c.Wrong("url", "has the path %q, where the number of a database belongs: write redis://host:6379/0", u.Path)
		}
	}
	if s.User != "" && s.Password == "" {
		c.Wrong("user", "needs %s", c.Name("password"))
	}
	if s.CA != "" {
		if u.Scheme != "rediss" {
			c.Wrong("ca", "is for TLS: begin %s with rediss://", c.Name("url"))
		}
		if _, err := os.Stat(s.CA); err != nil {
			c.Wrong("ca", "names a file that cannot be read: %v", err)
		}
	}
	if len(s.Prefix) == 0 || len(s.Prefix) > 64 || strings.ContainsAny(s.Prefix, " \t\r\n{}") {
		c.Wrong("prefix", "must have 1 to 64 characters, no space and no brace")
	}
}

// databaseOf returns the number in a server's URL.
func databaseOf(u *url.URL) (int, error) {
	path := strings.Trim(u.Path, "/")
	if path == "" {
		return 0, nil
	}
	number, err := strconv.ParseUint(path, 10, 16)
	return int(number), err
}
