package seam

import (
	"context"
	"fmt"
	"io"
	"os"
	"reflect"
	"sync"

	"banyan/platform/fault"
	"banyan/platform/memory"
)

// uploadMemory is how much of an upload is kept in memory, in bytes: small ones need no file.
const uploadMemory = 64 << 10

// Uploads keep what has been read of uploads that write, in memory and in temporary files,
// so that one that the fence refuses can be sent to the new owner from its first byte.
//
//	caller ─▶ upload ─▶ here, which reads, and is refused: the writes have left
//	            │ kept
//	            └─────▶ the new owner reads what was kept, then the rest as it arrives
//
// An upload that cannot be kept (the files are full, or cannot be written) goes on as if
// nobody kept it; refused, it is the caller's to send again. nil keeps what fits into memory.
type Uploads struct {
	folder string
	disk   *memory.Budget // of the files
}

// NewUploads keeps at most so many bytes of all uploads under way in files of the folder,
// which have no names and are gone with the process.
func NewUploads(folder string, bytes int64) *Uploads {
	return &Uploads{folder, memory.NewBudget(bytes, "the temporary files of uploads are full")}
}

// keptUpload is one upload, and what was read of it so far.
type keptUpload struct {
	source  io.Reader
	uploads *Uploads
	reading sync.Mutex // held while source is read

	mu     sync.Mutex // of what follows; never held while source is read
	start  []byte     // the first uploadMemory bytes
	file   *os.File   // the bytes behind them; nil = there are none
	share  *memory.Share
	length int64 // that was read, and is kept unless lost
	lost   bool  // some of it is not kept
	closed bool
	err    error // that ended source
}

// uploadView reads an upload from its first byte. The attempt before may still read in
// its own view, on a goroutine of net/http: nothing is lost to it.
type uploadView struct {
	of *keptUpload
	at int64
}

// view returns a reader from the first byte; false when that is not kept any longer.
func (k *keptUpload) view() (*uploadView, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return &uploadView{of: k}, !k.lost
}

// close removes the file.
func (k *keptUpload) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closed = true
	k.drop()
}

// drop needs the lock.
func (k *keptUpload) drop() {
	if k.file != nil {
		_ = k.file.Close() // nobody needs what is in it
		_ = os.Remove(k.file.Name())
		k.file = nil
	}
	if k.share != nil {
		k.share.Return()
	}
	k.start = nil
}

// Read implements io.Reader.
func (v *uploadView) Read(p []byte) (int, error) {
	if n, err := v.of.readKept(p, v.at); n > 0 || err != nil {
		v.at += int64(n)
		return n, err
	}
	v.of.reading.Lock()
	defer v.of.reading.Unlock()
	n, err := v.of.readKept(p, v.at) // another view may have read meanwhile
	if n == 0 && err == nil {
		n, err = v.of.readSource(p, v.at)
	}
	v.at += int64(n)
	return n, err
}

// errUploadOver ends an attempt whose bytes are gone.
var errUploadOver = fault.New(fault.Unavailable, "the upload cannot be read from its start any longer: send it again")

// readKept reads what was read before; 0 = the source is to be read.
func (k *keptUpload) readKept(p []byte, at int64) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.closed:
		return 0, errUploadOver
	case at == k.length:
		return 0, k.err
	case k.lost:
		return 0, errUploadOver // a newer view reads on
	case at < int64(len(k.start)):
		return copy(p, k.start[at:]), nil
	}
	n, err := k.file.ReadAt(p[:min(int64(len(p)), k.length-at)], at-int64(len(k.start)))
	if err != nil && n == 0 {
		return 0, fault.Wrap(err, fault.Unavailable, "what was kept of the upload cannot be read: send it again")
	}
	return n, nil
}

// readSource reads on. It needs the right to read.
func (k *keptUpload) readSource(p []byte, at int64) (int, error) {
	n, err := k.source.Read(p)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.err = err
	if k.closed {
		return n, err
	}
	if n > 0 && !k.lost {
		if failed := k.keep(p[:n]); failed != nil {
			k.lost = true
			k.drop()
		}
	}
	k.length = at + int64(n)
	return n, err
}

// keep needs the lock.
func (k *keptUpload) keep(p []byte) error {
	if room := uploadMemory - len(k.start); room > 0 {
		n := min(room, len(p))
		k.start = append(k.start, p[:n]...)
		p = p[n:]
	}
	if len(p) == 0 {
		return nil
	}
	if k.uploads == nil {
		return errUploadOver
	}
	if k.share == nil {
		k.share = k.uploads.disk.Share(0)
	}
	if err := k.share.Take(int64(len(p))); err != nil {
		return err
	}
	if k.file == nil {
		file, err := os.CreateTemp(k.uploads.folder, ".banyan-upload-")
		if err != nil {
			return fmt.Errorf("keep an upload: %w", err)
		}
		k.file = file
		_ = os.Remove(file.Name()) // where open files keep their names, close does it
	}
	_, err := k.file.Write(p)
	return err
}

// leadUpload does a write with an upload where the route leads. While writes are held it
// waits before the first byte is read; what is read is kept.
func (o Operation[Q, A]) leadUpload(ctx context.Context, r *Route, q Q) (A, error) {
	field := reflect.ValueOf(&q).Elem().Field(o.d.request.stream)
	if source, ok := field.Interface().(io.Reader); ok && r.options.Lost != nil {
		kept := &keptUpload{source: source, uploads: r.options.Uploads}
		defer kept.close()
		view, _ := kept.view()
		field.Set(reflect.ValueOf(view))
	}
	return o.leadTo(ctx, r, q)
}

// fromStart returns the request as it was at first; false when its upload is not kept.
func (o Operation[Q, A]) fromStart(q Q) (Q, bool) {
	if o.d.request.stream < 0 {
		return q, true
	}
	field := reflect.ValueOf(&q).Elem().Field(o.d.request.stream)
	view, ok := field.Interface().(*uploadView)
	if !ok {
		return q, field.IsNil()
	}
	again, ok := view.of.view()
	field.Set(reflect.ValueOf(again))
	return q, ok
}
