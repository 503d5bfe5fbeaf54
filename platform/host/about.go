package host

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"banyan/platform/config"
	"banyan/platform/database"
)

// About is what the running program is.
type About struct {
	Version   string
	Revision  string // of the source; "" = not known
	Modified  bool   // the source had changes beside it
	Built     string // when the source's revision was made, RFC 3339; "" = not known
	Go        string
	Platform  string // linux/amd64
	Process   int    // its number
	Host      string
	Started   time.Time
	PublicURL string
	Listen    string
	Admin     string
	Data      string // the folder; "" = not used
	Database  database.Dialect
	At        string // database.url, masked; "" for SQLite
	Modules   []string
}

// About returns what this process is.
func (p *Process) About() About {
	s := p.settings
	a := About{
		Version: p.program.Version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Process: os.Getpid(), Started: p.started,
		PublicURL: s.PublicURL, Listen: s.Listen, Admin: s.Admin.Listen, Data: s.Data, Database: database.SQLite, Modules: p.program.ModuleNames(),
	}
	if s.Database.Postgres() {
		a.Database, a.At = database.Postgres, s.Database.URL.String()
	}
	a.Host, _ = os.Hostname() // "" where the system has none
	if p.server != nil {
		a.Listen, a.Admin = p.server.Addr(), here(p.server.AdminAddr())
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, b := range info.Settings {
			switch b.Key {
			case "vcs.revision":
				a.Revision = b.Value
			case "vcs.time":
				a.Built = b.Value
			case "vcs.modified":
				a.Modified = b.Value == "true"
			}
		}
	}
	return a
}

// TryDatabase connects to a PostgreSQL server, see database.Try.
func (p *Process) TryDatabase(ctx context.Context, at database.URL, password config.Secret) (database.Server, error) {
	return database.Try(ctx, at, password, Loaded{Program: p.program}.Databases())
}

// SettingsInForce returns the settings of this process and where each was set, with
// secrets masked: those of the start, and of the last Reload what it may change.
func (p *Process) SettingsInForce() ([]config.Setting, error) {
	list, err := p.source.List()
	reloaded := p.reloaded.Load()
	if err != nil || reloaded == nil {
		return list, err
	}
	now, err := reloaded.List()
	if err != nil {
		return nil, err
	}
	for i, s := range list { // both have all keys, in the order of config.yaml
		if p.reloads(s.Key) {
			list[i] = now[i]
		}
	}
	return list, nil
}
