package legacy

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"banyan/platform/fault"
	"banyan/platform/httpserver"
)

// Take is a prefix that both systems serve, and the share of clients for whom
// Banyan does. "/exchanges" is /exchanges and what Banyan has below it; "/" is the
// home page alone. Of nested prefixes the longest counts.
type Take struct {
	Prefix  string  `json:"prefix"`
	Percent float64 `json:"percent"` // 0–100
}

// taken is a Take with its figures.
type taken struct {
	Take
	banyan, legacy meter
}

// slots is into how many parts the clients are divided: a hundredth of a
// percent each. A client keeps its slot, so whoever was led to Banyan at 10 %
// still is at 50 %.
const slots = 10_000

// cookieLife is how long a browser keeps its slot.
const cookieLife = 90 * 24 * time.Hour

// SetTake changes what is taken while the program runs; figures of prefixes
// that stay go on. Requests under way end where they began. Fails with
// fault.Invalid and changes nothing when a prefix or a percentage is none.
func (l *Legacy) SetTake(takes []Take) error {
	var now []*taken
	if p := l.takes.Load(); p != nil {
		now = *p
	}
	next := make([]*taken, 0, len(takes))
	for _, t := range takes {
		if err := t.check(); err != nil {
			return err
		}
		t.Prefix = httpserver.NormalPath((&url.URL{Path: t.Prefix}).EscapedPath())
		if router := l.routes(); router != nil {
			if err := l.checkRoute(router, t); err != nil {
				return err
			}
		}
		if find(next, t.Prefix) != nil {
			return fault.Newf(fault.Invalid, "the prefix %s is taken twice", t.Prefix)
		}
		fresh := &taken{Take: t, banyan: newMeter(), legacy: newMeter()}
		if old := find(now, t.Prefix); old != nil {
			fresh.banyan, fresh.legacy = old.banyan, old.legacy
		}
		next = append(next, fresh)
	}
	// The longest first: the first match is the one that counts.
	slices.SortStableFunc(next, func(a, b *taken) int { return len(b.Prefix) - len(a.Prefix) })
	l.takes.Store(&next)
	return nil
}

func (t Take) check() error {
	switch {
	case !strings.HasPrefix(t.Prefix, "/") || strings.ContainsAny(t.Prefix, `?#*%; \`):
		return fault.Newf(fault.Invalid, "a prefix to take is a path like /exchanges, not %q", t.Prefix)
	case math.IsNaN(t.Percent) || t.Percent < 0 || t.Percent > 100:
		return fault.Newf(fault.Invalid, "%v is not a percentage of %s: write 0 to 100", t.Percent, t.Prefix)
	}
	return nil
}

func find(list []*taken, prefix string) *taken {
	for _, t := range list {
		if t.Prefix == prefix {
			return t
		}
	}
	return nil
}

// below tells whether a path is a prefix or stands below it.
func below(path, prefix string) bool {
	return strings.HasPrefix(path, prefix) && (len(path) == len(prefix) || path[len(prefix)] == '/')
}

func (l *Legacy) takenBy(path string) *taken {
	for _, t := range *l.takes.Load() {
		if path == t.Prefix || (t.Prefix != "/" && below(path, t.Prefix)) {
			return t
		}
	}
	return nil
}

// Taken reports whether all clients are led to Banyan for a path.
func (l *Legacy) Taken(path string) bool {
	t := l.takenBy(httpserver.NormalPath(path))
	return t != nil && t.Percent == 100
}

// leads reports whether Banyan serves this client what is taken. A browser is
// asked to keep its slot.
func (l *Legacy) leads(w http.ResponseWriter, r *http.Request, p place) bool {
	slot, known := l.slotOf(r)
	if !known && browsing(r) {
		l.keepSlot(w, slot)
	}
	return float64(slot) < p.take.Percent*(slots/100)
}

// slotOf gives the client's slot: the one in its cookie, or the one that its
// address and program come to, so that clients without cookies stay where they
// are, too, at every replica.
func (l *Legacy) slotOf(r *http.Request) (slot int, known bool) {
	if c, err := r.Cookie(l.cookieName()); err == nil {
		if n, err := strconv.Atoi(c.Value); err == nil && n >= 0 && n < slots {
			return n, true
		}
	}
	sum := sha256.Sum256([]byte(network(r) + "\n" + r.UserAgent()))
	return int(binary.BigEndian.Uint64(sum[:8]) % slots), false
}

// network is the client's address without what changes from day to day: an
// IPv6 host keeps its /64.
func network(r *http.Request) string {
	ip := clientIP(r)
	if parsed := net.ParseIP(ip); parsed != nil && parsed.To4() == nil {
		return parsed.Mask(net.CIDRMask(64, 128)).String()
	}
	return ip
}

// clientIP is the client's address as the server knows it; outside of a server
// it is the connection's.
func clientIP(r *http.Request) string {
	if ip := httpserver.ClientIP(r.Context()); ip.IsValid() {
		return ip.WithZone("").Unmap().String()
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// browsing tells a person's browser, which keeps cookies, from a program.
func browsing(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }

func (l *Legacy) cookieName() string {
	switch {
	case l.public.Scheme != "https":
		return "banyan-share"
	case l.o.Base != "": // __Host- is for the whole host
		return securePrefix + "banyan-share"
	}
	return hostPrefix + "banyan-share"
}

// keepSlot has a browser keep its slot when its address changes.
func (l *Legacy) keepSlot(w http.ResponseWriter, slot int) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure follows public_url; the value is no secret
		Name: l.cookieName(), Value: strconv.Itoa(slot), Path: l.o.Base + "/", MaxAge: int(cookieLife / time.Second),
		HttpOnly: true, Secure: l.public.Scheme == "https", SameSite: http.SameSiteLaxMode,
	})
}
