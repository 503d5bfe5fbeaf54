//go:build !linux

package main

import "time"

// oneCore runs work and gives the time on the wall.
func oneCore(work func() error) (time.Duration, error) {
	start := time.Now()
	err := work()
	return time.Since(start), err
}
