package database

import (
	"errors"

	"github.com/mattn/go-sqlite3"
)

// LockFile lets tests hold the lock of another process.
var LockFile = lockFile

// IsUnique reports whether a write clashed with a row that is there: a UNIQUE or
// PRIMARY KEY constraint, in either dialect.
func IsUnique(err error) bool {
	var lite sqlite3.Error
	if errors.As(err, &lite) {
		switch lite.ExtendedCode {
		case sqlite3.ErrConstraintUnique, sqlite3.ErrConstraintPrimaryKey, sqlite3.ErrConstraintRowID:
			return true
		}
		return false
	}
	return postgresCode(err) == "23505" // unique_violation
}

// Advice and the choice of temporary storage, for errors and folders that a test
// cannot make happen.
var (
	SQLiteAdvice       = sqliteAdvice
	PostgresAdvice     = postgresAdvice
	FileFault          = fileFault
	HasTemporaryFolder = hasTemporaryFolder
)
