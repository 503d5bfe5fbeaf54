//go:build !linux

package merkle

import "os"

// onLargePages does nothing on this system.
func onLargePages[T any](s []T) []T { return s }

// startWriting does nothing on this system.
func startWriting(*os.File, int64, int64) {}
