package merkle

import (
	"sync"
	"sync/atomic"
)

// progress counts what a stage has done, for Options.Progress.
type progress struct {
	tell  func(stage string, done, total int64)
	stage string
	total int64
	done  atomic.Int64
	turn  sync.Mutex // calls do not overlap
}

// begin starts a stage of total units.
func (o Options) begin(stage string, total int64) *progress {
	p := &progress{tell: o.Progress, stage: stage, total: total}
	p.add(0)
	return p
}

// add reports that n more units are done. Who comes while another reports goes
// on with its work: a later report says more.
func (p *progress) add(n int) {
	p.done.Add(int64(n))
	if p.tell == nil || !p.turn.TryLock() {
		return
	}
	defer p.turn.Unlock()
	p.tell(p.stage, min(p.done.Load(), p.total), p.total)
}
