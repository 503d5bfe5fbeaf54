package merkle

import (
	"strings"
	"unsafe"
)

// makeLarge returns a slice for a number of rows or nodes.
func makeLarge[T any](n int) []T { return onLargePages(make([]T, n)) }

// makeUncleared is makeLarge for bytes that are all written before any is read:
// they may contain anything. Clearing them first takes 3 % of a build when Go
// has used the memory before. Go returns uncleared memory to a strings.Builder
// only, whose string nobody else sees.
func makeUncleared(n int) []byte {
	var b strings.Builder
	b.Grow(n)
	_ = b.WriteByte(0)                                                  // an empty string need not have an address
	return onLargePages(unsafe.Slice(unsafe.StringData(b.String()), n)) //nolint:gosec // Grow has allocated n
}
