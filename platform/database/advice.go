package database

import (
	"errors"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/mattn/go-sqlite3"

	"banyan/platform/fault"
)

// What completes "the database of x …" when it is not the statement's fault.
const (
	adviceClosed     = "is closed because the program is stopping: try again in a moment"
	adviceReadOnly   = "is read-only: connect to the primary, with a role that may write"
	adviceFiles      = "cannot open another file, because the limit of open files is reached: raise it (ulimit -n; LimitNOFILE= in systemd)"
	adviceDisk       = "cannot grow, its disk is full: free space there; nothing of this write was kept"
	adviceFileSystem = "is on a read-only file system: mount the data folder writable; nothing was written"
	advicePermission = "cannot be opened: look at the folder's owner and permissions"
)

// systemAdvice is advice for an error of the operating system, empty for those
// that say nothing certain.
func systemAdvice(err error) string {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return ""
	}
	switch errno {
	case syscall.EMFILE, syscall.ENFILE:
		return adviceFiles
	case syscall.ENOSPC, syscall.EDQUOT:
		return adviceDisk
	case syscall.EROFS:
		return adviceFileSystem
	case syscall.EACCES, syscall.EPERM:
		return advicePermission
	}
	return ""
}

// fileFault explains that a file or folder beside the database cannot be used:
// "cannot create the data folder /x".
func fileFault(err error, what string) error {
	switch systemAdvice(err) {
	case adviceFiles:
		what += ", because the limit of open files is reached: raise it (ulimit -n; LimitNOFILE= in systemd)"
	case adviceDisk:
		what += ", because its disk is full: free space there"
	case adviceFileSystem:
		what += ", because its file system is read-only: mount it writable, or choose another data folder"
	default:
		what += ": look at its owner and permissions, or choose another data folder"
	}
	return fault.Wrap(outage{err}, fault.Unavailable, what)
}

// sqliteAdvice completes "the database of x …", or is empty for errors that
// are about the statement and not about the database.
func sqliteAdvice(err error) string {
	var lite sqlite3.Error
	if !errors.As(err, &lite) {
		return ""
	}
	switch lite.Code {
	case sqlite3.ErrFull:
		return adviceDisk
	case sqlite3.ErrIoErr:
		if lite.ExtendedCode == sqlite3.ErrIoErrGetTempPath {
			return "finds no folder for temporary files: name a writable one in SQLITE_TMPDIR; nothing of this write was kept"
		}
		if advice := systemAdvice(lite.SystemErrno); advice != "" {
			return advice
		}
		return "cannot be read or written, its disk reports an error: look at the disk and the system log; nothing of this write was kept"
	case sqlite3.ErrReadonly:
		return "is read-only: make the file and its folder writable for this user; nothing was written"
	case sqlite3.ErrPerm, sqlite3.ErrCantOpen, sqlite3.ErrAuth:
		if advice := systemAdvice(lite.SystemErrno); advice != "" {
			return advice
		}
		return advicePermission
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		return "is held by another process: stop the other program that writes to it, or try again; nothing was written"
	case sqlite3.ErrCorrupt, sqlite3.ErrNotADB:
		return "is damaged: stop the program, keep a copy of the file and restore a backup"
	case sqlite3.ErrNomem:
		return "is out of memory: give the program more, or try again; nothing was written"
	}
	return ""
}

// postgresAdvice is sqliteAdvice for PostgreSQL and what stands before it.
func postgresAdvice(err error) string {
	if advice := poolerAdvice(err); advice != "" {
		return advice
	}
	if systemAdvice(err) == adviceFiles {
		return adviceFiles
	}
	code := postgresCode(err)
	var refused *pgconn.ConnectError
	if errors.As(err, &refused) {
		if advice := connectAdvice(code); advice != "" {
			return advice
		}
	}
	var network net.Error
	if errors.As(err, &network) || pgconn.SafeToRetry(err) {
		return "lost its connection to PostgreSQL: try again"
	}
	switch {
	case code == "40001" || code == "40P01":
		return "had too many changes of the same rows at once: try again"
	case code == "42501": // insufficient_privilege
		return "refuses its role a right that it needs: make the role the owner of the module's schema and of all tables in it"
	case strings.HasPrefix(code, "08"), strings.HasPrefix(code, "57P"):
		return "lost its connection to PostgreSQL: try again"
	case code == "53100":
		return "cannot grow, PostgreSQL's disk is full: free space there"
	case strings.HasPrefix(code, "53"):
		return "is out of PostgreSQL's resources (connections or memory): try again; lower database.connections, or raise max_connections"
	case code == readOnly:
		return adviceReadOnly
	}
	return ""
}

// connectAdvice is for connections that were not made.
func connectAdvice(code string) string {
	switch {
	case strings.HasPrefix(code, "53"):
		return "" // the server is there, and full
	case code == "28P01":
		return "refuses the user or the password: look at database.url and database.password"
	case strings.HasPrefix(code, "28"):
		return "refuses the user: check that the role in database.url exists, and that pg_hba.conf lets it in from here"
	case code == "3D000":
		return "is not there: create it, or correct the name at the end of database.url"
	case code == "57P03":
		return "is starting, stopping or recovering: try again in a moment"
	}
	return "cannot be reached: check that PostgreSQL (or the pooler) runs there, and the settings database.url and database.password"
}

// poolerAdvice is for what PgBouncer says, all of it with one SQLSTATE.
func poolerAdvice(err error) string {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != "08P01" {
		return ""
	}
	switch {
	case startupRefused(err):
		return "is behind PgBouncer, which refuses a parameter of database.url (" + pg.Message + "): take it out, or name it in PgBouncer's ignore_startup_parameters"
	case strings.Contains(pg.Message, "statement pooling"):
		return "is behind PgBouncer in statement mode, which has no transactions: set pool_mode to transaction or session"
	case strings.Contains(pg.Message, "query_wait_timeout"):
		return "waited in vain for a connection of PgBouncer to PostgreSQL: raise default_pool_size, lower database.connections, or set pool_mode to transaction"
	case strings.Contains(pg.Message, "no more connections"):
		return "gets no more connections from PgBouncer: raise max_client_conn, or lower database.connections"
	}
	return ""
}
