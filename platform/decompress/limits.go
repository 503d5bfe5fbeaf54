package decompress

import (
	"strconv"
)

// Limits bound what a text may cost its reader. The zero value is for untrusted
// uploads: each field that is 0 has the default of an upload.
type Limits struct {
	// Window is the largest window of a zstd stream, in bytes; its decoder
	// allocates as much. 0: UploadWindow.
	Window int64
	// Ratio is how many bytes each byte that was sent may decompress to. It
	// does not apply to texts of up to AtLeast bytes. 0: UploadRatio and
	// UploadAtLeast; NoRatio: any number.
	Ratio, AtLeast int64
	// Max is the most bytes of decompressed text in all. 0: no limit.
	Max int64
	// Reserve is called with the memory, in bytes, that will be allocated;
	// reading fails with its error. It must be safe for concurrent use. nil:
	// memory is not counted.
	Reserve func(bytes int64) error
}

const (
	// UploadWindow is the window of zstd at its level 19: lists do not compress
	// better with a longer one.
	UploadWindow = 8 << 20
	// UploadRatio is far above the ratio of lists, which is less than ten.
	UploadRatio = 64
	// UploadAtLeast is so little text that its ratio does not matter.
	UploadAtLeast = 16 << 20
	// FileWindow is the largest window of `zstd --long` by default.
	FileWindow = 128 << 20
	// NoRatio is a Ratio without limit.
	NoRatio = -1
)

// Files returns the limits for local files of the command line, and for uploads
// by operators.
func Files() Limits { return Limits{Window: FileWindow, Ratio: NoRatio} }

func (l Limits) filled() Limits {
	if l.Window <= 0 {
		l.Window = UploadWindow
	}
	if l.Ratio == 0 {
		l.Ratio = UploadRatio
	}
	if l.AtLeast <= 0 {
		l.AtLeast = UploadAtLeast
	}
	return l
}

// Take reserves memory, in bytes. It fails as Reserve does.
func (l Limits) Take(bytes int64) error {
	if l.Reserve == nil {
		return nil
	}
	return l.Reserve(bytes)
}

// Proportion returns the most bytes of text that sent bytes may decompress to;
// -1 without limit.
func (l Limits) Proportion(sent int64) int64 {
	l = l.filled()
	if l.Ratio < 0 {
		return -1
	}
	return max(l.AtLeast, l.Ratio*sent)
}

// mebibytes formats a size for people.
func mebibytes(bytes int64) string {
	if bytes < 1<<20 {
		return strconv.FormatInt(bytes, 10) + " bytes"
	}
	return strconv.FormatInt(bytes>>20, 10) + " MiB"
}
