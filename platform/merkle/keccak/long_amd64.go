//go:build amd64 && !purego

package keccak

import "encoding/binary"

// several hashes the first messages, several at once, and returns how many.
func (l *Long) several(digests, messages []byte, ends []int) (done int) {
	if _, is := l.engine.(avx512); is {
		l.inEights(digests, messages, ends)
		return len(ends)
	}
	return longInFours(digests, messages, ends)
}

// mostBlocks is the longest message that eights take, in blocks: 1,087 bytes,
// more than any leaf has that is not made to be long.
const mostBlocks = 8

// eights gather messages until there are eight of as many blocks.
type eights [mostBlocks]eight

// eight is up to eight messages of as many blocks, transposed as long512 takes
// them, with their places.
type eight struct {
	words  []uint64
	places [width512]int
	count  int
}

// inEights hashes messages eight at a time, each with others of as many blocks.
// It is twice as fast as four at a time (BenchmarkLongMessages).
func (l *Long) inEights(digests, messages []byte, ends []int) {
	start := 0
	for i, end := range ends {
		message := messages[start:end]
		start = end
		blocks := len(message)/rate + 1
		if blocks > mostBlocks {
			l.one(digests, message, i)
			continue
		}
		e := &l.eights[blocks-1]
		if e.words == nil {
			e.words = make([]uint64, blocks*lanes*width512)
		}
		e.add(message, i)
		if e.count == width512 {
			e.flush(digests, blocks)
		}
	}
	for k := range l.eights {
		if e := &l.eights[k]; e.count > 0 {
			e.flush(digests, k+1) // what the others hold is hashed, too, and not used
		}
	}
}

// add transposes a message and its padding.
func (e *eight) add(message []byte, place int) {
	words := e.words[e.count:]
	e.places[e.count] = place
	e.count++
	at := 0
	for ; len(message) >= 8; at += width512 {
		words[at] = binary.LittleEndian.Uint64(message)
		message = message[8:]
	}
	last := [8]byte{}
	last[copy(last[:], message)] = padFirst
	words[at] = binary.LittleEndian.Uint64(last[:])
	for at += width512; at < len(words); at += width512 {
		words[at] = 0
	}
	words[at-width512] ^= padLast
}

// flush writes the digests of what was gathered.
func (e *eight) flush(digests []byte, blocks int) {
	var all [width512 * DigestSize]byte
	long512(&all[0], &e.words[0], blocks)
	for m, place := range e.places[:e.count] {
		copy(digests[place*DigestSize:(place+1)*DigestSize], all[m*DigestSize:])
	}
	e.count = 0
}

// longInFours hashes messages four at a time, as many as there are whole fours
// of, and returns how many. It is 2.4 times as fast as one at a time
// (BenchmarkLongMessages).
func longInFours(digests, messages []byte, ends []int) (done int) {
	if !hasAVX2() {
		return 0
	}
	s := newState256()
	start := 0
	for ; done+width256 <= len(ends); done += width256 {
		var four [width256][]byte
		for m := range four {
			end := ends[done+m]
			four[m], start = messages[start:end], end
		}
		s.hashLong(digests[done*DigestSize:(done+width256)*DigestSize], four)
	}
	return done
}

// hashLong hashes four messages; one that ends before the others is squeezed
// when it does, and what the permutation makes of it afterwards is not used.
func (s state256) hashLong(digests []byte, four [width256][]byte) {
	clear(s.lanes)
	most := 0
	for m := range four {
		most = max(most, len(four[m])/rate+1)
	}
	for block := range most {
		for m := range four {
			if rest := len(four[m]) - block*rate; rest >= 0 {
				s.absorbLong(m, four[m][block*rate:block*rate+min(rest, rate)])
			}
		}
		s.sponge.Permute()
		for m := range four {
			if len(four[m])/rate == block {
				for lane := range DigestSize / 8 {
					binary.LittleEndian.PutUint64(digests[m*DigestSize+lane*8:], s.lanes[lane*width256+m])
				}
			}
		}
	}
}

// absorbLong adds a block to sponge m, with its padding if it is the last one,
// which is shorter.
func (s state256) absorbLong(m int, block []byte) {
	if len(block) < rate {
		var padded [rate]byte
		copy(padded[:], block)
		padded[len(block)] = padFirst
		padded[rate-1] |= 0x80
		block = padded[:]
	}
	for lane := range lanes {
		s.lanes[lane*width256+m] ^= binary.LittleEndian.Uint64(block[lane*8:])
	}
}
