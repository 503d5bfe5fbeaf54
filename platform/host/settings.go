package host

import (
	"net/url"
	"slices"
	"strings"

	"banyan/platform/backup"
	"banyan/platform/certificates"
	"banyan/platform/chain"
	"banyan/platform/config"
	"banyan/platform/database"
	"banyan/platform/events/outbox"
	"banyan/platform/fault"
	"banyan/platform/feature"
	"banyan/platform/httpserver"
	"banyan/platform/identity/signin"
	"banyan/platform/legacy"
	"banyan/platform/peers"
	"banyan/platform/ratelimit"
	"banyan/platform/rollout"
	"banyan/platform/telemetry"
	"banyan/platform/transfer"
)

// Settings are the settings of the whole program. Each section belongs to the
// package of its type; a module's own section is in its descriptor.
type Settings struct {
	PublicURL string                      `yaml:"public_url"` // scheme://host[:port][/path]
	Listen    string                      `yaml:"listen"`     // host:port or unix:PATH
	Data      string                      `yaml:"data"`       // folder
	Module    string                      `yaml:"module"`     // the one module to serve, "" = all
	Admin     AdminSettings               `yaml:"admin"`
	Database  database.Settings           `yaml:"database"`
	Log       telemetry.LogSettings       `yaml:"log"`
	TLS       certificates.Settings       `yaml:"tls"`
	Tracing   telemetry.TracingSettings   `yaml:"tracing"`
	HTTP      httpserver.Settings         `yaml:"http"`
	Identity  signin.Settings             `yaml:"identity"`
	Redis     ratelimit.Settings          `yaml:"redis"`
	Events    outbox.Settings             `yaml:"events"`
	Move      transfer.Settings           `yaml:"move"`
	Backup    backup.Settings             `yaml:"backup"`
	Chain     chain.Settings              `yaml:"chain"`
	Modules   map[string]rollout.Settings `yaml:"modules"` // by name
	Peers     peers.Settings              `yaml:"peers"`
	Legacy    legacy.Settings             `yaml:"legacy"`
	Flags     feature.Settings            `yaml:"flags"`

	names []string // of all modules
}

// AdminSettings configure the address for operators and monitoring.
type AdminSettings struct {
	Listen string   `yaml:"listen"` // host:port or unix:PATH
	Hosts  []string `yaml:"hosts"`  // further names under which it is served
	Pprof  bool     `yaml:"pprof"`
}

// Check implements config.Checker.
func (s *Settings) Check(c *config.Checks) {
	// What is in force, printed, signed and compared with what browsers send is one
	// spelling of each address.
	s.PublicURL, s.Legacy.OperatorURL = config.SiteAddress(s.PublicURL), config.SiteAddress(s.Legacy.OperatorURL)
	c.Site("public_url", s.PublicURL)
	c.ListenAddress("listen", s.Listen)
	c.ListenAddress("admin.listen", s.Admin.Listen)
	if _, isSocket := config.SocketPath(s.Listen); isSocket && s.Module != "" {
		c.Wrong("listen", "is a socket, and a module that runs alone is called by other processes over TCP: write host:port")
	}
	for _, name := range s.Admin.Hosts {
		if name == "" || strings.ContainsAny(name, "/:@ *") {
			c.Wrong("admin.hosts", "%q is not a host's name: write it without scheme and port, like metrics.example.org", name)
		}
	}
	if s.Listen == s.Admin.Listen && !strings.HasSuffix(s.Listen, ":0") {
		c.Wrong("admin.listen", "is the same as listen: choose another port")
	}
	if s.Data == "" {
		c.Wrong("data", "must name a folder, like ./data")
	}
	s.Database.Check(c.Below("database"))
	s.Tracing.Check(c.Below("tracing"))
	s.HTTP.Check(c.Below("http"))
	s.Identity.Check(c.Below("identity"))
	s.Redis.Check(c.Below("redis"))
	s.Events.Check(c.Below("events"))
	s.Backup.Check(c.Below("backup"))
	s.Chain.Check(c.Below("chain"))
	s.checkModules(c)
	s.Peers.Check(c.Below("peers"), s.TLS.Enabled())
	s.checkPeers(c)
	s.TLS.Check(c.Below("tls"))
	s.Legacy.CheckWith(c.Below("legacy"), s.PublicURL)
	s.Flags.Check(c.Below("flags"))
}

// peersPolicy returns where other processes may be: besides peers.allow, where the
// settings name them.
func (s *Settings) peersPolicy() *peers.Policy {
	named := []string{s.Identity.TrunkURL}
	for _, name := range s.names {
		named = append(named, s.Modules[name].URL...)
	}
	return peers.New(s.Peers, peers.Options{TLS: s.TLS.Enabled(), Named: named})
}

// checkPeers checks the addresses that this process will call.
func (s *Settings) checkPeers(c *config.Checks) {
	policy := s.peersPolicy()
	check := func(key, address string) {
		if u, err := url.Parse(address); err != nil || u.Hostname() == "" {
			return // reported already
		}
		if err := policy.CheckURL(address); err != nil {
			c.Wrong(key, "%s", fault.From(err).Message)
		}
	}
	for _, name := range s.names {
		for _, address := range s.Modules[name].URL {
			check("modules."+name+".url", address)
		}
	}
	if s.Module != "" {
		check("identity.trunk_url", s.Identity.TrunkURL)
	}
}

// Renamed implements config.Renamer.
func (s *Settings) Renamed() map[string]string {
	keys := make(map[string]string)
	for old, key := range s.Legacy.Renamed() {
		keys[old] = "legacy." + key
	}
	return keys
}

func (s *Settings) checkModules(c *config.Checks) {
	for _, name := range s.names {
		s.Modules[name].Check(c.Below("modules." + name))
	}
	// The mode of the module that runs alone may be remote: all processes can share
	// one file that says where each module runs.
	if s.Module != "" && !slices.Contains(s.names, s.Module) {
		c.Wrong("module", "there is no module %q: choose %s, or leave it empty for all", s.Module, oneOf(s.names))
	}
}

// oneOf returns a list of names for a message: a, b or c.
func oneOf(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// Domain returns the host[:port] that wallets sign in to. It comes from the
// settings, never from a request.
func (s *Settings) Domain() string {
	u, err := url.Parse(s.PublicURL)
	if err != nil { // Check has parsed it
		return ""
	}
	return u.Host
}

// SetupLink returns the address of the page that makes the first operator, where
// operators work.
func (s *Settings) SetupLink(code string) string {
	base := s.PublicURL
	if s.Legacy.URL != "" {
		if s.Legacy.OperatorURL != "" {
			base = s.Legacy.OperatorURL
		}
		base += s.Legacy.Prefix
	}
	return strings.TrimSuffix(base, "/") + "/setup/" + code
}
