package database

import (
	"os"

	"golang.org/x/sys/unix"
)

// SQLite sorts, and keeps what it needs to undo a statement, in temporary files
// once there is much of it. A container with a read-only root often has no folder
// for them, and the first large import would fail there; then memory takes their
// place. Files are preferred, because memory for them has no bound but the size of
// what a statement changes.

// temporaryFolders are those that SQLite tries on Unix, in its order.
func temporaryFolders() []string {
	return []string{os.Getenv("SQLITE_TMPDIR"), os.Getenv("TMPDIR"), "/var/tmp", "/usr/tmp", "/tmp", "."}
}

// hasTemporaryFolder reports whether SQLite would put its temporary files into one
// of folders.
func hasTemporaryFolder(folders []string) bool {
	for _, folder := range folders {
		about, err := os.Stat(folder)
		if folder != "" && err == nil && about.IsDir() && unix.Access(folder, unix.W_OK|unix.X_OK) == nil {
			return true
		}
	}
	return false
}
