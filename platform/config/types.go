package config

import (
	"fmt"
	"log/slog"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Masked is printed instead of a secret.
const Masked = "***"

// Secret is a setting that is masked as *** wherever it is printed, logged or
// encoded. Reveal returns it.
type Secret string

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }

func (s Secret) mask() string {
	if s == "" {
		return ""
	}
	return Masked
}

// String returns ***, or "" when there is no secret.
func (s Secret) String() string { return s.mask() }

// Format masks every verb, also %#v and %x.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.mask())) }

// MarshalText masks the secret in JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.mask()), nil }

// LogValue masks the secret in logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.mask()) }

// UnmarshalText refuses *** itself: it is the mask of a printed configuration, and
// would otherwise become the password.
func (s *Secret) UnmarshalText(text []byte) error {
	if string(text) == Masked {
		return fmt.Errorf("is %s, the mask of a printed configuration: write the secret itself", Masked)
	}
	if strings.ContainsAny(string(text), "\r\n") {
		return fmt.Errorf("has a line feed in it, as a file's content does: remove it")
	}
	*s = Secret(text)
	return nil
}

// Bytes is a size in bytes. Its text is 512, 64 KiB, 1 MiB, 1.5 GiB or 10 MB.
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

// UnmarshalText parses a size.
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
		return fmt.Errorf("%q is not a size: write one like 64 KiB, 1 MiB or 2 GiB", text)
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

// String returns the size in the largest binary unit without a fraction.
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

// Interval is the time between two runs of something; 0 is never, as text "off".
type Interval time.Duration

// UnmarshalText parses off or a duration.
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

// String returns "off" or the duration.
func (i Interval) String() string {
	if i == 0 {
		return "off"
	}
	return time.Duration(i).String()
}

// MarshalText is String.
func (i Interval) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// Address is an http or https URL that is masked after its host wherever it is
// printed: a user, a path or a query may be a key. Reveal returns it.
type Address string

// Reveal returns the whole URL.
func (a Address) Reveal() string { return string(a) }

// String is the URL without what may be a key.
func (a Address) String() string {
	u, err := url.Parse(string(a))
	if err != nil || u.Host == "" {
		return Secret(a).mask()
	}
	shown := u.Scheme + "://" + u.Host
	if u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		shown += "/" + Masked
	}
	return shown
}

// Format masks every verb, also %#v and %x.
func (a Address) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(a.String())) }

// MarshalText masks the URL in JSON and YAML.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// LogValue masks the URL in logs.
func (a Address) LogValue() slog.Value { return slog.StringValue(a.String()) }

// UnmarshalText refuses a masked URL, see Secret.
func (a *Address) UnmarshalText(text []byte) error {
	if strings.Contains(string(text), Masked) {
		return fmt.Errorf("has %s, the mask of a printed configuration, in it: write the URL itself", Masked)
	}
	*a = Address(text)
	return nil
}

// OneOf sets into to the name in names that equals text, for UnmarshalText.
func OneOf[T ~string](into *T, text []byte, names ...T) error {
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

// URLs are one address or several, separated by commas in the text.
type URLs []string

// UnmarshalText splits at the commas.
func (u *URLs) UnmarshalText(text []byte) error {
	*u = nil
	for part := range strings.SplitSeq(string(text), ",") {
		if part = strings.TrimSuffix(strings.TrimSpace(part), "/"); part != "" {
			if strings.ContainsAny(part, " \t") {
				return fmt.Errorf("%q has a blank in it: separate several addresses with commas", part)
			}
			if slices.Contains(*u, part) {
				return fmt.Errorf("%s stands there twice: name it once", part)
			}
			*u = append(*u, part)
		}
	}
	return nil
}

// MarshalText joins them with commas.
func (u URLs) MarshalText() ([]byte, error) { return []byte(strings.Join(u, ", ")), nil }
