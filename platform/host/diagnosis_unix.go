//go:build unix

package host

import (
	"context"
	"time"

	"golang.org/x/sys/unix"
)

// freeSpace returns how much this user may still write into a folder, in bytes.
func freeSpace(folder string) (free uint64, known bool) {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return 0, false
	}
	return s.Bavail * uint64(s.Bsize), true //nolint:unconvert // of another type on other systems
}

// fewFiles is fewer file descriptors than connections, databases and lists need.
const fewFiles = 4096

func lookAtLimits(_ context.Context, d *Diagnosis, _ func() time.Time) {
	const what = "file descriptors"
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return
	}
	if limit.Max < fewFiles {
		d.add(what, Warning, "at most %d: a busy site needs more, raise LimitNOFILE or ulimit -n", limit.Max)
		return
	}
	d.add(what, Good, "%d", limit.Max)
}
