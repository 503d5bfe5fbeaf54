//go:build amd64 && !purego

package keccak

import (
	"github.com/cloudflare/circl/simd/keccakf1600"
)

//go:generate go run ./gen -write avx2 -out avx2_amd64.s

// These surround circl's permutation; gen writes them. state is the lanes
// of a state256; pairs, messages and digests are of four messages, back to
// back. pairs256 and absorb256 start the sponges, again256 starts them with
// their digests.
//
//go:noescape
func pairs256(state *uint64, pairs *byte)

//go:noescape
func absorb256(state *uint64, messages *byte, size int)

//go:noescape
func again256(state *uint64)

//go:noescape
func squeeze256(state *uint64, digests *byte)

const (
	// width256 is how many states circl's permutation works on.
	width256 = 4
	// overread256 is the most bytes that absorb256 reads after the last message.
	overread256 = 32
)

// avx2 hashes four messages at once through cloudflare/circl.
type avx2 struct{}

func hasAVX2() bool { return keccakf1600.IsEnabledX4() }

// Name is "avx2".
func (avx2) Name() string { return "avx2" }

// Width is 4.
func (avx2) Width() int { return width256 }

// Hash implements Engine.
func (avx2) Hash(digests, messages []byte, size int) error {
	return messages256(digests, messages, 0, size, false)
}

// HashTwice implements Engine.
func (avx2) HashTwice(digests, messages []byte, lead, size int) error {
	return messages256(digests, messages, lead, size, true)
}

func messages256(digests, messages []byte, lead, size int, twice bool) error {
	if _, err := checkMessages(digests, messages, lead, size); err != nil {
		return err
	}
	s := newState256()
	room := new(room256)
	for len(digests) > 0 {
		s.absorb(messages, lead, size, room)
		s.sponge.Permute()
		if twice {
			again256(&s.lanes[0])
			s.sponge.Permute()
		}
		digests = s.squeeze(digests)
		messages = messages[min(width256*size, len(messages)):]
	}
	return nil
}

// HashPairs implements Engine.
func (avx2) HashPairs(digests, pairs []byte) error {
	if _, err := checkMessages(digests, pairs, 0, PairSize); err != nil {
		return err
	}
	s := newState256()
	for len(digests) > 0 {
		s.absorbPairs(pairs)
		s.sponge.Permute()
		digests = s.squeeze(digests)
		pairs = pairs[min(width256*PairSize, len(pairs)):]
	}
	return nil
}

// state256 is four sponges: lane l of message m is lanes[l*width256+m].
type state256 struct {
	sponge *keccakf1600.StateX4
	lanes  []uint64
}

func newState256() state256 {
	s := state256{sponge: new(keccakf1600.StateX4)}
	s.lanes = s.sponge.Initialize(false)
	return s
}

// room256 is a buffer for messages that cannot be read in place. The zeros
// before them stay zeros.
type room256 [width256*MaxMessage + overread256]byte

// absorb starts the sponges with the next messages. Those that start with
// zeros, and the last ones, after which nothing may be read, are copied to
// room, whose zeros are the same for all messages of one form.
func (s state256) absorb(messages []byte, lead, size int, room *room256) {
	if lead > 0 || len(messages) < width256*size+overread256 {
		whole := lead + size
		for m := range min(width256, len(messages)/size) {
			copy(room[m*whole+lead:(m+1)*whole], messages[m*size:])
		}
		messages, size = room[:], whole
	}
	absorb256(&s.lanes[0], &messages[0], size)
}

// absorbPairs is absorb for pairs.
func (s state256) absorbPairs(pairs []byte) {
	if len(pairs) < width256*PairSize {
		var room [width256 * PairSize]byte
		copy(room[:], pairs)
		pairs = room[:]
	}
	pairs256(&s.lanes[0], &pairs[0])
}

// squeeze writes the next digests and returns the buffer for those after them.
func (s state256) squeeze(digests []byte) []byte {
	if len(digests) < width256*DigestSize {
		var all [width256 * DigestSize]byte
		squeeze256(&s.lanes[0], &all[0])
		copy(digests, all[:])
		return nil
	}
	squeeze256(&s.lanes[0], &digests[0])
	return digests[width256*DigestSize:]
}
