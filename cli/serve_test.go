package cli

import (
	"math"
	"testing"
)

func TestTheHeapBallastFitsTheMachine(t *testing.T) {
	const mib, unlimited = 1 << 20, math.MaxInt64
	for name, c := range map[string]struct{ available, limit, want int64 }{
		"a large machine":       {24 << 30, unlimited, 64 * mib},
		"a small machine":       {512 * mib, unlimited, 16 * mib},
		"one of unknown memory": {0, unlimited, 16 * mib},
		"a limit of Go's own":   {24 << 30, 128 * mib, 4 * mib},
	} {
		if got := heapBallast(c.available, c.limit); got != c.want {
			t.Errorf("%s: %d MiB, want %d", name, got/mib, c.want/mib)
		}
	}
}
