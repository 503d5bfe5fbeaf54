package decompress

import (
	"strconv"
)

// Limits are what a text may cost its reader. The zero value is for people whom
// nobody knows: each field that is 0 has the default of an upload.
type Limits struct {
	// Window is the largest window of a zstd stream, in bytes; its reader holds
	// as much. 0: UploadWindow.
	Window int64
	// Ratio is how many bytes each byte that was sent may unpack to; as long as
	// there are no more than AtLeast, it is not asked. 0: UploadRatio and
	// UploadAtLeast; NoRatio: any number.
	Ratio, AtLeast int64
	// Max is the most bytes of text, packed or not, in all. 0: no limit.
	Max int64
	// Reserve is asked for memory, in bytes, before it is taken; its error is
	// the reader's. It is called by several goroutines. nil: nobody counts.
	Reserve func(bytes int64) error
}

const (
	// UploadWindow is the window that zstd takes at its level 19: lists pack no
	// better with a longer one.
	UploadWindow = 8 << 20
	// UploadRatio is far above what lists pack to, which is less than ten times.
	UploadRatio = 64
	// UploadAtLeast is so little text that a reader need not mind.
	UploadAtLeast = 16 << 20
	// FileWindow is the largest window that `zstd --long` takes unless it is
	// told otherwise.
	FileWindow = 128 << 20
	// NoRatio is a Ratio without limit.
	NoRatio = -1
)

// Files are the limits of the files that somebody reads on a machine of their
// own, and of uploads by those who run the place.
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

// Take reserves memory. It fails as Reserve does.
func (l Limits) Take(bytes int64) error {
	if l.Reserve == nil {
		return nil
	}
	return l.Reserve(bytes)
}

// Proportion is the most bytes that may come of what was sent; no limit is -1.
func (l Limits) Proportion(sent int64) int64 {
	l = l.filled()
	if l.Ratio < 0 {
		return -1
	}
	return max(l.AtLeast, l.Ratio*sent)
}

// mebibytes is a size for people.
func mebibytes(bytes int64) string {
	if bytes < 1<<20 {
		return strconv.FormatInt(bytes, 10) + " bytes"
	}
	return strconv.FormatInt(bytes>>20, 10) + " MiB"
}
