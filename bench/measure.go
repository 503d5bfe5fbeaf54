package main

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"
)

func (b *bench) path(name string) string { return filepath.Join(b.folder, name) }

// wall runs work and returns the wall-clock time.
func wall(work func() error) (time.Duration, error) {
	start := time.Now()
	err := work()
	return time.Since(start), err
}

// best returns the shortest of several runs, after one as a warm-up.
func (b *bench) best(work func() error) (time.Duration, error) {
	times, err := turns(b.rounds, wall, work)
	return shortest(times, 0), err
}

// bestOneCore is best for work that stays on its goroutine.
func (b *bench) bestOneCore(work func() error) (time.Duration, error) {
	times, err := turns(b.rounds, oneCore, work)
	return shortest(times, 0), err
}

// turns measures several works alternately, so that the machine's noise affects all
// of them alike. The first turn is a warm-up and does not count. It returns a row for
// each turn.
func turns(rounds int, clock func(func() error) (time.Duration, error), works ...func() error) ([][]time.Duration, error) {
	var all [][]time.Duration
	for turn := range rounds + 1 {
		row := make([]time.Duration, len(works))
		for i, work := range works {
			runtime.GC()
			var err error
			if row[i], err = clock(work); err != nil {
				return nil, err
			}
		}
		if turn > 0 {
			all = append(all, row)
		}
	}
	return all, nil
}

// shortest returns the best time of one of the works.
func shortest(turns [][]time.Duration, work int) time.Duration {
	best := time.Duration(0)
	for _, row := range turns {
		if best == 0 || row[work] < best {
			best = row[work]
		}
	}
	return best
}

// median of ratios: one turn that was disturbed does not count.
func median(ratios []float64) float64 {
	sorted := slices.Sorted(slices.Values(ratios))
	return sorted[len(sorted)/2]
}

// cost is what some work took.
type cost struct {
	took time.Duration // wall clock
	used time.Duration // CPU time; 0: unknown
}

// better keeps the best of both.
func (c *cost) better(o cost) {
	if c.took == 0 || o.took < c.took {
		c.took = o.took
	}
	if c.used == 0 || o.used < c.used {
		c.used = o.used
	}
}

// free returns how many CPUs are available now, measured by using all of them for a
// moment: other programs use the rest. 0: unknown.
func free() float64 {
	const moment = 100 * time.Millisecond
	before, err := processTime(os.Getpid())
	if err != nil {
		return 0
	}
	start := time.Now()
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for time.Since(start) < moment { // busy loop
			}
		})
	}
	all.Wait()
	after, _ := processTime(os.Getpid()) // it did not fail before
	return float64(after-before) / float64(time.Since(start))
}
