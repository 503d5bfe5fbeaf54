//go:build unix

// Package benchclock is the clock of benchmarks on a machine that runs other
// programs, too. It is imported by tests only.
package benchclock

import (
	"syscall"
	"testing"
	"time"
)

// ProcessorTime returns the CPU time of this process so far: unlike the time of day,
// it does not include the time of other programs.
func ProcessorTime(b testing.TB) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
