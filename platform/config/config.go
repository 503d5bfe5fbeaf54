// Package config turns config.yaml, a file of the operator's, the environment
// and flags into one typed Config, or into all the reasons why not.
//
//	cfg, sources, err := config.Load(config.Options{Defaults: embedded, File: flag, Env: os.Environ(), Flags: set})
//
// The embedded config.yaml is the only place where a default stands: this
// package knows types and limits, not values. A key that is not in it does not
// exist, so a typo in any source is an error that names the place and the
// nearest key.
package config

import (
	"net/url"
	"time"

	"banyan/platform/wallet"
)

// Config is what is in force. It is a value: copy it, pass parts of it, never
// change it. The tags are the keys of config.yaml.
type Config struct {
	PublicURL  string     `yaml:"public_url"` // scheme://host[:port], nothing after it
	Listen     string     `yaml:"listen"`     // host:port
	Data       string     `yaml:"data"`       // folder
	Module     string     `yaml:"module"`     // the one module to serve, "" = all
	Admin      Admin      `yaml:"admin"`
	Database   Database   `yaml:"database"`
	Log        Log        `yaml:"log"`
	TLS        TLS        `yaml:"tls"`
	Tracing    Tracing    `yaml:"tracing"`
	HTTP       HTTP       `yaml:"http"`
	Identity   Identity   `yaml:"identity"`
	Events     Events     `yaml:"events"`
	Modules    Modules    `yaml:"modules"`
	Strangler  Strangler  `yaml:"strangler"`
	Reputation Reputation `yaml:"reputation"`
	Airdrop    Airdrop    `yaml:"airdrop"`
}

// Admin is the address for operators and monitoring.
type Admin struct {
	Listen string `yaml:"listen"`
	Pprof  bool   `yaml:"pprof"`
}

// Database says where the modules keep their rows.
type Database struct {
	URL         DatabaseURL `yaml:"url"`         // "" = SQLite files in Config.Data
	Password    Secret      `yaml:"password"`    // goes into URL, see DSN
	Readers     int         `yaml:"readers"`     // reading connections to SQLite per module
	Connections int         `yaml:"connections"` // to PostgreSQL per module
}

// Postgres tells whether PostgreSQL is used.
func (d Database) Postgres() bool { return d.URL != "" }

// DSN is the URL with the password in it: the secret itself, for the driver
// alone. "" for SQLite.
func (d Database) DSN() string {
	if d.Password == "" {
		return d.URL.Reveal()
	}
	u, err := url.Parse(d.URL.Reveal())
	if err != nil { // Load has parsed it
		return d.URL.Reveal()
	}
	u.User = url.UserPassword(u.User.Username(), d.Password.Reveal())
	return u.String()
}

// Log says what is logged and how.
type Log struct {
	Level    Level     `yaml:"level"`
	Format   LogFormat `yaml:"format"`
	Requests bool      `yaml:"requests"`
}

// Tracing says where spans go. Endpoint "" is off.
type Tracing struct {
	Endpoint string  `yaml:"endpoint"`
	Sample   float64 `yaml:"sample"` // 0..1
}

// HTTP holds the limits of the public address.
type HTTP struct {
	TrustedProxies int           `yaml:"trusted_proxies"`
	BodyLimit      Bytes         `yaml:"body_limit"`
	UploadLimit    Bytes         `yaml:"upload_limit"`
	HeaderLimit    Bytes         `yaml:"header_limit"`
	HeaderTimeout  time.Duration `yaml:"header_timeout"`
	ReadTimeout    time.Duration `yaml:"read_timeout"`
	WriteTimeout   time.Duration `yaml:"write_timeout"`
	UploadTimeout  time.Duration `yaml:"upload_timeout"`
	IdleTimeout    time.Duration `yaml:"idle_timeout"`
	DrainDelay     time.Duration `yaml:"drain_delay"`
	ShutdownGrace  time.Duration `yaml:"shutdown_grace"`
	Rate           float64       `yaml:"rate"` // requests per second, 0 = unlimited
	Burst          int           `yaml:"burst"`
	StaticRate     float64       `yaml:"static_rate"`
	StaticBurst    int           `yaml:"static_burst"`
	WalletRate     float64       `yaml:"wallet_rate"`
	WalletBurst    int           `yaml:"wallet_burst"`
}

// Identity says who may do what, and for how long.
type Identity struct {
	Operators       []wallet.Address `yaml:"operators"`
	SessionIdle     time.Duration    `yaml:"session_idle"`
	SessionAbsolute time.Duration    `yaml:"session_absolute"`
	TokenTTL        time.Duration    `yaml:"token_ttl"`
	TrunkURL        string           `yaml:"trunk_url"` // scheme://host[:port]
}

// Events holds the relay's settings.
type Events struct {
	Poll        time.Duration `yaml:"poll"`
	MaxAttempts int           `yaml:"max_attempts"`
	Keep        time.Duration `yaml:"keep"`
}

// Modules says where each module runs.
type Modules struct {
	Reputation     Module `yaml:"reputation"`
	ExchangeReview Module `yaml:"exchange-review"`
	Airdrop        Module `yaml:"airdrop"`
}

// Names of the modules in config, paths and flags.
const (
	ReputationModule     = "reputation"
	ExchangeReviewModule = "exchange-review"
	AirdropModule        = "airdrop"
)

// Named gives one module's place by its name.
func (m Modules) Named(name string) (Module, bool) {
	switch name {
	case ReputationModule:
		return m.Reputation, true
	case ExchangeReviewModule:
		return m.ExchangeReview, true
	case AirdropModule:
		return m.Airdrop, true
	}
	return Module{}, false
}

// Module is one module's place.
type Module struct {
	Mode    Mode          `yaml:"mode"`
	URL     URLs          `yaml:"url"`     // scheme://host[:port], needed when remote
	Timeout time.Duration `yaml:"timeout"` // of one remote call
}

// TLS names the certificates of the line between Banyan's own processes; all
// three files or none.
type TLS struct {
	Cert   string `yaml:"cert"`
	Key    string `yaml:"key"`
	CA     string `yaml:"ca"`
	Listen string `yaml:"listen"` // host:port of one more address, "" = none
}

// Enabled tells whether the line between processes is encrypted.
func (t TLS) Enabled() bool { return t.Cert != "" }

// Strangler puts Banyan in front of a system that is there already.
type Strangler struct {
	Legacy      string        `yaml:"legacy"`       // scheme://host[:port], "" = none
	Prefix      string        `yaml:"prefix"`       // of Banyan's own pages, like /banyan
	OperatorURL string        `yaml:"operator_url"` // scheme://host[:port], "" = PublicURL
	Host        string        `yaml:"host"`         // that it is asked for, "" = the client's
	Timeout     time.Duration `yaml:"timeout"`
	IdleTimeout time.Duration `yaml:"idle_timeout"` // of connections to it
	CA          string        `yaml:"ca"`           // PEM file, "" = what the machine trusts
	PassHeaders []string      `yaml:"pass_headers"` // that say who the client is
	Take        []Take        `yaml:"take"`
}

// Reputation holds the module's settings.
type Reputation struct {
	Seeds    []wallet.Address `yaml:"seeds"`
	Alpha    float64          `yaml:"alpha"`   // 0 < alpha < 1
	Epsilon  float64          `yaml:"epsilon"` // > 0
	Schedule Interval         `yaml:"schedule"`
}

// Airdrop holds the module's settings.
type Airdrop struct {
	MaxRows int `yaml:"max_rows"`
}

// Domain is the host[:port] that wallets sign in to: from the settings, never
// from a request.
func (cfg Config) Domain() string {
	u, err := url.Parse(cfg.PublicURL)
	if err != nil { // Load has parsed it
		return ""
	}
	return u.Host
}

// Secure tells whether people reach this server over https.
func (cfg Config) Secure() bool {
	u, err := url.Parse(cfg.PublicURL)
	return err == nil && u.Scheme == "https"
}

// Serves tells whether this process holds the module: it does when it serves
// everything and the module is local, or when it serves that module alone.
func (cfg Config) Serves(module string) bool {
	if cfg.Module != "" {
		return cfg.Module == module
	}
	place, known := cfg.Modules.Named(module)
	return known && place.Mode == Local
}
