//go:build amd64 && !purego

package keccak

import (
	"golang.org/x/sys/cpu"
)

//go:generate go run gen.go -out keccak_amd64.s

// These hash eight messages a block; blocks is at least 1, and digests lie
// back to back. gen.go writes them. pairs512 takes pairs of digests. rows512
// takes messages in 64 bytes each, followed by the 8 bytes that next holds:
// padding when the message has 64 bytes, zero when it is shorter and brings
// its padding. wide512 takes messages that bring their padding in 128 bytes.
//
//go:noescape
func pairs512(digests, messages *byte, blocks int)

//go:noescape
func rows512(digests, messages *byte, blocks int, twice bool, next uint64)

//go:noescape
func wide512(digests, messages *byte, blocks int, twice bool)

// width512 is how many messages a block has.
const width512 = 8

// avx512 hashes eight messages at once.
type avx512 struct{}

// hasAVX512 also says that the operating system keeps the registers.
func hasAVX512() bool {
	return cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512VL
}

// Name is "avx512".
func (avx512) Name() string { return "avx512" }

// Width is 8.
func (avx512) Width() int { return width512 }

// Hash implements Engine.
func (e avx512) Hash(digests, messages []byte, size int) error {
	return e.messages(digests, messages, size, false)
}

// HashTwice implements Engine.
func (e avx512) HashTwice(digests, messages []byte, size int) error {
	return e.messages(digests, messages, size, true)
}

func (e avx512) messages(digests, messages []byte, size int, twice bool) error {
	count, err := checkMessages(digests, messages, size)
	if err != nil {
		return err
	}
	switch {
	case size == rowSize:
		inBlocks(digests, messages, count, func(digests, messages *byte, blocks int) {
			rows512(digests, messages, blocks, twice, padFirst)
		})
	case size < rowSize:
		inPadded(digests, messages, size, rowSize, func(digests, messages *byte, blocks int) {
			rows512(digests, messages, blocks, twice, 0)
		})
	default:
		inPadded(digests, messages, size, wideSize, func(digests, messages *byte, blocks int) {
			wide512(digests, messages, blocks, twice)
		})
	}
	return nil
}

// Sizes of padded messages in bytes.
const (
	rowSize  = 64
	wideSize = 128
)

// inPadded copies messages to where they have room for their padding, some
// blocks at a time, and hashes them there.
func inPadded(digests, messages []byte, size, room int, hash func(digests, messages *byte, blocks int)) {
	const most = 4 * width512
	var padded [most * wideSize]byte
	var results [most * DigestSize]byte
	for m := range most {
		padded[m*room+size] = padFirst
	}
	for len(messages) > 0 {
		n := min(most, len(messages)/size)
		for m := range n {
			copy(padded[m*room:m*room+size], messages[m*size:])
		}
		hash(&results[0], &padded[0], (n+width512-1)/width512)
		digests = digests[copy(digests, results[:n*DigestSize]):]
		messages = messages[n*size:]
	}
}

// HashPairs implements Engine.
func (avx512) HashPairs(digests, pairs []byte) error {
	count, err := checkMessages(digests, pairs, PairSize)
	if err != nil {
		return err
	}
	inBlocks(digests, pairs, count, pairs512)
	return nil
}

// inBlocks hashes whole blocks in place, and the messages that are left over
// in a block of their own.
func inBlocks(digests, messages []byte, count int, hash func(digests, messages *byte, blocks int)) {
	blocks := count / width512
	if blocks > 0 {
		hash(&digests[0], &messages[0], blocks)
	}
	if done := blocks * width512; done < count {
		var block [width512 * PairSize]byte
		var results [width512 * DigestSize]byte
		copy(block[:], messages[done*PairSize:])
		hash(&results[0], &block[0], 1)
		copy(digests[done*DigestSize:], results[:])
	}
}
