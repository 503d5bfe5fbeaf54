package httpserver

import (
	"time"

	"banyan/platform/config"
)

// Settings are the limits of the public address.
type Settings struct {
	TrustedProxies []string      `yaml:"trusted_proxies"` // networks and addresses, or one number
	HSTSSubdomains bool          `yaml:"hsts_subdomains"`
	CORSOrigins    []string      `yaml:"cors_origins"` // "*" or scheme://host[:port]
	BodyLimit      config.Bytes  `yaml:"body_limit"`
	UploadLimit    config.Bytes  `yaml:"upload_limit"`
	HeaderLimit    config.Bytes  `yaml:"header_limit"`
	HeaderTimeout  time.Duration `yaml:"header_timeout"`
	ReadTimeout    time.Duration `yaml:"read_timeout"`
	WriteTimeout   time.Duration `yaml:"write_timeout"`
	UploadTimeout  time.Duration `yaml:"upload_timeout"`
	UploadRate     config.Bytes  `yaml:"upload_rate"` // per second, the least; 0 = none
	Uploads        int           `yaml:"uploads"`     // long ones at a time, 0 = unlimited, as below
	IdleTimeout    time.Duration `yaml:"idle_timeout"`
	DrainDelay     time.Duration `yaml:"drain_delay"`
	ShutdownGrace  time.Duration `yaml:"shutdown_grace"`
	Connections    int           `yaml:"connections"`
	Rate           float64       `yaml:"rate"` // requests per second, 0 = unlimited
	Burst          int           `yaml:"burst"`
	StaticRate     float64       `yaml:"static_rate"`
	StaticBurst    int           `yaml:"static_burst"`
	WalletRate     float64       `yaml:"wallet_rate"`
	WalletBurst    int           `yaml:"wallet_burst"`

	ConnectionsPerClient int `yaml:"connections_per_client"`
	UploadsPerClient     int `yaml:"uploads_per_client"`

	BytesPerRequest    config.Bytes `yaml:"bytes_per_request"` // of an answer; 0 = only requests are charged
	ExpensiveCost      int          `yaml:"expensive_cost"`    // in tokens
	ExpensivePerClient int          `yaml:"expensive_per_client"`
	ExpensivePerWallet int          `yaml:"expensive_per_wallet"`
}

// Check implements config.Checker.
func (s Settings) Check(c *config.Checks) {
	if _, err := parseProxies(s.TrustedProxies); err != nil {
		c.Wrong("trusted_proxies", "%s", err)
	}
	for _, origin := range s.CORSOrigins {
		if origin != "*" && (config.SiteAddress(origin) != origin || config.OriginOf(origin) != origin) {
			c.Wrong("cors_origins", "%q is not an origin as browsers send it: write scheme://host[:port] in small letters, like https://community.example, or * for all", origin)
		}
	}
	c.Size("body_limit", s.BodyLimit, 1<<10)
	c.Size("upload_limit", s.UploadLimit, s.BodyLimit)
	c.Size("header_limit", s.HeaderLimit, 4<<10)
	if s.HeaderLimit > 16<<20 {
		c.Wrong("header_limit", "is %s, must be 16 MiB or less: every connection may use it", s.HeaderLimit)
	}
	// No time-out may be 0: to net/http that means "for ever".
	c.AtLeast("header_timeout", s.HeaderTimeout, 100*time.Millisecond)
	c.AtLeast("read_timeout", s.ReadTimeout, s.HeaderTimeout)
	c.AtLeast("write_timeout", s.WriteTimeout, 100*time.Millisecond)
	c.AtLeast("upload_timeout", s.UploadTimeout, s.ReadTimeout)
	c.AtLeast("idle_timeout", s.IdleTimeout, 100*time.Millisecond)
	c.AtLeast("drain_delay", s.DrainDelay, 0)
	c.AtLeast("shutdown_grace", s.ShutdownGrace, 100*time.Millisecond)
	if s.UploadRate < 0 || s.UploadRate > 1<<30 {
		c.Wrong("upload_rate", "is %s, must be from 0 (none) to 1 GiB per second", s.UploadRate)
	}
	for _, n := range []struct {
		key   string
		value int
	}{
		{"connections", s.Connections},
		{"connections_per_client", s.ConnectionsPerClient},
		{"uploads", s.Uploads},
		{"uploads_per_client", s.UploadsPerClient},
	} {
		c.Within(n.key, n.value, 0, 1_000_000)
	}
	c.Rate("rate", s.Rate, "burst", s.Burst)
	c.Rate("static_rate", s.StaticRate, "static_burst", s.StaticBurst)
	c.Rate("wallet_rate", s.WalletRate, "wallet_burst", s.WalletBurst)
	if s.BytesPerRequest != 0 {
		c.Size("bytes_per_request", s.BytesPerRequest, 1<<10)
	}
	c.Within("expensive_cost", s.ExpensiveCost, 1, 1_000_000)
	c.Within("expensive_per_client", s.ExpensivePerClient, 0, 1_000_000)
	c.Within("expensive_per_wallet", s.ExpensivePerWallet, 0, 1_000_000)
}
