//go:build unix

package airdrop_test

import (
	"syscall"
	"testing"
	"time"
)

// processorTime is what this process has taken of the processors so far: unlike
// the time of day, it leaves out what other programs took meanwhile.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
