// Package progresstest keeps what work says of itself.
package progresstest

import (
	"slices"

	"banyan/platform/progress"
)

// Told is what work has said of itself. The zero value is ready, for one goroutine.
type Told struct {
	Stages []string                 // in their order, each once
	Last   map[string]progress.Work // by stage
	Back   bool                     // that it had been further, or beyond its end
}

// Tell is a progress.Tell.
func (w *Told) Tell(stage string, done, total int64) {
	if w.Last == nil {
		w.Last = make(map[string]progress.Work)
	}
	if !slices.Contains(w.Stages, stage) {
		w.Stages = append(w.Stages, stage)
	}
	over := total > 0 && done > total
	w.Back = w.Back || over || stage != w.Stages[len(w.Stages)-1] || done < w.Last[stage].Done
	w.Last[stage] = progress.Work{Stage: stage, Done: done, Total: total}
}
