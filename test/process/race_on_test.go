//go:build race

package process_test

// underRace reports whether the tests run with the race detector.
const underRace = true

// callers are those of the load at the same time: the race detector makes every request
// several times as dear, and a machine that is only late shows nothing.
const callers = 24
