package jetstream

import (
	"net/url"
	"os"
	"regexp"
	"time"

	"banyan/platform/config"
)

// Settings say where NATS is and how streams are kept there.
type Settings struct {
	URL         []string      `yaml:"url"` // servers of one cluster
	User        string        `yaml:"user"`
	Password    config.Secret `yaml:"password"`
	Token       config.Secret `yaml:"token"`
	Credentials string        `yaml:"credentials"` // file of a JWT and its nkey
	CA          string        `yaml:"ca"`          // file of certificates, for servers with a CA of their own
	Prefix      string        `yaml:"prefix"`      // of streams and subjects
	Replicas    int           `yaml:"replicas"`    // of each stream
	MaxBytes    config.Bytes  `yaml:"max_bytes"`   // of each stream
	MaxAge      time.Duration `yaml:"max_age"`     // of a message
}

var prefixes = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)

// Check implements config.Checker.
func (s Settings) Check(c *config.Checks) {
	if len(s.URL) == 0 {
		c.Wrong("url", "is empty: write the address of a NATS server, like nats://127.0.0.1:4222")
	}
	for _, address := range s.URL {
		u, err := url.Parse(address)
		switch {
		case err != nil || u.Host == "" || (u.Scheme != "nats" && u.Scheme != "tls"):
			c.Wrong("url", "has an address that is not one of a NATS server: write nats://host:4222, or tls://host:4222")
		case u.User != nil:
			c.Wrong("url", "has a user in it, which would be logged: write %s and %s instead", c.Name("user"), c.Name("password"))
		}
	}
	if (s.User == "") != (s.Password == "") {
		c.Wrong("user", "and %s belong together: set both or neither", c.Name("password"))
	}
	ways := 0
	for _, set := range []bool{s.User != "", s.Token != "", s.Credentials != ""} {
		if set {
			ways++
		}
	}
	if ways > 1 {
		c.Wrong("token", "user and credentials are three ways to sign in to NATS: set one of them")
	}
	for key, file := range map[string]string{"credentials": s.Credentials, "ca": s.CA} {
		if file == "" {
			continue
		}
		if _, err := os.Stat(file); err != nil {
			c.Wrong(key, "names a file that cannot be read: %v", err)
		}
	}
	if !prefixes.MatchString(s.Prefix) {
		c.Wrong("prefix", "must be 1 to 32 letters, digits, - or _")
	}
	c.Within("replicas", s.Replicas, 1, 5)
	c.AtLeast("max_age", s.MaxAge, time.Minute)
	if s.MaxBytes < 1<<20 {
		c.Wrong("max_bytes", "is %s, and must be 1 MiB or more", s.MaxBytes)
	}
}
