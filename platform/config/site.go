package config

import (
	"net/url"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

// SiteAddress returns http(s)://host[:port][/path] as it is compared, signed and shown:
// scheme and host in small letters, a name of other scripts as browsers ask for
// it (RFC 5891), without the scheme's usual port, the dot at a name's end and the
// slash at a path's. What is not such an address comes back as it is.
func SiteAddress(address string) string {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return address
	}
	host, port := strings.TrimSuffix(strings.ToLower(u.Hostname()), "."), u.Port()
	if ascii, err := idna.Lookup.ToASCII(host); err == nil {
		host = ascii
	}
	scheme := strings.ToLower(u.Scheme)
	if port = strings.TrimLeft(port, "0"); port == usualPorts[scheme] {
		port = ""
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port != "" {
		port = ":" + port
	}
	return scheme + "://" + host + port + strings.TrimRight(u.EscapedPath(), "/")
}

// usualPorts are left out of addresses.
var usualPorts = map[string]string{"http": "80", "https": "443"}

// basePath is a path that is the same escaped and unescaped, without dots, so
// that it stands unchanged in links, in cookies and in what proxies compare.
var basePath = regexp.MustCompile(`^(/[A-Za-z0-9_~-]+(\.[A-Za-z0-9_~-]+)*)*$`)

// Site requires http(s)://host[:port], and perhaps a path below which the site is.
// The address is one that SiteAddress returned.
func (c *Checks) Site(key, address string) {
	u, err := url.Parse(address)
	if err == nil && strings.ContainsFunc(u.Hostname(), func(r rune) bool { return r > unicode.MaxASCII }) {
		c.Wrong(key, "%q has a host name that cannot be written as browsers ask for it (xn--…): check its letters", address)
		return
	}
	if err != nil || u.Path == "" || u.Hostname() == "" {
		c.Origin(key, address)
		return
	}
	origin := *u
	origin.Path, origin.RawPath = "", ""
	if !basePath.MatchString(u.EscapedPath()) {
		c.Wrong(key, "%q has a path that not all browsers and proxies read alike: write letters, digits, hyphens and slashes, like %s://%s/app/", address, u.Scheme, u.Host)
		return
	}
	if u.Path == "/api" || strings.HasPrefix(u.Path, "/api/") {
		c.Wrong(key, "%q is below /api, where the API is: choose another path, like %s://%s/app/", address, u.Scheme, u.Host)
		return
	}
	c.Origin(key, origin.String())
}

// BasePath returns the path of an address that Site has accepted, "" without one:
// "/app" of https://example.org/app.
func BasePath(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.TrimRight(u.Path, "/")
}

// OriginOf returns the scheme, host and port of an address: what a browser calls
// its origin.
func OriginOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return address
	}
	return u.Scheme + "://" + u.Host
}
