//go:build race

package ownership

// simSchedules is less under the race detector: a schedule has one goroutine at
// a time, in which it can find nothing and costs twenty times as much.
const simSchedules = 1_000
