//go:build !linux

// Package memory reports how much memory this process may still take.
package memory

// Available returns 0, unknown, on this system.
func Available() int64 { return 0 }
