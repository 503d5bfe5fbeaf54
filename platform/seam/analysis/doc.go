// Package analysis judges a module's move by its figures: how calls ended and how
// long they took on both sides, in this process and at the remote, since the start
// and within a window; whether the remote is worse than this process (the guard);
// and whether the next step is safe (the verdict). It does no call itself and
// has no operation but its name.
//
// Reading order: step.go, ending.go, meter.go, window.go, guard.go, verdict.go,
// status.go.
package analysis
