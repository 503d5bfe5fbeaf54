//go:build amd64 && !purego

package keccak

import (
	"golang.org/x/sys/cpu"
)

//go:generate go run ./gen -write avx512 -out avx512_amd64.s

// These hash eight messages a block; blocks is at least 1, and digests are
// contiguous. gen writes them. pairs512 takes pairs of digests, rows512
// messages of up to 64 bytes according to form, and wide512 messages that are padded
// to 128 bytes.
//
//go:noescape
func pairs512(digests, messages *byte, blocks int)

//go:noescape
func rows512(digests, messages *byte, blocks int, twice bool, form *form512)

//go:noescape
func wide512(digests, messages *byte, blocks int, twice bool)

// long512 hashes eight messages of as many blocks each: word w of message m, with
// its padding, is words[w*width512+m].
//
//go:noescape
func long512(digests *byte, words *uint64, blocks int)

// form512 is how rows512 reads a message: of the 64 bytes that begin lead bytes
// before it, those in the mask, and no others; padding is the rest, and the 8
// bytes after them.
type form512 struct {
	lead, size uint64
	mask       uint64 // a bit for each byte
	padding    [rowSize + 8]byte
}

func newForm512(lead, size int) *form512 {
	f := &form512{lead: uint64(lead), size: uint64(size), mask: (1<<size - 1) << lead}
	f.padding[lead+size] = padFirst
	return f
}

// width512 is how many messages a block has.
const width512 = 8

// avx512 hashes eight messages at once.
type avx512 struct{}

// hasAVX512 also checks that the operating system saves the registers.
func hasAVX512() bool {
	return cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512VL
}

// Name is "avx512".
func (avx512) Name() string { return "avx512" }

// Width is 8.
func (avx512) Width() int { return width512 }

// Hash implements Engine.
func (e avx512) Hash(digests, messages []byte, size int) error {
	return e.messages(digests, messages, 0, size, false)
}

// HashTwice implements Engine.
func (e avx512) HashTwice(digests, messages []byte, lead, size int) error {
	return e.messages(digests, messages, lead, size, true)
}

func (e avx512) messages(digests, messages []byte, lead, size int, twice bool) error {
	if _, err := checkMessages(digests, messages, lead, size); err != nil {
		return err
	}
	if lead+size > rowSize {
		inPadded(digests, messages, lead, size, twice)
		return nil
	}
	form := newForm512(lead, size)
	inBlocks(digests, messages, size, func(digests, messages *byte, blocks int) {
		rows512(digests, messages, blocks, twice, form)
	})
	return nil
}

// Sizes in bytes of the messages of rows512 and wide512.
const (
	rowSize  = 64
	wideSize = 128
)

// inPadded copies messages to a buffer with their leading zeros and padding,
// some blocks at a time, and hashes them there.
func inPadded(digests, messages []byte, lead, size int, twice bool) {
	const most = 4 * width512
	var padded [most * wideSize]byte
	var results [most * DigestSize]byte
	for m := range most {
		padded[m*wideSize+lead+size] = padFirst
	}
	for len(messages) > 0 {
		n := min(most, len(messages)/size)
		for m := range n {
			copy(padded[m*wideSize+lead:m*wideSize+lead+size], messages[m*size:])
		}
		wide512(&results[0], &padded[0], (n+width512-1)/width512, twice)
		digests = digests[copy(digests, results[:n*DigestSize]):]
		messages = messages[n*size:]
	}
}

// HashPairs implements Engine.
func (avx512) HashPairs(digests, pairs []byte) error {
	if _, err := checkMessages(digests, pairs, 0, PairSize); err != nil {
		return err
	}
	inBlocks(digests, pairs, PairSize, pairs512)
	return nil
}

// inBlocks hashes whole blocks in place, and the remaining messages in a block
// of their own.
func inBlocks(digests, messages []byte, size int, hash func(digests, messages *byte, blocks int)) {
	count := len(messages) / size
	blocks := count / width512
	if blocks > 0 {
		hash(&digests[0], &messages[0], blocks)
	}
	if done := blocks * width512; done < count {
		var block [width512 * rowSize]byte
		var results [width512 * DigestSize]byte
		copy(block[:], messages[done*size:])
		hash(&results[0], &block[0], 1)
		copy(digests[done*DigestSize:], results[:])
	}
}
