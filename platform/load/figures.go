package load

import (
	"maps"
	"slices"
	"sync"
	"time"

	"banyan/platform/fault"
	"banyan/platform/latency"
)

// Report is how a server did under a load.
type Report struct {
	Seconds    float64     `json:"seconds"`
	Requests   int         `json:"requests"`
	PerSecond  float64     `json:"per_second"`
	Failed     int         `json:"failed"`
	Writes     int         `json:"acknowledged_writes"`
	LongestGap float64     `json:"longest_gap_seconds"` // without an acknowledged write
	Operations []Operation `json:"operations"`
}

// Operation is how a server did one kind of request.
type Operation struct {
	Name   string         `json:"operation"`
	Write  bool           `json:"write"`
	Count  int            `json:"count"`
	P50    float64        `json:"p50_seconds"` // of those that were answered, see package latency
	P99    float64        `json:"p99_seconds"`
	Most   float64        `json:"most_seconds"`
	Errors map[string]int `json:"errors,omitempty"` // by code
}

// figures count requests. It is safe for concurrent use.
type figures struct {
	mu         sync.Mutex
	begun      time.Time
	lastWrite  time.Time // acknowledged; at the beginning, begun
	longestGap time.Duration
	operations map[string]*counted
}

type counted struct {
	write  bool
	took   latency.Histogram
	most   time.Duration
	count  int
	errors map[string]int
}

func newFigures(now time.Time) *figures {
	return &figures{begun: now, lastWrite: now, operations: make(map[string]*counted)}
}

func (f *figures) count(operation string, code fault.Code, begun, now time.Time, write bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.operations[operation]
	if c == nil {
		c = &counted{write: write, errors: make(map[string]int)}
		f.operations[operation] = c
	}
	c.count++
	if code != "" {
		c.errors[string(code)]++
		return
	}
	took := now.Sub(begun)
	c.took.Observe(took)
	c.most = max(c.most, took)
	if write {
		f.longestGap = max(f.longestGap, now.Sub(f.lastWrite))
		f.lastWrite = now
	}
}

func (f *figures) report(now time.Time) Report {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := Report{Seconds: now.Sub(f.begun).Seconds(), LongestGap: max(f.longestGap, now.Sub(f.lastWrite)).Seconds()}
	for _, name := range slices.Sorted(maps.Keys(f.operations)) {
		c := f.operations[name]
		took := c.took.Counts()
		most := c.most.Seconds()
		o := Operation{Name: name, Write: c.write, Count: c.count, P50: min(took.Quantile(.5), most), P99: min(took.Quantile(.99), most), Most: most, Errors: c.errors}
		failed := 0
		for _, n := range c.errors {
			failed += n
		}
		r.Requests, r.Failed = r.Requests+c.count, r.Failed+failed
		if c.write {
			r.Writes += c.count - failed
		}
		r.Operations = append(r.Operations, o)
	}
	if r.Seconds > 0 {
		r.PerSecond = float64(r.Requests) / r.Seconds
	}
	return r
}
