package benchclock_test

import (
	"testing"
	"time"

	"banyan/platform/testenv/benchclock"
)

func TestProcessorTimePassesWithWork(t *testing.T) {
	start, sum := benchclock.ProcessorTime(t), 0
	for since := time.Now(); benchclock.ProcessorTime(t) == start; sum++ {
		if time.Since(since) > 10*time.Second {
			t.Fatal("ten seconds of work took no processor's time")
		}
	}
}
