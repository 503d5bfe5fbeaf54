//go:build unix

// Package benchclock is the clock of benchmarks on a machine that does other
// work, too. It is imported by tests only.
package benchclock

import (
	"syscall"
	"testing"
	"time"
)

// ProcessorTime is what this process has taken of the processors so far: unlike
// the time of day, it leaves out what other programs took meanwhile.
func ProcessorTime(b testing.TB) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
