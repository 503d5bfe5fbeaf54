package database

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"time"

	"banyan/platform/fault"
	"banyan/platform/periodic"
)

// lockWait is how often a lock that another process holds is tried again.
const lockWait = 20 * time.Millisecond

// lockFile takes an exclusive lock between processes (and between handles in
// one process) on a file beside the database, never on the database itself:
// closing a descriptor of that drops SQLite's own locks. It waits until ctx
// ends. A process that ends leaves no lock behind, however it ends.
func lockFile(ctx context.Context, path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fileFault(err, "cannot create the lock file "+path)
	}
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = file.Close() }, nil // closing releases the lock
		}
		if err != syscall.EWOULDBLOCK && err != syscall.EINTR {
			_ = file.Close() // nothing was locked
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		if err := periodic.Sleep(ctx, lockWait); err != nil {
			_ = file.Close() // nothing was locked
			return nil, fault.Wrap(err, fault.Unavailable,
				"another process is opening or migrating "+path+": wait for it, or stop it")
		}
	}
}
