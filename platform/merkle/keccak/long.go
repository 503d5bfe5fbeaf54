package keccak

// rate is how many bytes of a message one permutation absorbs.
const rate = lanes * 8

// HashLong writes the digests of messages of any lengths, which stand back to
// back in messages and end at ends. It is for those that an Engine's Hash does
// not take: longer than MaxMessage, or of different lengths. Where engine hashes
// several messages at once, so does this, four at a time.
func HashLong(engine Engine, digests, messages []byte, ends []int) {
	first := 0
	if engine.Width() > 1 {
		first = longInFours(digests, messages, ends)
	}
	state, start := newScalarState(), 0
	if first > 0 {
		start = ends[first-1]
	}
	for i, end := range ends[first:] {
		at := (first + i) * DigestSize
		state.sum(digests[at:at+DigestSize], messages[start:end])
		start = end
	}
}
