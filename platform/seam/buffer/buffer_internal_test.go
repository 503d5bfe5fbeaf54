package buffer

import (
	"bytes"
	"testing"
)

// TestPooledBuffersAreAsFreshOnes: whatever was in a buffer before, the next
// holder finds nothing of it, and one that has grown huge is not kept.
func TestPooledBuffersAreAsFreshOnes(t *testing.T) {
	for name, s := range map[string]source{"pooled": new(pooled), "fresh": fresh{}} {
		t.Run(name, func(t *testing.T) {
			for _, size := range []int{0, 10, usual + 1, maxPooled + 1} {
				buf := s.get()
				if buf.Len() != 0 || buf.Cap() < usual || buf.Cap() > maxPooled {
					t.Fatalf("before %d bytes: length %d, capacity %d", size, buf.Len(), buf.Cap())
				}
				content := bytes.Repeat([]byte{'x'}, size)
				buf.Write(content)
				if !bytes.Equal(buf.Bytes(), content) {
					t.Errorf("%d bytes came back changed", size)
				}
				s.put(buf)
			}
			if buf := s.get(); buf.Len() != 0 || buf.Cap() > maxPooled {
				t.Errorf("after a huge one: length %d, capacity %d", buf.Len(), buf.Cap())
			}
		})
	}
}
