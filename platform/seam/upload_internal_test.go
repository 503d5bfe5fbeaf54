package seam

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
)

// Readers of attempts that are over may still read: each byte comes once to the newest one.
func TestViewsOfAnUploadReadTheSameBytes(t *testing.T) {
	sent := make([]byte, 5*uploadMemory)
	_, _ = rand.NewChaCha8([32]byte{}).Read(sent)
	kept := &keptUpload{source: bytes.NewReader(sent), uploads: NewUploads(t.TempDir(), 1<<20)}
	defer kept.close()
	var all sync.WaitGroup
	for range 4 {
		view, ok := kept.view()
		if !ok {
			t.Fatal("it is not kept")
		}
		all.Go(func() {
			var got []byte
			for part := make([]byte, 1000); ; part = part[:1+len(got)%1000] {
				n, err := view.Read(part)
				got = append(got, part[:n]...)
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
			if !bytes.Equal(got, sent) {
				t.Errorf("read %d bytes, which are not those that were sent", len(got))
			}
		})
	}
	all.Wait()
}
