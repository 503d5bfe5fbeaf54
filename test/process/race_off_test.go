//go:build !race

package process_test

// underRace reports whether the tests run with the race detector.
const underRace = false

// callers are those of the load at the same time.
const callers = 64
