//go:build !linux

package offline

// memoryOr is what was asked for; 0 is no limit, where the system's memory is
// not known.
func memoryOr(asked int64) int64 { return asked }
