package keccak

// rate is how many bytes of a message one permutation absorbs.
const rate = lanes * 8

// Long hashes messages that an Engine's Hash does not take: longer than
// MaxMessage, or of different lengths. Where the engine hashes several messages
// at once, so does this. It is for one goroutine, and faster when it is used
// again.
type Long struct {
	engine Engine
	state  scalarState
	eights eights
}

// NewLong returns a hasher with this engine.
func NewLong(engine Engine) *Long { return &Long{engine: engine, state: newScalarState()} }

// Hash writes the digests of messages, which stand back to back in messages and
// end at ends.
func (l *Long) Hash(digests, messages []byte, ends []int) {
	first, start := 0, 0
	if l.engine.Width() > 1 {
		first = l.several(digests, messages, ends)
	}
	if first > 0 {
		start = ends[first-1]
	}
	for i, end := range ends[first:] {
		l.one(digests, messages[start:end], first+i)
		start = end
	}
}

// one writes the digest of message i.
func (l *Long) one(digests, message []byte, i int) {
	l.state.sum(digests[i*DigestSize:(i+1)*DigestSize], message)
}
