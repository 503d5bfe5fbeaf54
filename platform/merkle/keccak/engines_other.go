//go:build !amd64 || purego

package keccak

// Engines lists the engines this processor can run, the fastest first.
func Engines() []Engine { return []Engine{Scalar{}} }
