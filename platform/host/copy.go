package host

import (
	"context"
	"strings"
	"time"

	"banyan/migrations"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/transfer"
)

// place is where all databases are.
type place struct {
	url  string // for database.Options; may have a password
	name string // for people
}

// placeOf reads "sqlite" (the data folder of the settings), "sqlite:FOLDER", or a URL
// of PostgreSQL.
func (l Loaded) placeOf(text string) (place, error) {
	if text == "sqlite" || strings.HasPrefix(text, "sqlite:") {
		folder := strings.TrimPrefix(strings.TrimPrefix(text, "sqlite"), ":")
		if folder == "" {
			folder = l.Settings.Data
		}
		if err := refuseDemoFolder(folder); err != nil {
			return place{}, err
		}
		return place{url: "sqlite:" + folder, name: "sqlite:" + folder}, nil
	}
	var url database.URL
	if err := url.UnmarshalText([]byte(text)); err != nil || url == "" {
		return place{}, fault.New(fault.Invalid, "a place of databases must be sqlite (the data folder of the settings), sqlite:FOLDER, or postgres://user@host:5432/name")
	}
	return place{url: url.Reveal(), name: url.String()}, nil
}

// inForce is where the settings have the databases.
func (l Loaded) inForce() (place, error) {
	if !l.Settings.Database.Postgres() {
		return l.placeOf("sqlite")
	}
	return place{url: l.Settings.Database.DSN(), name: l.Settings.Database.URL.String()}, nil
}

// DatabasePlace names the databases of the settings, for people.
func (l Loaded) DatabasePlace() string {
	if l.Settings.Database.Postgres() {
		return l.Settings.Database.URL.String()
	}
	return l.Settings.Data
}

func (l Loaded) databasesAt(p place) []database.Options {
	all := make([]database.Options, len(l.Databases()))
	for i, name := range l.Databases() {
		all[i] = database.Options{Module: name, URL: p.url, Connections: 2, Migrations: l.Migrations, Sets: migrations.Sets(name)}
	}
	return all
}

// CopyDatabases copies all data from one kind of database to the other, see transfer.Copy.
// from is "" for the databases of the settings; both take what placeOf reads.
func (l Loaded) CopyDatabases(ctx context.Context, from, to string, isTrial bool, progress func(database, table string, rows int64)) (transfer.Report, error) {
	source, err := l.inForce()
	if from != "" {
		source, err = l.placeOf(from)
	}
	if err != nil {
		return transfer.Report{}, err
	}
	target, err := l.placeOf(to)
	if err != nil {
		return transfer.Report{}, err
	}
	isFile := func(p place) bool { return strings.HasPrefix(p.url, "sqlite:") }
	if isFile(source) == isFile(target) {
		instead := "pg_dump and pg_restore copy between two of PostgreSQL"
		if isFile(source) {
			instead = "`banyan backup create` and `banyan backup restore` copy between two folders"
		}
		return transfer.Report{}, fault.New(fault.Invalid, "both places are of one kind, and this copies from SQLite to PostgreSQL or back: "+instead)
	}
	return transfer.Copy(ctx, transfer.Options{
		From: l.databasesAt(source), To: l.databasesAt(target), FromName: source.name, ToName: target.name,
		Trial: isTrial, Progress: progress, Now: time.Now(),
	})
}
