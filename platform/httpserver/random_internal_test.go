package httpserver

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"sync"
	"testing"
	"testing/iotest"
)

// numbers gives 0, 1, 2, …, each in four bytes.
type numbers struct{ next uint32 }

func (n *numbers) Read(p []byte) (int, error) {
	for i := 0; i+4 <= len(p); i += 4 {
		binary.BigEndian.PutUint32(p[i:], n.next)
		n.next++
	}
	return len(p) / 4 * 4, nil
}

func TestNoRandomByteIsGivenTwice(t *testing.T) {
	r := &randomness{from: &numbers{}}
	var mu sync.Mutex
	seen := make(map[uint32]bool)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 500 {
				size := []int{12, 16}[(i+n)%2]
				text := r.hex(size)
				raw, err := hex.DecodeString(text)
				if err != nil || len(raw) != size {
					t.Errorf("%d bytes are %q: %v", size, text, err)
					return
				}
				mu.Lock()
				for ; len(raw) > 0; raw = raw[4:] {
					number := binary.BigEndian.Uint32(raw)
					if seen[number] {
						t.Errorf("the number %d was given twice", number)
					}
					seen[number] = true
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
}

func TestWithoutRandomBytesNothingGoesOn(t *testing.T) {
	r := &randomness{from: iotest.ErrReader(errors.New("none"))}
	for range 2 {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("bytes came from nowhere")
				}
			}()
			r.hex(12)
		}()
	}
}
