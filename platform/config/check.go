package config

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Checks collects the settings that are out of range. Keys are relative to the
// section that is checked.
type Checks struct {
	prefix string
	shared *[]Problem
}

// Below returns checks of the settings below key, which may be "".
func (c *Checks) Below(key string) *Checks {
	if c.shared == nil {
		c.shared = new([]Problem)
	}
	prefix := c.prefix
	if key != "" {
		prefix += key + "."
	}
	return &Checks{prefix: prefix, shared: c.shared}
}

func (c *Checks) found() []Problem {
	if c.shared == nil {
		return nil
	}
	return *c.shared
}

// Wrong records that a setting cannot be used, and why.
func (c *Checks) Wrong(key, format string, args ...any) {
	if c.shared == nil {
		c.shared = new([]Problem)
	}
	*c.shared = append(*c.shared, Problem{Key: c.prefix + key, Message: fmt.Sprintf(format, args...)})
}

// Name returns the full key of a setting, for messages.
func (c *Checks) Name(key string) string { return c.prefix + key }

// AtLeast requires a duration of least or more.
func (c *Checks) AtLeast(key string, d, least time.Duration) {
	if d < least {
		c.Wrong(key, "is %s, must be %s or more", d, least)
	}
}

// Within requires a number from least to most.
func (c *Checks) Within(key string, n, least, most int) {
	if n < least || n > most {
		c.Wrong(key, "is %d, must be from %d to %d", n, least, most)
	}
}

// Size requires a size of least or more.
func (c *Checks) Size(key string, b, least Bytes) {
	if b < least {
		c.Wrong(key, "is %s, must be %s or more", b, least)
	}
}

// Address requires host:port; with port 0 the system chooses.
func (c *Checks) Address(key, address string) {
	host, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil || strings.Contains(host, "/") {
		c.Wrong(key, "%q is not an address to listen on: write host:port, like 127.0.0.1:8080 or :8080", address)
	}
}

// Origin requires http(s)://host[:port] with nothing after it.
func (c *Checks) Origin(key, address string) {
	u, err := url.Parse(address)
	if host, port, splitErr := net.SplitHostPort(address); splitErr == nil && host != "" && isPort(port) {
		c.Wrong(key, "%q lacks its scheme: write http://%s, or https://%s", address, address, address)
		return
	}
	if err == nil && u.Port() != "" && !isPort(u.Port()) {
		c.Wrong(key, "%q has a port over 65535", address)
		return
	}
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		c.Wrong(key, "%q is not a URL: write one like https://banyan.example.org", address)
		return
	}
	if u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil || strings.HasSuffix(address, "?") {
		c.Wrong(key, "must end after the host and port: %s://%s", u.Scheme, u.Host)
	}
}

func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n > 0
}

// Rate requires requests per second, 0 for unlimited, and a burst.
func (c *Checks) Rate(key string, rate float64, burstKey string, burst int) {
	if rate < 0 || rate > 1e9 || rate != rate {
		c.Wrong(key, "is %v, must be 0 (unlimited) or more requests per second", rate)
	}
	if burst < 1 {
		c.Wrong(burstKey, "is %d, must be 1 or more", burst)
	}
}
