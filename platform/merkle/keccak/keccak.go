// Package keccak hashes many short messages of one length at once with
// Keccak-256 as Ethereum uses it (padding 0x01; the original submission, not
// NIST's SHA3-256): https://keccak.team/files/Keccak-reference-3.0.pdf
//
// A Merkle tree needs three operations, and an Engine does each for a whole
// batch: Hash for leaves, HashTwice for leaves that are hashed again against
// second preimages, HashPairs for the nodes above. Which engine runs never
// changes a digest.
package keccak

import (
	"fmt"
	"unsafe"
)

const (
	// DigestSize is the length of a digest in bytes.
	DigestSize = 32
	// PairSize is the length of two digests side by side.
	PairSize = 2 * DigestSize
	// MaxMessage is the longest message in bytes. One Keccak block has 135; no
	// leaf has more than 96.
	MaxMessage = 127
)

// The sponge: lanes of 8 bytes that one permutation absorbs at 256 bits of
// output, and what pads a message, in its next byte and in the last one.
const (
	lanes    = 17
	padFirst = 0x01
	padLast  = 0x80 << 56 // as a lane
)

// Engine hashes batches. It has no state and is safe for concurrent use. Every
// method refuses buffers that do not fit each other, or that overlap, and then
// writes nothing.
type Engine interface {
	// Name is its name in BANYAN_KECCAK: avx512, avx2 or scalar.
	Name() string
	// Width is how many messages it hashes at once. Batches may have any count;
	// multiples of the width are fastest.
	Width() int
	// Hash writes the digest of each message. messages has them back to back,
	// each size bytes long (1 to MaxMessage); digests has DigestSize bytes for
	// each.
	Hash(digests, messages []byte, size int) error
	// HashTwice writes the digest of the digest of each message. A message is
	// lead zeros and then size bytes of messages, MaxMessage at most together:
	// zeros that a whole batch begins with need not be in memory.
	HashTwice(digests, messages []byte, lead, size int) error
	// HashPairs hashes pairs of digests, the smaller one of each pair first,
	// as OpenZeppelin's MerkleProof does. pairs has PairSize bytes for each.
	HashPairs(digests, pairs []byte) error
}

// Sum256 returns the digest of one message of any length.
func Sum256(message []byte) [DigestSize]byte {
	var digest [DigestSize]byte
	state := newScalarState()
	state.sum(digest[:], message)
	return digest
}

// checkMessages returns the number of messages, or an error that names the
// wrong buffer.
func checkMessages(digests, messages []byte, lead, size int) (int, error) {
	if size < 1 || lead < 0 || size > MaxMessage || lead > MaxMessage-size {
		return 0, fmt.Errorf("keccak: a message of %d bytes behind %d zeros: this engine hashes 1 to %d together", size, lead, MaxMessage)
	}
	if len(messages)%size != 0 {
		return 0, fmt.Errorf("keccak: %d bytes are not a whole number of messages of %d bytes", len(messages), size)
	}
	count := len(messages) / size
	if len(digests) != count*DigestSize {
		return 0, fmt.Errorf("keccak: %d messages need %d bytes for their digests, got %d", count, count*DigestSize, len(digests))
	}
	if overlap(digests, messages) {
		return 0, fmt.Errorf("keccak: the digests would overwrite the messages: use two buffers")
	}
	return count, nil
}

// overlap reports whether two slices share memory.
func overlap(a, b []byte) bool {
	if len(a) == 0 || len(b) == 0 {
		return false
	}
	firstA, firstB := uintptr(unsafe.Pointer(&a[0])), uintptr(unsafe.Pointer(&b[0])) //nolint:gosec // addresses are compared, nothing is read through them
	return firstA < firstB+uintptr(len(b)) && firstB < firstA+uintptr(len(a))
}
