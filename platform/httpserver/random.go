package httpserver

import (
	"encoding/hex"
	"io"
	"sync"
)

// randomness reads ahead: every request has an id, and the system takes as long
// for its 12 bytes as for hundreds. No byte is given out twice.
type randomness struct {
	from io.Reader

	mu    sync.Mutex
	ahead [504]byte // a multiple of 12
	left  []byte    // of ahead
}

// hex gives n random bytes, up to 16, as hex digits.
func (r *randomness) hex(n int) string {
	var raw [16]byte
	r.read(raw[:n])
	var text [2 * len(raw)]byte
	return string(text[:hex.Encode(text[:], raw[:n])])
}

func (r *randomness) read(to []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.left) < len(to) {
		r.left = nil
		if _, err := io.ReadFull(r.from, r.ahead[:]); err != nil {
			panic("the system gives no random bytes: " + err.Error()) // nothing secure can go on
		}
		r.left = r.ahead[:]
	}
	r.left = r.left[copy(to, r.left):]
}
