//go:build !unix

package airdrop_test

import (
	"testing"
	"time"
)

// processorTime is the time of day, where the processors' cannot be had alike.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	return time.Duration(time.Now().UnixNano())
}
