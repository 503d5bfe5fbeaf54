package database

import (
	"fmt"
	"log/slog"
	"net/url"
	"strings"

	"banyan/platform/config"
)

// Settings say where the modules store their rows.
type Settings struct {
	URL         URL           `yaml:"url"`         // "" = SQLite files in the data folder
	Password    config.Secret `yaml:"password"`    // added to URL, see DSN
	Readers     int           `yaml:"readers"`     // reading connections to SQLite per module
	Connections int           `yaml:"connections"` // to PostgreSQL per module
}

// Check implements config.Checker.
func (s Settings) Check(c *config.Checks) {
	c.Within("readers", s.Readers, 1, 256)
	c.Within("connections", s.Connections, 2, 1000)
	if s.Password == "" {
		return
	}
	u, err := url.Parse(s.URL.Reveal())
	if s.URL == "" || err != nil {
		c.Wrong("password", "is set, but %s is not: a password is for PostgreSQL only", c.Name("url"))
		return
	}
	if _, twice := u.User.Password(); twice {
		c.Wrong("password", "is set, and %s contains one too: remove one of them", c.Name("url"))
	} else if u.User.Username() == "" {
		c.Wrong("url", "has a password but no user: write postgres://user@host:5432/name")
	}
}

// Postgres reports whether PostgreSQL is used.
func (s Settings) Postgres() bool { return s.URL != "" }

// DSN returns the URL with the password in it: the secret itself, for the driver
// alone. "" for SQLite.
func (s Settings) DSN() string {
	if s.Password == "" {
		return s.URL.Reveal()
	}
	u, err := url.Parse(s.URL.Reveal())
	if err != nil { // UnmarshalText has parsed it
		return s.URL.Reveal()
	}
	u.User = url.UserPassword(u.User.Username(), s.Password.Reveal())
	return u.String()
}

// URL is a postgres:// URL that masks its passwords as *** wherever it is
// printed. Reveal returns it unmasked.
type URL string

// Reveal returns the URL with its passwords.
func (d URL) Reveal() string { return string(d) }

func (d URL) mask() string {
	if d == "" {
		return ""
	}
	u, err := url.Parse(string(d))
	if err != nil || u.Host == "" && u.Query().Get("host") == "" {
		return config.Masked
	}
	if _, has := u.User.Password(); has {
		u.User = url.UserPassword(u.User.Username(), config.Masked)
	}
	q := u.Query()
	for name := range q {
		if strings.Contains(strings.ToLower(name), "password") {
			q.Set(name, config.Masked)
		}
	}
	u.RawQuery = q.Encode()
	// The mask's own stars come out escaped: show them as they are.
	return strings.ReplaceAll(u.String(), url.QueryEscape(config.Masked), config.Masked)
}

// String returns the URL with its passwords config.Masked.
func (d URL) String() string { return d.mask() }

// Format masks every verb.
func (d URL) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(d.mask())) }

// MarshalText masks in JSON and YAML.
func (d URL) MarshalText() ([]byte, error) { return []byte(d.mask()), nil }

// LogValue masks in logs.
func (d URL) LogValue() slog.Value { return slog.StringValue(d.mask()) }

// UnmarshalText takes "", postgres://[user[:password]@]host[:port]/name, or
// postgres:///name?host=/folder for a Unix socket. Its errors never repeat the URL,
// which may hold a password.
func (d *URL) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = ""
		return nil
	}
	u, err := url.Parse(string(text))
	switch {
	case passwordSplits(string(text), u, err):
		return fmt.Errorf("cannot be read: if the password has one of the characters # / ? %% @ in it, write them as %%23 %%2F %%3F %%25 %%40, " +
			"or put the password into database.password (BANYAN_DATABASE_PASSWORD, or _FILE), where it stands as it is")
	case err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") || u.Host == "" && u.Query().Get("host") == "":
		return fmt.Errorf("must be empty (SQLite in the data folder) or read postgres://user@host:5432/name")
	case strings.Trim(u.Path, "/") == "":
		return fmt.Errorf("has no database name: add it at the end, like postgres://user@host:5432/banyan")
	case strings.Contains(string(text), config.Masked):
		return fmt.Errorf("contains %s, the mask of a printed configuration: write the password itself", config.Masked)
	}
	*d = URL(text)
	return nil
}

// passwordSplits reports whether a character of the password seems to have ended
// the part of the URL that it stands in: then what is left of it is an @ where none
// is usual, or not a URL at all.
func passwordSplits(text string, u *url.URL, err error) bool {
	if !strings.HasPrefix(text, "postgres") || !strings.Contains(text, "@") {
		return false
	}
	if err != nil {
		return true
	}
	return u.Fragment != "" || strings.Contains(u.Path, "@") || strings.Trim(u.Path, "/") == "" && strings.Contains(u.RawQuery, "@")
}
