package database

import (
	"context"
	"net/url"
	"time"

	"banyan/platform/config"
	"banyan/platform/fault"
)

// Server is a PostgreSQL server that was tried.
type Server struct {
	Version        string
	Database, User string
	MayCreate      bool          // the user may make schemas in the database
	Schemas        []string      // of these modules that are there already
	MaxConnections int           // of the server
	Encrypted      bool          // the connection is
	Took           time.Duration // to connect and to ask
	Ahead          time.Duration // its clock of ours
}

// Try connects to a PostgreSQL server as Open does, asks what a program needs to know
// before it moves there, and changes nothing. Fails with fault.Invalid for a URL that
// cannot work, and with fault.Unavailable and advice when there is no connection.
func Try(ctx context.Context, at URL, password config.Secret, modules []string) (Server, error) {
	begun := time.Now()
	if at == "" {
		return Server{}, fault.New(fault.Invalid, "there is no address to try").With(fault.Field{Name: "url", Message: "must read postgres://user@host:5432/name"})
	}
	settings := Settings{URL: at, Password: password}
	if u, err := url.Parse(at.Reveal()); err == nil && password != "" {
		if _, twice := u.User.Password(); twice {
			return Server{}, fault.New(fault.Invalid, "there are two passwords").With(fault.Field{Name: "password", Message: "is given, and the address has one, too: leave one of them out"})
		}
	}
	db, err := Open(ctx, Options{Module: "identity", URL: settings.DSN(), Connections: 2})
	if err != nil {
		return Server{}, err
	}
	defer func() { _ = db.Close() }() // nothing was written
	var row struct {
		Version        string `db:"version"`
		Database       string `db:"database"`
		User           string `db:"role"`
		MayCreate      bool   `db:"may_create"`
		MaxConnections int    `db:"max_connections"`
		Encrypted      bool   `db:"encrypted"`
		Now            int64  `db:"now"` // UTC milliseconds
	}
	asked := time.Now()
	err = db.Read().Get(ctx, &row, `
		SELECT current_setting('server_version') AS version,
		       current_database() AS database,
		       current_user AS role,
		       has_database_privilege(current_database(), 'CREATE') AS may_create,
		       current_setting('max_connections')::int AS max_connections,
		       (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now,
		       COALESCE((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS encrypted`)
	if err != nil {
		return Server{}, err
	}
	// The server read its clock somewhere between the question and the answer.
	halfway := asked.Add(time.Since(asked) / 2)
	s := Server{
		Ahead:   time.UnixMilli(row.Now).Sub(halfway),
		Version: row.Version, Database: row.Database, User: row.User, MayCreate: row.MayCreate,
		MaxConnections: row.MaxConnections, Encrypted: row.Encrypted,
	}
	query, args, err := In(`
		SELECT nspname
		  FROM pg_namespace
		 WHERE replace(nspname, '_', '-') IN (?)
		 ORDER BY nspname`, modules)
	if err != nil {
		return Server{}, err
	}
	if err := db.Read().Select(ctx, &s.Schemas, query, args...); err != nil {
		return Server{}, err
	}
	s.Took = time.Since(begun)
	return s, nil
}
