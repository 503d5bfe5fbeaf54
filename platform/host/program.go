package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"banyan/migrations"
	"banyan/platform/config"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity/signin"
	"banyan/platform/rollout"
	"banyan/platform/seam"
	"banyan/platform/upkeep"
)

// Program is what main passes to the program.
type Program struct {
	Version    string
	Defaults   []byte   // config.yaml
	Migrations fs.FS    // a folder for each database, see package migrations
	Modules    []Module // in the order in which they start
}

// The databases that do not belong to a module.
const (
	identityDatabase = "identity"
	routesDatabase   = "routes"
)

// Loaded is a program with its settings.
type Loaded struct {
	Program
	Settings *Settings
	Source   *config.Loaded
}

// Load reads the settings, and those of every module into its descriptor. The
// options' Defaults are the program's.
func (p Program) Load(o config.Options) (Loaded, error) {
	settings := &Settings{names: p.ModuleNames()}
	o.Defaults = p.Defaults
	source, err := config.Load(o, p.sections(settings)...)
	return Loaded{Program: p, Settings: settings, Source: source}, err
}

func (p Program) sections(settings *Settings) []config.Section {
	sections := []config.Section{{Into: settings}}
	for _, m := range p.Modules {
		if m.Settings != nil {
			sections = append(sections, config.Section{Key: m.Name(), Into: m.Settings})
		}
	}
	return sections
}

// NamedSources returns where settings were given on purpose, see config.Named.
func (p Program) NamedSources(o config.Options) ([]config.Origin, error) {
	o.Defaults = p.Defaults
	return config.Named(o, p.sections(&Settings{})...)
}

// ModuleNames returns the names of all modules, in their order.
func (p Program) ModuleNames() []string {
	names := make([]string, len(p.Modules))
	for i, m := range p.Modules {
		names[i] = m.Name()
	}
	return names
}

// Find returns the module of this name. Fails with fault.NotFound and the list of
// modules.
func (p Program) Find(name string) (Module, error) {
	i := slices.IndexFunc(p.Modules, func(m Module) bool { return m.Name() == name })
	if i < 0 {
		return Module{}, fault.Newf(fault.NotFound, "there is no module %q: choose %s", name, oneOf(p.ModuleNames()))
	}
	return p.Modules[i], nil
}

// Databases returns the names of all databases.
func (p Program) Databases() []string {
	return append([]string{identityDatabase, routesDatabase}, p.ModuleNames()...)
}

// check fails for a wrong list of modules, a defect of main.
func (p Program) check() error {
	seen := make(map[string]bool)
	for _, m := range p.Modules {
		if seen[m.Name()] {
			return fmt.Errorf("the module %s is listed twice", m.Name())
		}
		for _, used := range m.Uses {
			if !seen[used.Module] {
				return fmt.Errorf("the module %s uses %s, which is not listed before it", m.Name(), used.Module)
			}
		}
		seen[m.Name()] = true
	}
	return nil
}

// OpenDatabase opens the database of this name, without migrating it, where its data
// is: it may have been moved. It refuses a demo's folder.
func (l Loaded) OpenDatabase(ctx context.Context, name string) (*database.DB, error) {
	if err := refuseDemoFolder(l.Settings.Data); err != nil {
		return nil, err
	}
	db, err := database.Open(ctx, l.DatabaseOptions(name))
	if err != nil {
		return nil, err
	}
	if err := l.follow(ctx, db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// DatabaseStatus returns the state of a database's schema where its data is, and
// creates nothing. It refuses a demo's folder.
func (l Loaded) DatabaseStatus(ctx context.Context, name string) (database.Status, error) {
	if err := refuseDemoFolder(l.Settings.Data); err != nil {
		return database.Status{}, err
	}
	home := l.DatabaseOptions(name)
	status, err := database.ReadStatus(ctx, home)
	if err != nil || !status.Exists || status.Newer() > 0 {
		return status, err
	}
	db, err := l.OpenDatabase(ctx, name)
	if err != nil {
		return database.Status{}, err
	}
	away, hasMoved := db.Options(), db.Home() != nil
	if err := db.Close(); err != nil || !hasMoved {
		return status, err
	}
	return database.ReadStatus(ctx, away)
}

// DatabaseOptions returns the options of the database of this name.
func (l Loaded) DatabaseOptions(name string) database.Options {
	url := "sqlite:" + l.Settings.Data
	if l.Settings.Database.Postgres() {
		url = l.Settings.Database.DSN()
	}
	return database.Options{
		Module: name, URL: url, Readers: l.Settings.Database.Readers, Connections: l.Settings.Database.Connections,
		Migrations: l.Migrations, Sets: migrations.Sets(name),
	}
}

// CheckDatabaseURL reads database.url as opening does, and connects to nobody.
func (l Loaded) CheckDatabaseURL() error {
	if !l.Settings.Database.Postgres() {
		return nil
	}
	return database.CheckURL(l.DatabaseOptions(identityDatabase))
}

// APIDocument returns the OpenAPI document of all modules and of the program, for a
// site below this path, "" for a whole host. It does not depend on the settings.
func (p Program) APIDocument(base string) ([]byte, error) {
	contracts := make([]*seam.Contract, 0, len(p.Modules)+1)
	for _, m := range p.Modules {
		contracts = append(contracts, m.Contract)
	}
	for _, m := range p.Modules {
		contracts = append(contracts, upkeep.NewContract(m.Name()).Seam())
	}
	document := seam.OpenAPI("Banyan", "v1", append(contracts, rollout.Contract)...)
	endpoints := signin.Describe()
	described := make([]seam.Endpoint, len(endpoints))
	for i, e := range endpoints {
		described[i] = seam.Endpoint(e)
	}
	document.Add("identity", "Who is calling: sign-in with a wallet, sessions, tokens.", described...)
	if base != "" {
		document["servers"] = []any{map[string]any{"url": base}}
	}
	return json.MarshalIndent(document, "", " ")
}

// OneOfModules returns the modules' names for a message: a, b or c.
func (p Program) OneOfModules() string { return oneOf(p.ModuleNames()) }
