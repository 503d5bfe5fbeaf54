//go:build !linux

// Package memory reports how much memory this process may still take.
package memory

// Available is unknown, which is 0.
func Available() int64 { return 0 }
