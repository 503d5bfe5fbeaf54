//go:build !amd64 || purego

package keccak

// longInFours hashes nothing: no processor but amd64 has an engine for it.
func longInFours(_, _ []byte, _ []int) (done int) { return 0 }
