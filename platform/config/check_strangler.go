package config

import (
	"net/url"
	"regexp"
	"strings"
	"time"
)

// prefixPath is a path without escapes, dots and a slash at the end: it stands
// unchanged in links.
var prefixPath = regexp.MustCompile(`^(/[A-Za-z0-9_~-]+)+$`)

var headerName = regexp.MustCompile(`^[A-Za-z0-9!#$%&'*+.^_|~-]+$`)

func (c *checks) strangler(cfg Config) {
	s := cfg.Strangler
	c.atLeast("strangler.timeout", s.Timeout, 100*time.Millisecond)
	c.atLeast("strangler.idle_timeout", s.IdleTimeout, 10*time.Millisecond)
	if !prefixPath.MatchString(s.Prefix) || s.Prefix == "/api" || strings.HasPrefix(s.Prefix, "/api/") {
		c.wrong("strangler.prefix", "%q must be a path outside of /api, without a slash at its end, like /banyan", s.Prefix)
	}
	for _, name := range s.PassHeaders {
		if !headerName.MatchString(name) {
			c.wrong("strangler.pass_headers", "%q is no name of a header: write one like X-Real-IP", name)
		}
	}
	if s.Legacy != "" {
		c.origin("strangler.legacy", s.Legacy)
		c.operatorURL(cfg)
		if s.CA != "" && !strings.HasPrefix(s.Legacy, "https:") {
			c.wrong("strangler.ca", "is set, but strangler.legacy is not https: there is no certificate to verify")
		}
		return
	}
	if len(s.Take) > 0 {
		c.wrong("strangler.take", "is set, but strangler.legacy is not: there is nothing to take from")
	}
	if s.OperatorURL != "" {
		c.wrong("strangler.operator_url", "is set, but strangler.legacy is not: nobody else is at public_url, so operators work there")
	}
}

// operatorURL must be another host than public_url, since a browser sends the
// cookies of a host to all its ports, and as safe as it.
func (c *checks) operatorURL(cfg Config) {
	address := cfg.Strangler.OperatorURL
	if address == "" {
		return
	}
	c.origin("strangler.operator_url", address)
	own, err := url.Parse(address)
	public, publicErr := url.Parse(cfg.PublicURL)
	switch {
	case err != nil || publicErr != nil: // said already
	case strings.EqualFold(own.Hostname(), public.Hostname()):
		c.wrong("strangler.operator_url", "has the host of public_url: browsers share cookies between the ports of a host, so give it a name of its own, like operator.%s", public.Hostname())
	case own.Scheme != public.Scheme:
		c.wrong("strangler.operator_url", "is %s and public_url is %s: both must be the same", own.Scheme, public.Scheme)
	}
}
