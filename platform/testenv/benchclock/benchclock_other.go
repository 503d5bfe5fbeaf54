//go:build !unix

package benchclock

import (
	"testing"
	"time"
)

// ProcessorTime is the time of day, where the processors' cannot be had alike.
func ProcessorTime(b testing.TB) time.Duration {
	b.Helper()
	return time.Duration(time.Now().UnixNano())
}
