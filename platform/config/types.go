package config

import (
	"fmt"
	"log/slog"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// masked stands for every secret that is shown.
const masked = "***"

// Secret is a setting that shows itself as *** wherever it is printed, logged
// or encoded. Reveal gives it.
type Secret string

// Reveal gives the secret itself.
func (s Secret) Reveal() string { return string(s) }

func (s Secret) mask() string {
	if s == "" {
		return ""
	}
	return masked
}

// String gives ***, or nothing when there is no secret.
func (s Secret) String() string { return s.mask() }

// Format masks every verb, also %#v and %x.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.mask())) }

// MarshalText masks the secret in JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.mask()), nil }

// LogValue masks the secret in logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.mask()) }

// UnmarshalText refuses *** itself: it is the mask out of a printed
// configuration, and would else become the password.
func (s *Secret) UnmarshalText(text []byte) error {
	if string(text) == masked {
		return fmt.Errorf("is %s, the mask of a printed configuration: put the secret itself", masked)
	}
	*s = Secret(text)
	return nil
}

// DatabaseURL is a postgres:// URL that shows its passwords as ***. Reveal
// gives it as it is.
type DatabaseURL string

// Reveal gives the URL with what it holds.
func (d DatabaseURL) Reveal() string { return string(d) }

func (d DatabaseURL) mask() string {
	if d == "" {
		return ""
	}
	u, err := url.Parse(string(d))
	if err != nil || u.Host == "" {
		return masked
	}
	if _, has := u.User.Password(); has {
		u.User = url.UserPassword(u.User.Username(), masked)
	}
	q := u.Query()
	for name := range q {
		if strings.Contains(strings.ToLower(name), "password") {
			q.Set(name, masked)
		}
	}
	u.RawQuery = q.Encode()
	// The mask's own stars come out escaped: show them as they are.
	return strings.ReplaceAll(u.String(), url.QueryEscape(masked), masked)
}

// String gives the URL with its passwords masked.
func (d DatabaseURL) String() string { return d.mask() }

// Format masks every verb.
func (d DatabaseURL) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(d.mask())) }

// MarshalText masks in JSON and YAML.
func (d DatabaseURL) MarshalText() ([]byte, error) { return []byte(d.mask()), nil }

// LogValue masks in logs.
func (d DatabaseURL) LogValue() slog.Value { return slog.StringValue(d.mask()) }

// UnmarshalText takes "" or postgres://[user[:password]@]host[:port]/name.
// Its errors never repeat the URL, which may hold a password.
func (d *DatabaseURL) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = ""
		return nil
	}
	u, err := url.Parse(string(text))
	switch {
	case err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") || u.Host == "":
		return fmt.Errorf("must be empty (SQLite in the data folder) or read postgres://user@host:5432/name")
	case strings.Trim(u.Path, "/") == "":
		return fmt.Errorf("names no database: add it at the end, like postgres://user@host:5432/banyan")
	case strings.Contains(string(text), masked):
		return fmt.Errorf("holds %s, the mask of a printed configuration: put the password itself", masked)
	}
	*d = DatabaseURL(text)
	return nil
}

// Bytes is a size. It reads 512, 64 KiB, 1 MiB, 1.5 GiB or 10 MB.
type Bytes int64

var sizeUnits = []struct {
	name string
	size float64
}{
	{"KiB", 1 << 10},
	{"MiB", 1 << 20},
	{"GiB", 1 << 30},
	{"TiB", 1 << 40},
	{"KB", 1e3},
	{"MB", 1e6},
	{"GB", 1e9},
	{"TB", 1e12},
	{"B", 1},
}

// UnmarshalText reads a size.
func (b *Bytes) UnmarshalText(text []byte) error {
	number, unit := strings.TrimSpace(string(text)), 1.0
	for _, u := range sizeUnits {
		if rest, ok := cutSuffixFold(number, u.name); ok {
			number, unit = strings.TrimSpace(rest), u.size
			break
		}
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(n) || n < 0 || n*unit >= math.MaxInt64 {
		return fmt.Errorf("%q is no size: write one like 64 KiB, 1 MiB or 2 GiB", text)
	}
	*b = Bytes(n * unit)
	return nil
}

func cutSuffixFold(s, suffix string) (string, bool) {
	if len(s) < len(suffix) || !strings.EqualFold(s[len(s)-len(suffix):], suffix) {
		return s, false
	}
	return s[:len(s)-len(suffix)], true
}

// String writes the size in the largest binary unit that leaves no fraction.
func (b Bytes) String() string {
	for i := 3; i >= 0; i-- {
		if size := Bytes(sizeUnits[i].size); b >= size && b%size == 0 {
			return strconv.FormatInt(int64(b/size), 10) + " " + sizeUnits[i].name
		}
	}
	return strconv.FormatInt(int64(b), 10) + " B"
}

// MarshalText is String.
func (b Bytes) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// Interval is how often something happens; 0 is never and reads "off".
type Interval time.Duration

// UnmarshalText reads off or a duration.
func (i *Interval) UnmarshalText(text []byte) error {
	if string(text) == "off" {
		*i = 0
		return nil
	}
	d, err := time.ParseDuration(string(text))
	if err != nil || d <= 0 {
		return fmt.Errorf("%q must be off or a duration like 15m or 24h", text)
	}
	*i = Interval(d)
	return nil
}

// String gives off or the duration.
func (i Interval) String() string {
	if i == 0 {
		return "off"
	}
	return time.Duration(i).String()
}

// MarshalText is String.
func (i Interval) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// Level is the least important kind of line that is logged.
type Level string

// UnmarshalText reads a level's name.
func (l *Level) UnmarshalText(text []byte) error {
	return oneOf(l, text, "debug", "info", "warn", "error")
}

// Slog gives the level for log/slog.
func (l Level) Slog() slog.Level {
	switch l {
	case "debug":
		return slog.LevelDebug
	case "warn":
		return slog.LevelWarn
	case "error":
		return slog.LevelError
	}
	return slog.LevelInfo
}

// LogFormat is how a log line is written.
type LogFormat string

// The formats.
const (
	TextLog LogFormat = "text"
	JSONLog LogFormat = "json"
)

// UnmarshalText reads a format's name.
func (f *LogFormat) UnmarshalText(text []byte) error { return oneOf(f, text, TextLog, JSONLog) }

// Mode says where a module runs.
type Mode string

// The modes.
const (
	Local  Mode = "local"
	Remote Mode = "remote"
)

// UnmarshalText reads a mode's name.
func (m *Mode) UnmarshalText(text []byte) error { return oneOf(m, text, Local, Remote) }

// oneOf sets a name out of a closed list.
func oneOf[T ~string](into *T, text []byte, names ...T) error {
	list := make([]string, len(names))
	for i, name := range names {
		if string(name) == string(text) {
			*into = name
			return nil
		}
		list[i] = string(name)
	}
	return fmt.Errorf("%q is not one of %s", text, strings.Join(list, ", "))
}

// URLs are one address or several, with commas between them in the text.
type URLs []string

// UnmarshalText splits at the commas.
func (u *URLs) UnmarshalText(text []byte) error {
	*u = nil
	for part := range strings.SplitSeq(string(text), ",") {
		if part = strings.TrimSpace(part); part != "" {
			*u = append(*u, part)
		}
	}
	return nil
}

// MarshalText joins them.
func (u URLs) MarshalText() ([]byte, error) { return []byte(strings.Join(u, ", ")), nil }

// Take is a prefix of paths and the share of its clients that Banyan serves
// itself; the text is "/exchanges 10 %".
type Take struct {
	Prefix  string
	Percent float64 // 0–100
}

// UnmarshalText reads "/exchanges 10 %" or "/exchanges 10".
func (t *Take) UnmarshalText(text []byte) error {
	prefix, share, found := strings.Cut(strings.TrimSpace(string(text)), " ")
	percent, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(share, "%")), 64)
	if !found || err != nil || !strings.HasPrefix(prefix, "/") || !(percent >= 0 && percent <= 100) {
		return fmt.Errorf("%q is no share of a prefix: write it like \"/exchanges 10 %%\"", text)
	}
	t.Prefix, t.Percent = prefix, percent
	return nil
}

// MarshalText is the way back.
func (t Take) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%s %g %%", t.Prefix, t.Percent), nil
}
