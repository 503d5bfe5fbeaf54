//go:build !linux

package merkle

// makeLarge makes a slice; the system sees to its pages.
func makeLarge[T any](n int) []T { return make([]T, n) }
