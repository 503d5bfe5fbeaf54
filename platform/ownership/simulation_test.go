package ownership

import (
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// simSeed reruns one schedule, with what happened in it.
const simSeed = "BANYAN_SIM_SEED"

// mutantSchedules is how many a broken protocol may survive at most.
const mutantSchedules = 500

// Processes that are paused, restarted and believe old news, messages lost,
// late and repeated, clocks that say anything: never two writers in an epoch,
// never a write by another than the epoch's owner, and every acknowledged write
// stored exactly once.
func TestNoScheduleHasTwoWriters(t *testing.T) {
	if text := os.Getenv(simSeed); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("%s is not a seed: %v", simSeed, err)
		}
		w := simulate(seed, sound, true)
		t.Logf("seed %d\n%s", seed, strings.Join(w.trace, "\n"))
		if w.violation != "" {
			t.Errorf("seed %d: %s", seed, w.violation)
		}
		return
	}
	schedules := simSchedules
	if testing.Short() {
		schedules /= 10
	}
	base := rand.Uint64() // a new set of schedules with each run
	t.Logf("seeds %d … %d (one again: %s=seed)", base, base+uint64(schedules)-1, simSeed)
	var next, takes, refusals, writes atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for n := next.Add(1) - 1; n < int64(schedules) && !t.Failed(); n = next.Add(1) - 1 {
				w := simulate(base+uint64(n), sound, false)
				if w.violation != "" {
					t.Errorf("seed %d: %s (look: %s=%d)", base+uint64(n), w.violation, simSeed, base+uint64(n))
				}
				takes.Add(int64(w.takes))
				refusals.Add(int64(w.refusals))
				writes.Add(int64(len(w.acknowledged)))
			}
		})
	}
	wg.Wait()
	t.Logf("%d schedules: %d writes acknowledged, %d takes, %d writes refused by the fence and sent on", schedules, writes.Load(), takes.Load(), refusals.Load())
	if t.Failed() {
		return
	}
	if each := int64(schedules); takes.Load() < 2*each || refusals.Load() < each/2 || writes.Load() < 12*each {
		t.Error("too little happened in these schedules for them to show anything")
	}
}

// Negative controls: what is wrong is found, and by the invariant that it breaks.
func TestTheSimulationFindsABrokenProtocol(t *testing.T) {
	for mutated, symptom := range map[mutation]string{
		noFence:      "belongs to",
		fenceOutside: "belongs to",
		fenceNoLock:  "belongs to",
		blindTake:    "", // the epoch is taken twice, goes back, or is written by two
		noKeys:       "stored 2 times",
	} {
		t.Run(string(mutated), func(t *testing.T) {
			for seed := range uint64(mutantSchedules) {
				w := simulate(seed, mutated, false)
				if w.violation != "" && strings.Contains(w.violation, symptom) {
					t.Logf("seed %d: %s", seed, w.violation)
					return
				}
			}
			t.Errorf("%d schedules did not show it", mutantSchedules)
		})
	}
}

// The same seed is the same schedule: otherwise a failure could not be looked at.
func TestASeedDecidesTheWholeSchedule(t *testing.T) {
	for seed := range uint64(20) {
		first, second := simulate(seed, sound, true), simulate(seed, sound, true)
		if a, b := strings.Join(first.trace, "\n"), strings.Join(second.trace, "\n"); a != b {
			t.Fatalf("seed %d gave two schedules:\n%s\n\n%s", seed, a, b)
		}
	}
}
