package merkle

import (
	"sync"
	"sync/atomic"
)

// progress counts what a stage has done, for Options.Progress.
type progress struct {
	report func(stage string, done, total int64)
	stage  string
	total  int64
	done   atomic.Int64
	turn   sync.Mutex // calls do not overlap
}

// begin starts a stage of total units.
func (o Options) begin(stage string, total int64) *progress {
	p := &progress{report: o.Progress, stage: stage, total: total}
	p.add(0)
	return p
}

// add reports that n more units are done. A worker that finds another one
// reporting does not wait: a later report includes its units.
func (p *progress) add(n int) {
	p.done.Add(int64(n))
	if p.report == nil || !p.turn.TryLock() {
		return
	}
	defer p.turn.Unlock()
	p.report(p.stage, min(p.done.Load(), p.total), p.total)
}
