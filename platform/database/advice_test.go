package database_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/mattn/go-sqlite3"

	"banyan/platform/database"
)

func TestErrorsOfSQLiteNameTheirCause(t *testing.T) {
	for want, err := range map[string]error{
		"limit of open files":   sqlite3.Error{Code: sqlite3.ErrCantOpen, SystemErrno: syscall.EMFILE},
		"ulimit -n":             sqlite3.Error{Code: sqlite3.ErrIoErr, SystemErrno: syscall.ENFILE},
		"disk is full":          sqlite3.Error{Code: sqlite3.ErrIoErr, SystemErrno: syscall.EDQUOT},
		"read-only file system": sqlite3.Error{Code: sqlite3.ErrCantOpen, SystemErrno: syscall.EROFS},
		"owner and permissions": sqlite3.Error{Code: sqlite3.ErrCantOpen, SystemErrno: syscall.EACCES},
		"SQLITE_TMPDIR":         sqlite3.Error{Code: sqlite3.ErrIoErr, ExtendedCode: sqlite3.ErrIoErrGetTempPath},
		"reports an error":      sqlite3.Error{Code: sqlite3.ErrIoErr, SystemErrno: syscall.EIO},
	} {
		if got := database.SQLiteAdvice(fmt.Errorf("insert: %w", err)); !strings.Contains(got, want) {
			t.Errorf("%v: %q does not say %q", err, got, want)
		}
	}
}

func TestErrorsOfFilesNameTheirCause(t *testing.T) {
	for want, errno := range map[string]syscall.Errno{
		"limit of open files": syscall.EMFILE, "disk is full": syscall.ENOSPC, "read-only": syscall.EROFS, "owner": syscall.EACCES,
	} {
		err := database.FileFault(&os.PathError{Op: "open", Path: "/x", Err: errno}, "cannot create the folder /x")
		if !strings.Contains(err.Error(), want) || !database.IsOutage(err) || !errors.Is(err, errno) {
			t.Errorf("%v: %v", errno, err)
		}
	}
}

func TestErrorsOfPostgresNameTheirCause(t *testing.T) {
	for want, err := range map[string]error{
		"ulimit -n":                 fmt.Errorf("dial: %w", syscall.EMFILE),
		"default_pool_size":         &pgconn.PgError{Code: "08P01", Message: "query_wait_timeout"},
		"max_client_conn":           &pgconn.PgError{Code: "08P01", Message: "no more connections allowed (max_client_conn)"},
		"pool_mode":                 &pgconn.PgError{Code: "08P01", Message: "transaction blocks not allowed in statement pooling mode"},
		"ignore_startup_parameters": &pgconn.PgError{Code: "08P01", Message: "unsupported startup parameter: geqo"},
		"owner":                     &pgconn.PgError{Code: "42501", Message: "permission denied for table book"},
	} {
		if got := database.PostgresAdvice(err); !strings.Contains(got, want) {
			t.Errorf("%v: %q does not say %q", err, got, want)
		}
	}
}

func TestATemporaryFolderIsOneThatCanBeWrittenIn(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		folders []string
		want    bool
	}{
		{nil, false},
		{[]string{""}, false},
		{[]string{"", file, filepath.Join(folder, "missing")}, false},
		{[]string{"", filepath.Join(folder, "missing"), folder}, true},
	} {
		if got := database.HasTemporaryFolder(c.folders); got != c.want {
			t.Errorf("%q: %v", c.folders, got)
		}
	}
}
