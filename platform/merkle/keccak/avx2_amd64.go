//go:build amd64 && !purego

package keccak

import (
	"encoding/binary"
	"math/bits"

	"github.com/cloudflare/circl/simd/keccakf1600"
)

// width256 is how many states circl's permutation works on.
const width256 = 4

// avx2 hashes four messages at once through cloudflare/circl.
type avx2 struct{}

func hasAVX2() bool { return keccakf1600.IsEnabledX4() }

// Name is "avx2".
func (avx2) Name() string { return "avx2" }

// Width is 4.
func (avx2) Width() int { return width256 }

// Hash implements Engine.
func (avx2) Hash(digests, messages []byte, size int) error {
	return messages256(digests, messages, size, false)
}

// HashTwice implements Engine.
func (avx2) HashTwice(digests, messages []byte, size int) error {
	return messages256(digests, messages, size, true)
}

func messages256(digests, messages []byte, size int, twice bool) error {
	count, err := checkMessages(digests, messages, size)
	if err != nil {
		return err
	}
	s := newState256()
	for first := 0; first < count; first += width256 {
		n := min(width256, count-first)
		clear(s.lanes)
		for m := range n {
			s.absorb(m, messages[(first+m)*size:(first+m+1)*size])
		}
		s.sponge.Permute()
		if twice {
			s.again()
		}
		for m := range n {
			s.squeeze(m, digests[(first+m)*DigestSize:])
		}
	}
	return nil
}

// HashPairs implements Engine.
func (avx2) HashPairs(digests, pairs []byte) error {
	count, err := checkMessages(digests, pairs, PairSize)
	if err != nil {
		return err
	}
	s := newState256()
	for first := 0; first < count; first += width256 {
		n := min(width256, count-first)
		clear(s.lanes[9*width256:])
		for m := range n {
			s.absorbPair(m, pairs[(first+m)*PairSize:(first+m+1)*PairSize])
		}
		s.sponge.Permute()
		for m := range n {
			s.squeeze(m, digests[(first+m)*DigestSize:])
		}
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

// absorb writes a message and its padding over zeros.
func (s state256) absorb(m int, message []byte) {
	at := m
	for ; len(message) >= 8; message = message[8:] {
		s.lanes[at] = binary.LittleEndian.Uint64(message)
		at += width256
	}
	var rest [8]byte
	copy(rest[:], message)
	rest[len(message)] = padFirst
	s.lanes[at] = binary.LittleEndian.Uint64(rest[:])
	s.lanes[(lanes-1)*width256+m] |= padLast
}

// absorbPair writes the smaller half, the greater half and the padding. Which
// half is smaller is a matter of chance, so no branch asks for it.
func (s state256) absorbPair(m int, pair []byte) {
	_ = pair[PairSize-1]
	var left, right [4]uint64
	borrow := uint64(0)
	for i := 3; i >= 0; i-- {
		left[i], right[i] = binary.LittleEndian.Uint64(pair[i*8:]), binary.LittleEndian.Uint64(pair[DigestSize+i*8:])
		_, borrow = bits.Sub64(bits.ReverseBytes64(right[i]), bits.ReverseBytes64(left[i]), borrow)
	}
	to := s.lanes[m : m+width256*(lanes-1)+1]
	for i := range 4 {
		swap := (left[i] ^ right[i]) & -borrow // all of it when right < left
		to[i*width256] = left[i] ^ swap
		to[(4+i)*width256] = right[i] ^ swap
	}
	to[8*width256] = padFirst
	to[(lanes-1)*width256] = padLast
}

// again turns the digests into the next messages and permutes.
func (s state256) again() {
	clear(s.lanes[4*width256:])
	for m := range width256 {
		s.lanes[4*width256+m] = padFirst
		s.lanes[(lanes-1)*width256+m] = padLast
	}
	s.sponge.Permute()
}

func (s state256) squeeze(m int, digest []byte) {
	_ = digest[DigestSize-1]
	for i := range 4 {
		binary.LittleEndian.PutUint64(digest[i*8:], s.lanes[i*width256+m])
	}
}
