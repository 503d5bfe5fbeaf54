package legacy

import (
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"banyan/platform/config"
)

// Settings put Banyan in front of a system that is there already.
type Settings struct {
	URL         string        `yaml:"url"`          // scheme://host[:port], "" = none
	Prefix      string        `yaml:"prefix"`       // of Banyan's own pages, like /banyan
	OperatorURL string        `yaml:"operator_url"` // scheme://host[:port], "" = public_url
	Host        string        `yaml:"host"`         // that it is asked for, "" = the client's
	Timeout     time.Duration `yaml:"timeout"`
	IdleTimeout time.Duration `yaml:"idle_timeout"` // of connections to it
	CA          string        `yaml:"ca"`           // PEM file, "" = what the machine trusts
	PassHeaders []string      `yaml:"pass_headers"` // that say who the client is
	Take        []Take        `yaml:"take"`
}

// Renamed returns the names of the section's settings in the release before, with
// those of today relative to the section.
func (Settings) Renamed() map[string]string {
	return map[string]string{
		"strangler.legacy": "url", "strangler.prefix": "prefix", "strangler.operator_url": "operator_url", "strangler.host": "host", "strangler.timeout": "timeout",
		"strangler.idle_timeout": "idle_timeout", "strangler.ca": "ca", "strangler.pass_headers": "pass_headers", "strangler.take": "take",
	}
}

// prefixPath is a path without escapes, dots and a slash at the end: it stands
// unchanged in links.
var prefixPath = regexp.MustCompile(`^(/[A-Za-z0-9_~-]+)+$`)

var headerName = regexp.MustCompile(`^[A-Za-z0-9!#$%&'*+.^_|~-]+$`)

// CheckWith reports what is out of range, also beside the program's public URL.
func (s Settings) CheckWith(c *config.Checks, publicURL string) {
	c.AtLeast("timeout", s.Timeout, 100*time.Millisecond)
	c.AtLeast("idle_timeout", s.IdleTimeout, 10*time.Millisecond)
	if !prefixPath.MatchString(s.Prefix) || s.Prefix == "/api" || strings.HasPrefix(s.Prefix, "/api/") {
		c.Wrong("prefix", "%q must be a path outside of /api, without a slash at its end, like /banyan", s.Prefix)
	}
	for _, name := range s.PassHeaders {
		if !headerName.MatchString(name) {
			c.Wrong("pass_headers", "%q is not a name of a header: write one like X-Real-IP", name)
		}
	}
	if s.URL != "" {
		c.Origin("url", s.URL)
		s.checkOperatorURL(c, publicURL)
		if s.CA != "" && !strings.HasPrefix(s.URL, "https:") {
			c.Wrong("ca", "is set, but %s is not https: there is no certificate to verify", c.Name("url"))
		}
		return
	}
	if len(s.Take) > 0 {
		c.Wrong("take", "is set, but %s is not: there is nothing to take from", c.Name("url"))
	}
	if s.OperatorURL != "" {
		c.Wrong("operator_url", "is set, but %s is not: nobody else is at public_url, so operators work there", c.Name("url"))
	}
}

// checkOperatorURL wants another host than public_url, since a browser sends the
// cookies of a host to all its ports, and one as safe as it.
func (s Settings) checkOperatorURL(c *config.Checks, publicURL string) {
	if s.OperatorURL == "" {
		return
	}
	c.Origin("operator_url", s.OperatorURL)
	own, err := url.Parse(s.OperatorURL)
	public, publicErr := url.Parse(publicURL)
	switch {
	case err != nil || publicErr != nil: // reported already
	case strings.EqualFold(own.Hostname(), public.Hostname()):
		c.Wrong("operator_url", "has the host of public_url: browsers share cookies between the ports of a host, so give it a name of its own, like operator.%s", public.Hostname())
	case own.Scheme != public.Scheme:
		c.Wrong("operator_url", "is %s and public_url is %s: both must be the same", own.Scheme, public.Scheme)
	}
}

// UnmarshalText reads "/exchanges 10 %" or "/exchanges 10".
func (t *Take) UnmarshalText(text []byte) error {
	prefix, share, found := strings.Cut(strings.TrimSpace(string(text)), " ")
	percent, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(share, "%")), 64)
	if !found || err != nil || !strings.HasPrefix(prefix, "/") || !(percent >= 0 && percent <= 100) {
		return fmt.Errorf("%q is not a share of a prefix: write it like \"/exchanges 10 %%\"", text)
	}
	t.Prefix, t.Percent = prefix, percent
	return nil
}

// MarshalText is the way back.
func (t Take) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%s %g %%", t.Prefix, t.Percent), nil
}
