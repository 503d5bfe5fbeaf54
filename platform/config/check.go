package config

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// checks collects what is out of range.
type checks []Problem

func (c *checks) wrong(key, format string, args ...any) {
	*c = append(*c, Problem{Key: key, Message: fmt.Sprintf(format, args...)})
}

func (c *checks) atLeast(key string, d, least time.Duration) {
	if d < least {
		c.wrong(key, "is %s, must be %s or more", d, least)
	}
}

func (c *checks) within(key string, n, least, most int) {
	if n < least || n > most {
		c.wrong(key, "is %d, must be from %d to %d", n, least, most)
	}
}

func (c *checks) size(key string, b, least Bytes) {
	if b < least {
		c.wrong(key, "is %s, must be %s or more", b, least)
	}
}

// address takes host:port; port 0 lets the system choose.
func (c *checks) address(key, address string) {
	host, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil || strings.Contains(host, "/") {
		c.wrong(key, "%q is no address to listen on: write host:port, like 127.0.0.1:8080 or :8080", address)
	}
}

// origin takes http(s)://host[:port] and nothing after it.
func (c *checks) origin(key, address string) {
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		c.wrong(key, "%q is no URL: write one like https://banyan.example.org", address)
		return
	}
	if u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil || strings.HasSuffix(address, "?") {
		c.wrong(key, "must end after the host and port: %s://%s", u.Scheme, u.Host)
	}
}

func (c *checks) rate(key string, rate float64, burstKey string, burst int) {
	if rate < 0 || rate > 1e9 || rate != rate {
		c.wrong(key, "is %v, must be 0 (unlimited) or more requests per second", rate)
	}
	if burst < 1 {
		c.wrong(burstKey, "is %d, must be 1 or more", burst)
	}
}

// check holds every setting against its range and against the others.
func (cfg Config) check() []Problem {
	var c checks
	c.origin("public_url", cfg.PublicURL)
	c.address("listen", cfg.Listen)
	c.address("admin.listen", cfg.Admin.Listen)
	if cfg.Listen == cfg.Admin.Listen && !strings.HasSuffix(cfg.Listen, ":0") {
		c.wrong("admin.listen", "is the same as listen: give the admin address a port of its own")
	}
	if cfg.Data == "" {
		c.wrong("data", "must name a folder, like ./data")
	}
	c.database(cfg.Database)
	if cfg.Tracing.Endpoint != "" {
		c.endpoint("tracing.endpoint", cfg.Tracing.Endpoint)
	}
	if !(cfg.Tracing.Sample >= 0 && cfg.Tracing.Sample <= 1) {
		c.wrong("tracing.sample", "is %v, must be from 0 to 1", cfg.Tracing.Sample)
	}
	c.http(cfg.HTTP)
	c.identity(cfg.Identity)
	c.atLeast("events.poll", cfg.Events.Poll, 10*time.Millisecond)
	c.within("events.max_attempts", cfg.Events.MaxAttempts, 1, 1000)
	c.atLeast("events.keep", cfg.Events.Keep, time.Minute)
	c.modules(cfg)
	c.tls(cfg)
	c.strangler(cfg)
	c.reputation(cfg.Reputation)
	c.within("airdrop.max_rows", cfg.Airdrop.MaxRows, 1, 1<<30)
	return c
}

func (c *checks) database(d Database) {
	c.within("database.readers", d.Readers, 1, 256)
	c.within("database.connections", d.Connections, 2, 1000)
	if d.Password == "" {
		return
	}
	u, err := url.Parse(d.URL.Reveal())
	if d.URL == "" || err != nil {
		c.wrong("database.password", "is set, but database.url is not: a password is for PostgreSQL only")
		return
	}
	if _, twice := u.User.Password(); twice {
		c.wrong("database.password", "is set, and database.url holds one too: keep one of them")
	} else if u.User.Username() == "" {
		c.wrong("database.url", "has a password but no user: write postgres://user@host:5432/name")
	}
}

// endpoint takes a URL that may have a path.
func (c *checks) endpoint(key, address string) {
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.User != nil {
		c.wrong(key, "is no URL of a collector: write one like http://127.0.0.1:4318")
	}
}

func (c *checks) http(h HTTP) {
	c.within("http.trusted_proxies", h.TrustedProxies, 0, 16)
	c.size("http.body_limit", h.BodyLimit, 1<<10)
	c.size("http.upload_limit", h.UploadLimit, h.BodyLimit)
	c.size("http.header_limit", h.HeaderLimit, 4<<10)
	if h.HeaderLimit > 16<<20 {
		c.wrong("http.header_limit", "is %s, must be 16 MiB or less: every connection may use it", h.HeaderLimit)
	}
	// No time-out may be 0: to net/http that means "for ever".
	c.atLeast("http.header_timeout", h.HeaderTimeout, 100*time.Millisecond)
	c.atLeast("http.read_timeout", h.ReadTimeout, h.HeaderTimeout)
	c.atLeast("http.write_timeout", h.WriteTimeout, 100*time.Millisecond)
	c.atLeast("http.upload_timeout", h.UploadTimeout, h.ReadTimeout)
	c.atLeast("http.idle_timeout", h.IdleTimeout, 100*time.Millisecond)
	c.atLeast("http.drain_delay", h.DrainDelay, 0)
	c.atLeast("http.shutdown_grace", h.ShutdownGrace, 100*time.Millisecond)
	c.rate("http.rate", h.Rate, "http.burst", h.Burst)
	c.rate("http.static_rate", h.StaticRate, "http.static_burst", h.StaticBurst)
	c.rate("http.wallet_rate", h.WalletRate, "http.wallet_burst", h.WalletBurst)
}

func (c *checks) identity(i Identity) {
	c.atLeast("identity.session_idle", i.SessionIdle, time.Minute)
	c.atLeast("identity.session_absolute", i.SessionAbsolute, i.SessionIdle)
	c.atLeast("identity.token_ttl", i.TokenTTL, time.Second)
	c.origin("identity.trunk_url", i.TrunkURL)
	for n, w := range i.Operators {
		if w.IsZero() {
			c.wrong("identity.operators", "holds the zero address as number %d: nobody can sign in with it, leave it out", n+1)
		}
	}
}

func (c *checks) tls(cfg Config) {
	t := cfg.TLS
	if (t.Cert == "") != (t.Key == "") || (t.Cert == "") != (t.CA == "") {
		c.wrong("tls.cert", "needs tls.key and tls.ca beside it: set all three, or none for plain http")
	}
	if t.Listen == "" {
		return
	}
	c.address("tls.listen", t.Listen)
	if !t.Enabled() {
		c.wrong("tls.listen", "needs tls.cert, tls.key and tls.ca")
	}
}

func (c *checks) modules(cfg Config) {
	for _, name := range []string{ReputationModule, ExchangeReviewModule, AirdropModule} {
		place, _ := cfg.Modules.Named(name)
		key := "modules." + name
		c.atLeast(key+".timeout", place.Timeout, time.Millisecond)
		for _, address := range place.URL {
			c.origin(key+".url", address)
		}
		if len(place.URL) == 0 && place.Mode == Remote {
			c.wrong(key+".url", "is empty, but %s.mode is remote: say where it runs, like http://127.0.0.1:8081", key)
		}
	}
	if cfg.Module == "" {
		return
	}
	// Its own mode may say remote: all processes can share one file that tells
	// who runs where.
	if _, known := cfg.Modules.Named(cfg.Module); !known {
		c.wrong("module", "%q is no module: choose %s, %s or %s, or leave it empty for all",
			cfg.Module, ReputationModule, ExchangeReviewModule, AirdropModule)
	}
}

func (c *checks) reputation(r Reputation) {
	if !(r.Alpha > 0 && r.Alpha < 1) {
		c.wrong("reputation.alpha", "is %v, must be between 0 and 1", r.Alpha)
	}
	if !(r.Epsilon > 0 && r.Epsilon < 1) {
		c.wrong("reputation.epsilon", "is %v, must be between 0 and 1, like 1e-10", r.Epsilon)
	}
	if r.Schedule != 0 && r.Schedule < Interval(time.Second) {
		c.wrong("reputation.schedule", "is %s, must be off or 1s or more", r.Schedule)
	}
	if r.Schedule != 0 && len(r.Seeds) == 0 {
		c.wrong("reputation.schedule", "is %s, but reputation.seeds is empty: name the wallets that are trusted from the start, or turn it off", r.Schedule)
	}
}
