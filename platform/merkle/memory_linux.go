package merkle

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// hugePage is the size of the larger pages, in bytes.
const hugePage = 2 << 20

// onLargePages requests large pages for a slice: the first access to a million
// rows otherwise costs a fifth of a build in page faults. It is a hint: nothing
// depends on it.
func onLargePages[T any](s []T) []T {
	bytes := uintptr(len(s)) * unsafe.Sizeof(*new(T))
	if bytes < 2*hugePage {
		return s
	}
	start := uintptr(unsafe.Pointer(unsafe.SliceData(s))) //nolint:gosec // a number, to find the first whole page
	skip := (hugePage - start%hugePage) % hugePage
	whole := (bytes - skip) / hugePage * hugePage
	pages := unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(s)), skip)), whole) //nolint:gosec // inside of s
	_ = unix.Madvise(pages, unix.MADV_HUGEPAGE)                                                  // without it everything works, slower
	return s
}

// startWriting starts writing a part of a file to disk, so that the sync at the
// end waits less. It is a hint: nothing depends on it.
func startWriting(file *os.File, from, length int64) {
	_ = unix.SyncFileRange(int(file.Fd()), from, length, unix.SYNC_FILE_RANGE_WRITE)
}
