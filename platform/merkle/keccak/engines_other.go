//go:build !amd64 || purego

package keccak

// Engines returns the engines that this processor can run, the fastest first.
func Engines() []Engine { return []Engine{Scalar{}} }
